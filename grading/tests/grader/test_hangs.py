"""Hangs: what a look at the running machine takes for one, and what it doesn't; a machine that falls asleep while the grader counts."""

import math
import types
import unittest
import unittest.mock

import target
from target import ASLEEP_LOOKS, DOZING_LOOKS, Watch

AWAKE, ASLEEP = "RIP=1 HLT=0", "RIP=1 HLT=1"


class Looks(unittest.TestCase):
    """Watch, on a machine whose answers are made up, and under a clock that every look finds a second later."""

    def setUp(self):
        clock = iter(range(1, 10_000))
        patch = unittest.mock.patch.object(target, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
        patch.start()
        self.addCleanup(patch.stop)

    def looks(self, rows, budget=math.inf, state="running", effort=0.01):
        """What is said at each of the looks: rows of (instructions, CPUs). effort: the emulator's CPU seconds between two."""
        rows, at = list(rows), -1

        def instructions():
            nonlocal at
            at += 1
            return rows[at][0]
        qmp = types.SimpleNamespace(instructions=instructions, monitor=lambda _: "\n".join(rows[at][1]),
                                    command=lambda _: {"status": state})
        watch = Watch(types.SimpleNamespace(qmp=qmp, effort=lambda: at * effort), budget)
        return [watch.hang() for _ in rows]

    def test_work_is_no_hang_but_for_its_budget(self):
        said = self.looks([(number * 1000, [AWAKE, ASLEEP]) for number in range(1000)], 998_000)
        self.assertEqual(set(said[:-1]), {""})
        self.assertIn("998,000 instructions", said[-1])

    def test_a_slow_host_is_no_hang(self):
        self.assertEqual(set(self.looks([(5, [AWAKE, ASLEEP])] * 1000)), {""})

    def test_nothing_happens_any_more(self):
        said = self.looks([(5, [ASLEEP, ASLEEP])] * (ASLEEP_LOOKS + 1))
        self.assertEqual(set(said[:-1]), {""})
        self.assertIn("nothing to wake it", said[-1])

    def test_a_storm_of_ticks(self):
        """Few instructions, though the emulator works: on a busy host it works less, and on a slow one a tenth of what is usual is no storm."""
        said = self.looks([(number * 300_000, [AWAKE]) for number in range(100)], effort=1.0)
        self.assertEqual(set(said[:60]), {""})
        self.assertIn("instructions in 60 s of work for its devices", said[60])
        self.assertEqual(set(self.looks([(number * 300_000, [AWAKE]) for number in range(1000)], effort=0.05)), {""})
        self.assertEqual(set(self.looks([(number * 5_000_000, [AWAKE]) for number in range(1000)], effort=1.0)), {""})

    def test_power_management(self):
        """No CPU of a suspended machine is halted, and none runs."""
        self.assertIn("asleep by its power", self.looks([(5, [AWAKE])], state="suspended")[0])

    def test_only_ticks(self):
        said = self.looks([(number * 300, [ASLEEP, ASLEEP]) for number in range(DOZING_LOOKS)])
        self.assertEqual(set(said[:-1]), {""})
        self.assertIn("only ticks", said[-1])

    def test_who_works_now_and_then_is_not_asleep(self):
        rows = [(number * 300, [ASLEEP, ASLEEP if number % (DOZING_LOOKS - 1) else AWAKE]) for number in range(3 * DOZING_LOOKS)]
        self.assertEqual(set(self.looks(rows)), {""})


if __name__ == "__main__":
    unittest.main()
