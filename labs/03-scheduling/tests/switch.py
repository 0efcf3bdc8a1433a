"""Exercise 3.1: guests that give the CPU away, in turn, and find what they had in it when they have it again."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from runners import FPU, GENERAL, RUNNING, SEGMENTS, RunnersCase, Scheduler  # noqa: E402


class Turns(RunnersCase):
    """Each in its turn, as the guests' own clocks say; and states, queue and counts are in order."""

    span, looks = 12_000_000, 6

    def run(self):
        names = [f"guest{number}" for number in range(1, self.random.randrange(3, 6) + 1)]
        with self.boot_domains([(name, "turns", "", "yields") for name in names], self.options) as machine:
            found = self.meet(machine)
            machine.run_for(self.span)
            order = self.order(found)
            for at in range(len(names), len(order)):
                self.check(order[at] == order[at - len(names)], f"under round robin each of {len(names)} guests that yield has its turn, in the same order",
                           ", ".join(order[at - len(names):at + 1]), self.source("schedule"),
                           "Who yields goes to the end of the queue, once; who is taken out is the first.")
            for _ in range(self.looks):
                domain, _ = self.to_checkpoint(machine)
                state = Scheduler(self, machine)
                state.check()
                loaded = [v["domain"] for v in state.vcpus if v["state"] == RUNNING]
                self.check(loaded == [domain.name], f"the one that runs is {domain.name}, whose page tables the CPU has", str(loaded))

    def order(self, found):
        """Who had the last turns, of those that all guests still know."""
        turns = []
        for name, domain in found.items():
            count = self.progress(domain)
            self.check(count > 64, f"{name} has many turns", str(count))
            turns.append([(self.get(domain, at % 64), name) for at in range(count - 60, count)])
        begin, end = max(rows[0][0] for rows in turns), min(rows[-1][0] for rows in turns)
        return [name for when, name in sorted(row for rows in turns for row in rows) if begin <= when <= end]


class Switch(RunnersCase):
    """Random values in the CPU, over many switches between guests that give it away."""

    parts = GENERAL
    words = "yields"
    when = "after it gave the CPU away"
    rounds, span = 3, 1_000_000

    def run(self):
        names = [f"guest{number}" for number in range(1, self.random.randrange(2, 4) + 1)]
        with self.boot_runners(names, self.words) as machine:
            found = self.meet(machine)
            for _ in range(self.rounds):
                before = {name: self.count(machine, domain) for name, domain in found.items()}
                machine.run_for(self.span)
                for name, domain in found.items():
                    self.check(self.count(machine, domain) > before[name], f"{name} gets on while others run, too", "it doesn't")
                    self.put(domain, 0, 1)
                for _ in names:
                    domain, step = self.to_checkpoint(machine)
                    self.check(step == 2, "checkpoint 2 comes next", f"{step}")
                    self.compare(machine, domain, self.parts, self.when)


class Registers(Switch):
    """General registers."""


class Fpu(Switch):
    """x87, SSE and their control words."""

    parts = FPU


class Segments(Switch):
    """Segment registers, and three bases."""

    parts = SEGMENTS
