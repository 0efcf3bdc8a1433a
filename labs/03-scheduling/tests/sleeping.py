"""Exercise 3.3: guests that sleep and are woken. Beside them run others that never stop, so that an instruction is a nanosecond."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from runners import RunnersCase, Scheduler, WakeCase  # noqa: E402

LOST = ("Say first that it sleeps, then look at what it waits for: an event that comes between the look and the sleep wakes nobody. "
        "And who is woken before it has left the CPU must not sleep at all.")
WAYS = ("block, until a timer", "poll, until a time", "poll of a port that is pending, masked", "block, though an event is pending")


class Soon(WakeCase):
    """Who wakes runs at once, if the policy says so; and states are in order while it sleeps."""

    options = "sched=credit"
    late, looks = 400_000, 6
    hint = "Who wakes goes into the queue as one that woke; if the policy says so, or the CPU is idle, that CPU has to look at once."


class Naps(RunnersCase):
    """All ways to sleep, for random times."""

    options = "sched=credit"
    spans, span, least = 6, 40_000_000, 20

    def run(self):
        with self.boot_domains([("naps", "naps", "", ""), ("rival", "runner", "", "")], self.options) as machine:
            found = self.meet(machine)
            naps, rival = found["naps"], found["rival"]
            for _ in range(self.spans):
                before, steps, start = self.progress(naps), self.count(machine, rival), machine.instructions()
                machine.run_for(self.span)
                got, spent = self.progress(naps) - before, machine.instructions() - start
                self.check(got >= self.least, f"{self.least} naps at least in {spent:,} instructions",
                           f"{got}; just now: {WAYS[self.get(naps, 3) & 3]}", self.source("sched_poll") + ", " + self.source("sched_block"), LOST)
                self.check(self.count(machine, rival) - steps > spent // 50, "the other guest runs meanwhile", "it doesn't")
                self.check(not self.get(naps, 0), "no nap ends before its time", f"{self.get(naps, 0)} did", self.source("sched_poll"))
                self.check(not self.get(naps, 2), "block opens the guest's upcall mask, and what is pending comes at once", "it didn't come",
                           self.source("sched_block"))
                late = self.get(naps, 1)
                self.check(late <= 12_000_000, "no nap ends more than 12 ms late", f"{late:,} ns", self.source("sched_wake"))


class Volley(RunnersCase):
    """Two vCPUs wake each other a thousand times and more, and then their domain ends, whatever its vCPUs are just at."""

    options = "sched=credit"
    least = 100
    limit = 60_000_000

    def run(self):
        rows = [("volley", "volley", "vcpus=2", ""), ("rival", "runner", "", "")]
        rounds = self.random.randrange(300, 500)
        with self.boot_domains(rows, self.options) as machine:
            volley = self.meet(machine)["volley"]
            before = self.progress(volley)
            machine.run_for(self.limit)
            got = self.progress(volley) - before
            self.check(got >= self.least, f"{self.least} rounds at least in {self.limit:,} instructions", f"{got}", self.source("sched_wake"), LOST)
            for _ in range(3):
                machine.run_to(machine.guests["volley"].symbols["smp_info"], expected="the two go on", hint=LOST)
                if machine.cpus == 1:
                    Scheduler(self, machine).check()
            self.put(volley, 1, self.progress(volley) + rounds)
            machine.run_to("domain_free", expected=f"{rounds} rounds later the domain has ended and is taken away",
                           hint="Look at vCPUs of a domain that is dying: those that sleep, those in a queue, and the one that runs.")


class Times(RunnersCase):
    """Run-state times: all that passes is counted, once, as what it was."""

    options = "sched=credit"
    span, slack = 300_000_000, 45_000_000   # at a stop the emulator's clock may jump by some slices

    def run(self):
        rows = [("worker", "worker", "", "work=10000 sleep=4c4b40"), ("first", "runner", "", ""), ("second", "runner", "", "")]
        with self.boot_domains(rows, self.options) as machine:
            found = self.meet(machine)
            machine.run_for(20_000_000)
            self.to_checkpoint(machine, ["worker"])   # it has just woken: all others' times are up to now
            before, steps, start = self.look(machine), self.steps(machine, found), machine.instructions()
            machine.run_for(self.span)
            self.to_checkpoint(machine, ["worker"])
            after, spent = self.look(machine), machine.instructions() - start
            grown = {name: [new - old for new, old in zip(after[name]["times"], before[name]["times"])] for name in before}
            for name, times in grown.items():
                passed = after[name]["since"] - before[name]["since"]
                self.check(passed == sum(times), f"the four run-state times of {name} grow by the {passed:,} ns between two changes of its state",
                           f"{sum(times):,}", self.source("runstate_change"), "Each change of state tells it, once, with the time at which it was.")
            passed, ran = after["worker"]["since"] - before["worker"]["since"], sum(times[0] for times in grown.values())
            self.check(abs(passed - spent) <= self.slack, f"about {spent:,} ns go by", f"{passed:,}", "runstate_since")
            self.check(abs(passed - ran) <= passed // 50, f"on one CPU the times `running` add up to all that went by, {passed:,} ns", f"{ran:,}",
                       self.source("schedule"), "Both sides of a switch change at the same reading of the clock.")
            for name, step in self.steps(machine, found).items():
                due = (step - steps[name]) * 8
                self.check(abs(grown[name][0] - due) <= self.slack + due // 50, f"{name} counts as running for about the {due:,} instructions that it ran",
                           f"for {grown[name][0]:,} ns", self.source("schedule"))
            blocked = grown["worker"][2]
            self.check(blocked >= passed // 2, "a guest that sleeps nearly all the time counts as blocked meanwhile", f"for {blocked:,} of {passed:,} ns",
                       self.source("sched_sleep"))

    def steps(self, machine, found):
        return {name: self.count(machine, domain) for name, domain in found.items() if name != "worker"}

    def look(self, machine):
        state = Scheduler(self, machine)
        state.check()
        return {v["domain"]: v for v in state.vcpus}
