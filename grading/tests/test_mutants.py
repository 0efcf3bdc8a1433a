"""mutants.py: both formats, what they refuse, and what is made of them."""

import unittest

import fixture
import labfile
import mutants
from problem import Problem

MUTANT = "labs/02-memory/mutants/off_by_one.toml"
CHEAT = "labs/02-memory/cheats/lie.toml"


class Format(fixture.TreeTest):
    """Reading."""

    def lab(self):
        return labfile.read(self.tree, "02-memory")

    def refused(self, read, file, changes):
        good = (self.tree / file).read_text(encoding="utf-8")
        for old, new, word in changes:
            with self.subTest(new=new):
                self.assertIn(old, good)
                (self.tree / file).write_text(good.replace(old, new, 1), encoding="utf-8")
                with self.assertRaises(Problem) as caught:
                    read(self.tree, self.lab())
                self.assertIn(f"{file}: {word}", str(caught.exception))
        (self.tree / file).write_text(good, encoding="utf-8")

    def test_mutant(self):
        self.refused(mutants.mutants, MUTANT, (
            ("why =", "because =", "because: no such key; one of: what, why"),
            ('what = "The last number is left out."', "", "what: is missing; add it: a text"),
            ('must = ["adds"]', 'must = "adds"', "must: is no list; write"),
            ('must = ["adds"]', "must = []", "must: is empty; name"),
            ('must = ["adds"]', 'must = ["nothing"]', "must: 'nothing' is no test that carries points; some of: adds"),
            ('must = ["adds"]', 'must = ["adds"]\nmay = ["adds"]', "may: 'adds' stands in must already; let"),
            ('must = ["adds"]', 'must = ["adds", "adds"]', "must: 'adds' stands there twice; let"),
            ('block = "2.1"', 'block = "2.2"', "block: no change lies in '2.2'; write 2.1"),
            ('file = "kernel/mm/sums.c"', 'file = "Makefile"', "change 1, file: Makefile is none that students edit; one of: kernel/mm/sums.c"),
            ('old = "secret_index < count"', 'old = "secret_indx"', "change, old: 'secret_indx'... does not stand in the reference's kernel/mm/sums.c; copy"),
            ('old = "secret_index < count"', 'old = "secret_index"', "change, old: 'secret_index'... stands 4 times in the reference's kernel/mm/sums.c; take"),
            ('old = "secret_index < count"', 'old = "static int calls"', "change, old: line 6 of kernel/mm/sums.c is not inside a block of 02-memory; change"),
            ('new = "secret_index + 1 < count"', 'new = "secret_index < count"', "change 1, old: is empty or the same as new; say"),
            ("[[change]]", "[[change]", "is no TOML")))

    def test_cheat(self):
        self.refused(mutants.cheats, CHEAT, (
            ('expect = "refused"', 'expect = "fail"', "expect: 'fail' is none; one of: refused, no points"),
            ('path = "tests/guests/adds.c"', 'path = "../x"', "file 1, path: '../x' is not inside the tree; write"),
            ('text = "int lie;"', "", "file 1: has both text and link, or neither; write"),
            ('text = "int lie;"', 'text = "x"\nlink = "y"', "file 1: has both text and link, or neither; write"),
            ("[[file]]", "[[fil]]", "fil: no such key; one of: what, expect")))

    def test_a_test_that_no_mutant_must_fail(self):
        lab, found = self.lab(), mutants.mutants(self.tree, self.lab())
        self.assertEqual(mutants.unproven(lab, found), [])
        self.assertEqual(mutants.unproven(lab, []), ["labs/02-memory/lab.toml: test adds: no mutant must fail it; name it in the `must` of one, or write one"])

    def test_no_such_one(self):
        with self.assertRaisesRegex(Problem, r"labs/02-memory/mutants: there is no wrong; one of: off_by_one"):
            mutants.mutants(self.tree, self.lab(), ["wrong"])


class Made(fixture.TreeTest):
    """The submissions."""

    def setUp(self):
        super().setUp()
        self.lab = labfile.read(self.tree, "02-memory")

    def test_mutant_is_the_reference_but_for_its_change(self):
        mutant, = mutants.mutants(self.tree, self.lab)
        reference = (self.tree / "kernel/mm/sums.c").read_bytes()
        self.assertEqual(mutant.files(self.tree, self.lab),
                         {"kernel/mm/sums.c": reference.replace(b"secret_index < count", b"secret_index + 1 < count")})

    def test_cheat_is_the_handout_but_for_its_files(self):
        (self.tree / CHEAT).write_text('what = "x"\nexpect = "no points"\n[[file]]\npath = "kernel/l.c"\nlink = "/etc/passwd"\n'
                                       '[[change]]\nfile = "README.md"\nold = "A tree"\nnew = "Two trees"\n', encoding="utf-8")
        cheat, = mutants.cheats(self.tree, self.lab)
        (self.tree / "build").mkdir()
        folder = self.folder / "submission"
        cheat.write(self.tree, folder)
        self.assertTrue((folder / "kernel/l.c").is_symlink())
        self.assertEqual((folder / "README.md").read_text(), "Two trees.\n")
        self.assertFalse((folder / "build").exists())
        self.assertEqual(cheat.paths(), ["README.md", "kernel/l.c"])
        cheat.changes[0].old = "A bush"
        with self.assertRaisesRegex(Problem, "lie.toml: change, old: 'A bush'... does not stand in the handout's README.md; copy"):
            cheat.write(self.tree, self.folder / "again")

    def test_samples_are_the_same_for_the_same_mutant(self):
        mutant, = mutants.mutants(self.tree, self.lab)
        names = [f"t{number}" for number in range(20)]
        first = mutants.sample(mutant, names, 3)
        self.assertEqual((first, len(set(first))), (mutants.sample(mutant, reversed(names), 3), 3))
        mutant.what = "something else"
        self.assertNotEqual(first, mutants.sample(mutant, names, 3))
        self.assertEqual(mutants.sample(mutant, ["a"], 3), ["a"])


if __name__ == "__main__":
    unittest.main()
