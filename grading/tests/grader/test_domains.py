"""domainscase.py on the reference: what labs on scheduling and hypercalls are tested with."""

import random
import types
import unittest

import domainscase
import frametable
import labfile
import pristine
from case import Setting
from elfread import Elf
from target import Failed
from whole import TREE

BUDGET = 800_000_000


class OneCpu(unittest.TestCase):
    """Each class on the pristine tree as it is."""

    @classmethod
    def setUpClass(cls):
        lab = labfile.Lab("01-boot", 99, "x", 1, [], [], [], [], "object", {}, 0, [])
        cls.base, cls.numbers = pristine.prepare(TREE, lab)
        cls.elf = Elf(cls.base / "build/koan.elf")

    def run_case(self, case_class, seed="1"):
        spec = labfile.Test("x", "machine", "x", instructions=BUDGET)
        setting = Setting(self.elf, self.numbers, self.base / "build/grader", spec, None)
        case = case_class(setting, random.Random(seed), seed)
        case.run()

    def test_equal_shares(self):
        class Three(domainscase.Shares):
            weights = {"a": 1, "b": 1, "c": 1}
            span = 150_000_000
        self.run_case(Three)

    def test_shares_that_are_not_as_they_should_be(self):
        class Wrong(domainscase.Shares):
            weights = {"a": 1, "b": 3}
            span = 100_000_000
        with self.assertRaisesRegex(Failed, "a gets 25.0% of the CPU"):
            self.run_case(Wrong)

    def test_waking(self):
        class Four(domainscase.WakeUp):
            rounds = 4
        self.run_case(Four)

    def test_waking_too_late(self):
        class Strict(domainscase.WakeUp):
            late = 0
        with self.assertRaisesRegex(Failed, "ns late"):
            self.run_case(Strict)

    def test_two_domains(self):
        self.run_case(domainscase.Pair)


class Lists(unittest.TestCase):
    def test_a_second_list_of_domains_is_not_read(self):
        target = types.SimpleNamespace(elf=types.SimpleNamespace(all={"domains": [0x1000, 0x2000]}))
        with self.assertRaisesRegex(Failed, "2 of that name"):
            frametable.domains(target, 0)


if __name__ == "__main__":
    unittest.main()
