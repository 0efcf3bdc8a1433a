"""Exercise 3.1: guests that give the CPU away, in turn, and find what they had in it when they have it again. What takes the CPU from the others is the
grader's (plain_turns), so that 3.1 is judged by itself."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from runners import FPU, GENERAL, RUNNING, SEGMENTS, Numbers, RunnersCase, Scheduler, mix_steps  # noqa: E402


class Turns(RunnersCase):
    """Each in its turn, as the guests' own clocks say; and states, queue and counts are in order."""

    span, looks = 12_000_000, 6

    def run(self):
        names = [f"guest{number}" for number in range(1, self.random.randrange(3, 6) + 1)]
        with self.boot_domains([(name, "turns", "", "yields") for name in names], self.options) as machine:
            self.plain_turns(machine, taken=False)   # whose slice ends before its turn has begun would miss that one
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
    own_slices = False   # the end of a slice is the student's, exercise 3.2

    def run(self):
        names = [f"guest{number}" for number in range(1, self.random.randrange(2, 4) + 1)]
        # Each selector is null in one of the first two and not in the other.
        flat = self.random.randrange(16)
        self.flat = {names[0]: flat, names[1]: flat ^ 15}
        with self.boot_runners(names, self.words) as machine:
            if not self.own_slices:
                self.plain_turns(machine)
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


class Programs(RunnersCase):
    """Guests that are in their user mode when others take the CPU from them: another page table, other bases."""

    steps, span = 50_000, 150_000_000

    def run(self):
        names = ["first", "second", "third"][:self.random.randrange(2, 4)]
        with self.boot_domains([(name, "program", "", "") for name in names], self.options) as machine:
            self.plain_turns(machine)
            found = self.meet(machine)
            machine.run_for(self.span)
            for name, domain in found.items():
                rounds, vector = self.progress(domain), self.get(domain, 1)
                self.check(not vector, f"{name}'s program runs on", f"it got exception {vector - 1}", self.source("context_load"),
                           "A vCPU that is in user mode has the user's page tables and bases in the CPU, and the kernel's wait.")
                self.check(rounds >= 8, f"{name} gets on", f"{rounds} rounds", self.source("context_load"))
                self.check(not self.get(domain, 0), f"{name}'s kernel finds its own gs base when its program calls", "another one", self.source("context_save"),
                           "GS_BASE and KERNEL_GS_BASE hold the kernel's and the user's base, or the other way round: which, `in_kernel` says.")
                seen, expected = self.get(domain, 4 + rounds % 2), self.expected(name, rounds)
                self.check(seen == expected, f"{name}'s program computes {expected:#x} in {rounds} rounds", f"{seen:#x}", self.source("context_save"),
                           "It computes from words at its fs and gs bases.")

    def expected(self, name, rounds):
        draw = Numbers(self.seeds[name]).next
        page = [draw() | 1 for _ in range(128)]
        for _ in range(64):
            draw()
        step, factor = page[draw() % 128], page[draw() % 128]
        return mix_steps(page[0], factor, step, rounds * self.steps)
