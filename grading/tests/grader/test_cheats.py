"""Whole gradings: the reference has its points; cheats, hangs and mutants have none of those that they try to get.

Each cheat is the reference with a few lines put in at a place that start-up comes by.
"""

import contextlib
import io
import re
import subprocess
import sys
import types
import unittest
import unittest.mock

import replay
import results
from case import Case
from problem import Problem
from runner import Runner
from whole import TREE, Whole

TEST = Whole.TEST.name


class Cheats(Whole):
    def cheat(self, code, includes=""):
        """The reference with CODE at the beginning of map_init()."""
        text = (self.base / "kernel/mm/map.c").read_text(encoding="utf-8")
        head = re.search(r"^void map_init\([^)]*\)\n\{\n", text, re.MULTILINE)[0]
        first = '#include "mm/map.h"\n'
        new = text.replace(head, head + code + "\n", 1).replace(first, first + includes, 1)
        return self.grade({"kernel/mm/map.c": (text, new)})

    def replayed(self, report, start=False):
        """What a student sees of a replay: what it prints itself, and what GDB, which is told nothing, does."""
        self.assertEqual(report.status, 1)
        said = io.StringIO()

        def gdb(command, **options):
            done = subprocess.run([*command, "-ex", "info symbol $pc"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, **options)
            said.write(done.stdout)
        with contextlib.redirect_stdout(said), unittest.mock.patch.object(replay, "subprocess", types.SimpleNamespace(run=gdb)):
            status = replay.again(TREE, self.lab, self.TEST, self.folder / "out", start, self.prepared)
        self.assertEqual(status, 1)
        return said.getvalue()

    def test_the_reference_has_every_point(self):
        report = self.grade({})
        self.assertEqual((report.total, report.status), (10, 0), results.details(report.results[TEST]))

    def test_printing_pass_and_halting(self):
        code = 'printk("RESULT 0 PASS write_xor_execute: ok\\nPASS\\n1 passed, 0 failed\\n"); asm volatile("cli; hlt");'
        self.assertIn("PASS", self.gains_nothing(self.cheat(code), "halted").where + (self.folder / f"out/runs/{TEST}/serial.log").read_text())

    def test_a_loop_without_end(self):
        result = self.gains_nothing(self.cheat("for (;;) asm volatile(\"pause\");"), "instructions")
        self.assertIn("map.c:", result.where, "the source line where it hangs")

    def test_a_flood(self):
        self.gains_nothing(self.cheat('for (;;) printk("PASS PASS PASS PASS PASS PASS PASS PASS PASS PASS PASS\\n");'), "instructions")

    def test_a_reboot(self):
        code = 'struct { unsigned short l; unsigned long b; } __attribute__((packed)) none = { 0, 0 }; asm volatile("lidt %0; ud2" : : "m"(none));'
        self.gains_nothing(self.cheat(code), "reset")

    def test_the_exit_port(self):
        report = self.cheat('asm volatile("outb %0, %1" : : "a"((unsigned char)0x10), "Nd"((unsigned short)0xf4)); for (;;) ;')
        self.gains_nothing(report, "ended itself")
        self.assertIn("nothing to look at; START=1", self.replayed(report))

    def test_the_reference_by_its_path(self):
        report = self.cheat("", f'#include "{TREE}/kernel/mm/map.h"\n')
        self.assertIn("No such file", self.gains_nothing(report, "").seen)

    def test_the_grader_by_its_path(self):
        code = f'asm volatile(".section .rodata\\n.incbin \\"{TREE}/grading/target.py\\"\\n.text");'
        self.gains_nothing(self.cheat(code), "")

    def test_a_mutant_is_found(self):
        report = self.grade({"kernel/mm/map.c": ("#define PTE_CONST (PTE_KEPT | PTE_NX)", "#define PTE_CONST (PTE_KEPT | PTE_NX | PTE_RW)")})
        expected = self.gains_nothing(report, "writable").expected
        self.assertIn("writable", expected)
        said = self.replayed(report)
        self.assertIn(f"expected: {expected}\n", said)
        self.assertRegex(said, r"hint: +\S[^$]*descriptors_init.* in section .text")
        self.assertRegex(self.replayed(report, start=True), "0x0*fff0 in")

    def test_a_replay_wants_the_image_that_was_graded(self):
        report = self.grade({})
        self.assertGreater(report.first_seconds, 0)
        self.assertGreaterEqual(report.seconds, report.first_seconds)
        out = self.folder / "out"
        run, elf = replay.graded_run(out, TEST, self.lab)
        self.assertEqual((run["seed"], run["sha256"]), (report.results[TEST].seed, elf.digest))
        with open(run["image"], "ab") as file:
            file.write(b"newer")
        with self.assertRaisesRegex(Problem, "built anew since .*make grade LAB=01-boot TEST="):
            replay.graded_run(out, TEST, self.lab)
        with self.assertRaisesRegex(Problem, "no such run"):
            replay.graded_run(out, "none", self.lab)

    def test_another_file_is_refused_by_name(self):
        report = self.grade({"Makefile": ("CC      := gcc", "CC      := clang")})
        self.assertEqual((report.total, report.status, [line.split(":")[0] for line in report.refused]), (0, 1, ["Makefile"]))

    def test_a_grader_that_breaks_scores_nobody(self):
        class Broken(Case):
            """Ours, not the student's."""
            tries = 0

            def run(self):
                Broken.tries += 1
                raise OSError("the host is out of something")
        runner = Runner(self.lab, TREE, self.base, {}, type("Elf", (), {"path": "none", "digest": "none"}), self.folder / "out", "make replay")
        import runner as module
        known, module.load_case = module.load_case, lambda *_: Broken
        self.addCleanup(setattr, module, "load_case", known)
        result = runner.judge(self.lab.tests[0])
        self.assertEqual((result.verdict, Broken.tries, results.Report(self.lab, "x", {TEST: result}).status), ("error", 3, 3))


class Use(unittest.TestCase):
    def status(self, *arguments):
        done = subprocess.run([sys.executable, str(TREE / "grading/grade.py"), *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_bad_use(self):
        for arguments in (("",), ("77-none",)):
            status, said = self.status(*arguments)
            self.assertEqual((status, len(said.splitlines())), (2, 1), said)


if __name__ == "__main__":
    unittest.main()
