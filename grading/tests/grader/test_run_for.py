"""Spans of instructions, on a machine that is made up: a host that is late decides nothing."""

import types
import unittest
import unittest.mock

import target
from target import LOOK_INSTRUCTIONS, LOOKS_MAX, Infrastructure, Target


class Spans(unittest.TestCase):
    """Each question after the count finds the machine so many instructions further."""

    def setUp(self):
        patch = unittest.mock.patch.object(target, "Watch", lambda *_: types.SimpleNamespace(hang=lambda: ""))
        patch.start()
        self.addCleanup(patch.stop)
        self.stopped = False

    def machine(self, step):
        """STEP: instructions between two questions, by the number of the question."""
        machine = object.__new__(Target)
        asked = iter(range(1 << 20))
        now = 0

        def instructions():
            nonlocal now
            now += step(next(asked))
            return now
        machine.machine = types.SimpleNamespace(qmp=types.SimpleNamespace(instructions=instructions))
        machine.gdb = types.SimpleNamespace(resume=lambda: None, stopped=lambda _: False, interrupt=lambda: setattr(self, "stopped", True))
        machine.wall, machine.budget = 100, 1000
        machine._drain = lambda: None
        return machine

    def test_a_span(self):
        machine = self.machine(lambda _: 10)
        machine.run_for(500)
        self.assertTrue(self.stopped)
        self.assertLess(machine.instructions(), 600)

    def test_what_it_runs_too_far_is_not_the_budget_s(self):
        machine = self.machine(lambda asked: 7000 if asked == 1 else 10)
        machine.run_for(500)
        self.assertGreaterEqual(machine.budget, 7000)
        self.assertLess(machine.budget, 8000)

    def test_a_host_that_is_away_looks_all_the_same(self):
        """After the look there are as many instructions as there were to be."""
        for away in range(1, 6):
            machine, seen = self.machine(lambda asked, away=away: 9000 if asked == away else 10), []
            machine.run_for(500, look=(200, lambda: seen.append(machine.instructions())))
            self.assertEqual(len(seen), 1, away)
            self.assertGreaterEqual(machine.instructions() - seen[0], 300, away)

    def test_at_once(self):
        machine, reads = self.machine(lambda asked: LOOK_INSTRUCTIONS * 2 if asked in (1, 3) else 100), iter("abc")
        seen, before, after = machine.at_once(lambda: next(reads))
        self.assertEqual(seen, "c")
        self.assertEqual(after - before, 100)

    def test_a_host_that_is_too_slow_for_that(self):
        with self.assertRaisesRegex(Infrastructure, f"each of {LOOKS_MAX} looks"):
            self.machine(lambda _: LOOK_INSTRUCTIONS + 1).at_once(lambda: None)
