"""Whole gradings of changed references, for tests: one real test, over the reference itself (no block has this lab's number)."""

import pathlib
import shutil
import tempfile
import unittest

import grade
import labfile
import pristine
import results

TREE = pathlib.Path(__file__).resolve().parents[3]
BUDGET = 60_000_000   # a start-up takes about 8 million


class Whole(unittest.TestCase):
    """TEST is graded over the reference, of which FILES may be changed."""

    TEST = labfile.Test("write_xor_execute", "machine", "tests/tables.py:WriteXorExecute", instructions=BUDGET, hint="a hint")
    FILES = ["kernel/mm/map.c", "kernel/x86/smp.c"]

    @classmethod
    def setUpClass(cls):
        pristine.CACHE.mkdir(parents=True, exist_ok=True)
        holder = tempfile.TemporaryDirectory(dir=pristine.CACHE)
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        cls.lab = labfile.Lab("01-boot", 99, "x", 1, cls.FILES, [labfile.Exercise("99.1", "one", 10, tests=[cls.TEST.name])], [cls.TEST], [],
                              "object", {}, 0, [])
        # One pristine tree for all of them, though somebody may be editing the reference meanwhile.
        cls.prepared = pristine.prepare(TREE, cls.lab)
        cls.base = cls.prepared[0]

    def submission(self, changes):
        """The reference with changes: file -> (text, what stands in its place)."""
        sub = self.folder / "submission"
        shutil.rmtree(sub, ignore_errors=True)
        shutil.copytree(self.base, sub, ignore=shutil.ignore_patterns("build"))
        for name, (old, new) in changes.items():
            text = (sub / name).read_text(encoding="utf-8")
            self.assertIn(old, text, f"{name} has changed: mend this test")
            (sub / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return sub

    def grade(self, changes):
        """The report of such a submission."""
        report, out = grade.grade(TREE, self.lab, self.submission(changes), out=self.folder / "out", say=lambda _: None, prepared=self.prepared)
        results.write(report, out)
        return report

    def gains_nothing(self, report, seen):
        result = report.results[self.TEST.name]
        self.assertEqual((report.total, report.status, result.verdict), (0, 1, "fail"), result.seen)
        self.assertIn(seen, result.seen)
        return result
