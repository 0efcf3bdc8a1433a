"""What the real labs' tests say when they fail, and that each has a mutant that shows it can. No machine is started: the failures are made up."""

import pathlib
import re
import shutil
import tempfile
import types
import unittest

import labfile
import mutants
import prove
import runner
from results import FAIL
from target import Failed

TREE = pathlib.Path(__file__).resolve().parents[2]
LABS = [labfile.read(TREE, name) for name in labfile.names(TREE)]
PLACE = re.compile(r"(kernel/[\w./-]+):(\d+) \(LAB (\d+\.\d+[a-z]?)\)")


class Failing(runner.Runner):
    """Each run fails as it is told."""

    failed = Failed("a", "b")

    def one(self, *_, **__):
        raise self.failed


def judge(lab, spec, failed, tree=TREE):
    """The Result of a test of TREE's submission that fails so."""
    elf = types.SimpleNamespace(path=tree / "build/koan.elf")
    failing = Failing(lab, TREE, TREE, {}, elf, TREE / "build/none", f"make replay LAB={lab.name}")
    failing.failed = failed
    return failing.judge(spec, "1")


class Five(unittest.TestCase):
    """Expected, seen, where, hint, and the command that shows it again."""

    def test_each_test_of_each_lab(self):
        for lab in LABS:
            for spec in lab.tests:
                if spec.kind == "host":
                    continue
                for where in ("", "the frame table", "its last line: none"):
                    with self.subTest(lab=lab.name, test=spec.name, where=where):
                        result = judge(lab, spec, Failed("a", "b", where))
                        self.assertEqual(result.verdict, FAIL)
                        self.assertEqual(prove.says_all(result), [])
                        self.assertIn(where, result.where)
                        self.assertTrue(result.reproduce.endswith(f"LAB={lab.name} TEST={spec.name}"))

    def test_hints_differ(self):
        for lab in LABS:
            hints = [spec.hint for spec in lab.tests if spec.kind != "host"]
            self.assertEqual(len(set(hints)), len(hints), lab.name)

    def test_places_are_marks_of_the_exercise(self):
        for lab in LABS:
            for exercise in lab.exercises:
                for name in exercise.tests:
                    spec = next(spec for spec in lab.tests if spec.name == name)
                    places = PLACE.findall(judge(lab, spec, Failed("a", "b")).where)
                    self.assertTrue(places, name)
                    for file, line, block in places:
                        self.assertTrue(block.startswith(spec.block or exercise.id), name)
                        text = (TREE / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
                        self.assertRegex(text, rf"^(/\*|;) LAB {re.escape(block)}: ")

    def test_what_the_test_knows_better_stays(self):
        lab = LABS[0]
        for where in ("map_ram (kernel/mm/map.c:7)", "its last line: PANIC at kernel/x86/smp.c:9"):
            self.assertEqual(judge(lab, lab.tests[0], Failed("a", "b", where)).where, where)
        self.assertEqual(judge(lab, lab.tests[0], Failed("a", "b", "", "a better hint")).hint, "a better hint")

    def test_a_block_that_is_not_written_is_the_place(self):
        lab = LABS[0]
        where = judge(lab, lab.tests[0], Failed("a", "b", "its last line: PANIC: LAB 1.5, kernel/x86/smp.c, is not written yet: wake")).where
        self.assertEqual([block for _, _, block in PLACE.findall(where)], ["1.5"])

    def test_lines_are_those_of_the_submission(self):
        lab = LABS[0]
        with tempfile.TemporaryDirectory() as holder:
            tree = pathlib.Path(holder)
            for name in lab.files:
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(TREE / name, tree / name)
            file = tree / lab.files[0]
            before = int(PLACE.search(judge(lab, lab.tests[0], Failed("a", "b"), tree).where)[2])
            file.write_text("\n\n\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
            self.assertEqual(int(PLACE.search(judge(lab, lab.tests[0], Failed("a", "b"), tree).where)[2]), before + 3)
            file.write_text("int no_marks;\n", encoding="utf-8")
            self.assertEqual(int(PLACE.search(judge(lab, lab.tests[0], Failed("a", "b"), tree).where)[2]), before)

    def test_a_failure_that_lacks_one_is_found(self):
        lab = LABS[0]
        result = judge(lab, lab.tests[0], Failed("a", "b"))
        for name in ("expected", "seen", "where", "hint", "reproduce"):
            kept = getattr(result, name)
            setattr(result, name, "")
            self.assertIn(f"lacks {name}", prove.says_all(result)[0])
            setattr(result, name, kept)
        result.where = "somewhere"
        self.assertIn("lacks a line of the source", prove.says_all(result)[0])


class Proven(unittest.TestCase):
    """Mutants and tests belong together."""

    def test_each_test_must_fail_in_some_mutant(self):
        for lab in LABS:
            self.assertEqual(mutants.unproven(lab, mutants.mutants(TREE, lab)), [])

    def test_a_test_without_a_mutant_is_named(self):
        lab = LABS[0]
        found = mutants.mutants(TREE, lab)
        for mutant in found:
            mutant.must = [name for name in mutant.must if name != lab.tests[0].name]
        self.assertEqual(len(mutants.unproven(lab, found)), 1)
        self.assertIn(f"test {lab.tests[0].name}: no mutant must fail it", mutants.unproven(lab, found)[0])


if __name__ == "__main__":
    unittest.main()
