"""Marks in the source: what is one, and how a wrong one is refused."""

import unittest

import fixture
import labfile
import marks
from problem import Problem


class Find(unittest.TestCase):
    """marks.find on single texts."""

    def test_block_of_c(self):
        blocks = marks.find("a\n/* LAB 2.3: Do it. */\nint x;\n/* END LAB 2.3 */\n", "kernel/a.c")
        self.assertEqual([(b.id, b.task, b.body, b.lab, b.exercise) for b in blocks], [("2.3", "Do it.", "int x;", 2, "2.3")])

    def test_letter_and_long_sentence(self):
        blocks = marks.find("/* LAB 12.3b: Do it,\n *   and more.\n */\nint x;\n/* END LAB 12.3b */\n", "kernel/a.h")
        self.assertEqual([(b.id, b.task, b.body, b.lab, b.exercise) for b in blocks],
                         [("12.3b", "Do it, and more.", "int x;", 12, "12.3")])

    def test_block_of_nasm(self):
        blocks = marks.find("; LAB 1.4: Save them,\n;   all of them.\nsave:\n    push rax\n; END LAB 1.4\n", "kernel/a.asm")
        self.assertEqual([(b.id, b.task, b.body) for b in blocks], [("1.4", "Save them, all of them.", "save:\n    push rax")])

    def test_refusals(self):
        for text, word in (
                ("/* LAB 2.3: A. */\n/* LAB 2.4: B. */\n/* END LAB 2.4 */\n/* END LAB 2.3 */\n", "begins inside LAB 2.3"),
                ("/* LAB 2.3: A. */\nint x;\n", "has no end"),
                ("/* END LAB 2.3 */\n", "ends no block"),
                ("/* LAB 2.3: A. */\n/* END LAB 2.4 */\n", "ends no block"),
                ("    /* LAB 2.3: A. */\n    /* END LAB 2.3 */\n", "looks like a mark"),
                ("/* LAB 2.3 A. */\n/* END LAB 2.3 */\n", "looks like a mark"),
                ("/* LAB 2.3: " + "long " * 30 + "*/\n/* END LAB 2.3 */\n", "characters")):
            with self.subTest(text), self.assertRaisesRegex(Problem, rf"kernel/a\.c:\d+: .*{word}.*; "):
                marks.find(text, "kernel/a.c")

    def test_replace_keeps_marks(self):
        text = "/* LAB 2.3: A. */\nint x;\n/* END LAB 2.3 */\nint y;\n"
        self.assertEqual(marks.replace(text, "a.c", {"2.3": "int z;"}), text.replace("int x", "int z"))


class Tree(fixture.TreeTest):
    """Blocks and labs together."""

    def test_blocks_find_their_labs(self):
        labs = labfile.with_blocks(self.tree)
        self.assertEqual({n: [b.id for b in lab.blocks] for n, lab in labs.items()}, {1: ["1.1"], 2: ["2.1", "2.2"]})
        self.assertEqual(labs[2].points, 10)

    def refused(self, pattern):
        with self.assertRaisesRegex(Problem, pattern):
            labfile.with_blocks(self.tree)

    def test_id_twice(self):
        self.change("kernel/boot/first.c", "LAB 1.1", "LAB 2.1")
        self.refused(r"kernel/mm/sums\.c:\d+: LAB 2\.1 stands in kernel/boot/first\.c already; give")

    def test_block_without_lab(self):
        self.change("kernel/boot/first.c", "LAB 1.1", "LAB 3.1")
        self.refused(r"kernel/boot/first\.c:5: LAB 3\.1 belongs to no lab; add labs/03-")

    def test_block_without_exercise(self):
        self.change("kernel/mm/sums.c", "LAB 2.2", "LAB 2.3")
        self.refused(r"LAB 2\.3 belongs to no exercise of 02-memory; add it to labs/02-memory/lab\.toml")

    def test_exercise_without_block(self):
        self.change("kernel/mm/sums.c", "LAB 2.2", "LAB 2.1b")
        self.refused(r"labs/02-memory/lab\.toml: exercise 2\.2: has no block in the source; mark")

    def test_block_in_a_file_not_editable(self):
        self.change("labs/02-memory/lab.toml", "kernel/mm/sums.c", "kernel/mm/sums.h")
        self.refused(r"kernel/mm/sums\.c:\d+: LAB 2\.1 stands in a file that 02-memory doesn't let students edit; add")

    def test_test_of_a_block_that_is_not_there(self):
        self.change("labs/02-memory/lab.toml", 'kind = "guest"', 'kind = "guest"\nblock = "2.1b"')
        self.refused(r"lab\.toml: test adds, block: no mark in the source says LAB 2\.1b; one of: 2\.1, 2\.2")

    def test_file_without_block(self):
        self.change("labs/02-memory/lab.toml", '"kernel/mm/sums.c"', '"kernel/mm/sums.c", "kernel/mm/sums.h"')
        self.refused(r"lab\.files: kernel/mm/sums\.h holds no block of the lab; take")


class LabFile(fixture.TreeTest):
    """labfile.read: each refusal names file, key and remedy."""

    def test_refusals(self):
        toml = "labs/02-memory/lab.toml"
        good = (self.tree / toml).read_text(encoding="utf-8")
        for old, new, word in (
                ("schema = 1", "schema = 2", "schema: 2 is not known"),
                ("schema = 1", "schema = 1\ncolour = 3", "colour: no such key; one of: schema"),
                ("hours = 2", "", "lab.hours: is missing; add it: a whole number"),
                ("hours = 2", 'hours = "2"', "lab.hours: is no whole number; write"),
                ("hours = 2", "hours = true", "lab.hours: is no whole number; write"),
                ("hours = 2", "hours = 0", "lab.hours: 0 is below 1; write"),
                ('"kernel/mm/sums.c"', '"kernel/mm/none.c"', "lab.files: there is no file kernel/mm/none.c; name"),
                ("hours = 2", 'hours = 2\nhost_tests = ["none"]', "lab.host_tests: there is no tests/unit/test_none.c; write"),
                ('id = "2.1"', 'id = "3.1"', "exercise 3.1, id: is none of this lab; write 2.1"),
                ('id = "2.2"', 'id = "2.1"', "exercise 2.1, id: stands twice; give"),
                ("points = 5\ntests", "points = 0\ntests", "exercise 2.1, points: 0 is below 1; write"),
                ('tests = ["adds"]', 'tests = ["subtracts"]', "exercise 2.1, tests: there is no test 'subtracts'; add"),
                ('kind = "guest"', 'kind = "host"', "exercise 2.1, tests: 'adds' runs on the host; give points by"),
                ('kind = "guest"', 'kind = "guess"', "test adds, kind: 'guess' is none; one of: guest, machine, host"),
                ('kind = "guest"', 'kind = "guest"\nblock = "2.2"', "test adds, block: '2.2' is none of its exercise; name"),
                ("[[test]]", '[handout]\nlater = "nothing"\n[[test]]', "handout.later: 'nothing' is no way to treat a later lab; one of"),
                ("schema = 1", "schema = ", "is no TOML")):
            with self.subTest(new=new):
                self.assertIn(old, good)
                (self.tree / toml).write_text(good.replace(old, new, 1), encoding="utf-8")
                with self.assertRaises(Problem) as caught:
                    labfile.read(self.tree, "02-memory")
                self.assertIn(f"{toml}: {word}", str(caught.exception))
        (self.tree / toml).write_text(good, encoding="utf-8")
        self.assertEqual(labfile.read(self.tree, "02-memory").tests[0].cpus, 1)

    def test_no_such_lab(self):
        with self.assertRaisesRegex(Problem, "there is no such lab; name one of: 01-boot, 02-memory"):
            labfile.read(self.tree, "../02-memory")


if __name__ == "__main__":
    unittest.main()
