"""Exercise 3.4: under `sched=bvt` weights hold, for those that never stop and beside those that sleep; a sleeper saves nothing up, and what it
borrows is limited."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from runners import STEP_INSTRUCTIONS, RunnersCase, WakeCase  # noqa: E402

SAVED = "Who sleeps doesn't get its time later: when it wakes, its virtual time is the queue's at least."


class Weighed(RunnersCase):
    """A runner for each weight; what each gets is counted."""

    options = "sched=bvt"
    warm_up, span, tolerance = 150_000_000, 500_000_000, 0.04

    def weigh(self):
        """name -> weight, afresh; never all alike, or who has no idea of weights would be right."""
        weights = [self.random.randrange(*bounds) for bounds in ((128, 180), (280, 380), (520, 640), (128, 640))]
        weights = weights[:self.random.randrange(3, 5)]
        self.random.shuffle(weights)
        return {f"guest{number}": weight for number, weight in enumerate(weights, 1)}

    def run(self):
        weights = self.weigh()
        keys = {name: f"weight={weight}" for name, weight in weights.items()}
        with self.boot_runners(list(weights), keys=keys, more=self.beside()) as machine:
            found = self.find(machine)
            runners = {name: found[name] for name in weights}
            got = self.count_all(machine, runners)
            self.shares(got, weights, self.tolerance, "Virtual time passes the slower, the greater the weight; the smallest is next.")
            self.look_again(machine, found)

    def beside(self):
        """Rows of other guests."""
        return ()

    def count_all(self, machine, runners):
        return self.measure(machine, runners, self.warm_up, self.span)

    def look_again(self, machine, found):
        """More to look at."""


class Extremes(Weighed):
    """A heavy one, a light one, and both get on all the time."""

    warm_up, span = 400_000_000, 1_000_000_000

    def weigh(self):
        return {"heavy": self.random.randrange(1000, 1500), "light": self.random.randrange(100, 150), "usual": 256}


class BesideSleepers(Weighed):
    """The ratio holds beside guests that work and sleep, and these get what they want if it is less than their part."""

    def beside(self):
        return [("worker", "worker", "weight=256", "work=c350 sleep=4c4b40"), ("sleeper", "sleeper", "", "")]

    def weigh(self):
        return {"first": self.random.randrange(128, 400), "second": self.random.randrange(128, 400)}

    def count_all(self, machine, runners):
        before = {}

        def look():
            before.update(machine.at_once(lambda: {name: self.progress(domain) for name, domain in runners.items()})[0])

        machine.run_for(self.warm_up + self.span, look=(self.warm_up, look))
        return {name: self.count(machine, domain) - before[name] for name, domain in runners.items()}

    def look_again(self, machine, found):
        worker = found["worker"]
        before, start = self.progress(worker), machine.instructions()
        machine.run_for(120_000_000)
        span = machine.instructions() - start
        got, wanted = self.progress(worker) - before, span // 4_100_000
        self.check(got >= wanted * 7 // 10, f"a worker that wants a tenth of the CPU gets it, {wanted} times in {span:,} instructions", f"{got} times",
                   "counted in the guest's memory")


class Hoarder(RunnersCase):
    """A guest that has slept for long, and then wants all that it can get."""

    options = "sched=bvt"

    def run(self):
        rest, work = self.random.randrange(200, 250) * 1_000_000, self.random.randrange(6_000_000, 8_000_000)
        rows = [("awake", "runner", "", ""), ("hoarder", "worker", "", f"work={work:x} sleep={2 * rest:x}")]
        with self.boot_domains(rows, self.options) as machine:
            awake = self.find(machine)["awake"]
            for what in ("begins", "wakes"):   # its first checkpoint is before its sleep
                self.to_checkpoint(machine, ["hoarder"], f"the hoarder {what}")
            start, before = machine.instructions(), self.count(machine, awake)
            _, step = self.to_checkpoint(machine, ["hoarder"], "the hoarder has done its work")
            self.check(step == 2, "it works before it sleeps again", f"checkpoint {step}")
            spent = machine.instructions() - start
            part = 1 - (self.count(machine, awake) - before) * STEP_INSTRUCTIONS / spent
            self.check(0.35 <= part <= 0.65, f"who has slept for {rest:,} ns at least gets its half from then on, and no more",
                       f"{part:.0%} of {spent:,} instructions since it woke", "counted in the guests' memory", SAVED)


class Crowd(RunnersCase):
    """The vCPUs of a domain share its weight."""

    options = "sched=bvt"

    def run(self):
        vcpus, span = self.random.randrange(2, 4), 500_000_000
        with self.boot_domains([("crowd", "crowd", f"vcpus={vcpus}", ""), ("one", "runner", "", "")], self.options) as machine:
            found = self.find(machine)
            then = []
            machine.run_for(60_000_000 + span, look=(60_000_000, lambda: then.extend(machine.at_once(lambda: self.each(machine, found, vcpus)))))
            before, *looks = then
            got = [new - old for old, new in zip(before, self.each(machine, found, vcpus))]
            part, most = (got[-1] * 8 / (machine.instructions() - look) for look in looks)
            self.check(part <= 0.55 and most >= 0.45, f"one vCPU gets half of the CPU against {vcpus} of a domain of the same weight", f"{part:.1%}",
                       "counted in the guests' memory", "A domain's weight is shared by its vCPUs that want to run: `active` says how many.")
            crowd = got[:-1]
            self.check(max(crowd) - min(crowd) <= 0.35 * sum(crowd) / vcpus, f"the {vcpus} vCPUs share equally", ", ".join(map(str, crowd)))

    def each(self, machine, found, vcpus):
        return [self.get(found["crowd"], index) for index in range(vcpus)] + [self.progress(found["one"])]


class WakesSoon(WakeCase):
    """Who wants little is served at once, without a warp."""

    options = "sched=bvt"
    late = 400_000
    hint = "Who has slept has the smallest virtual time of all, and the policy has to say so when it wakes."


class Warp(WakeCase):
    """Who may warp is served at once when it wakes, though it has had more than its part."""

    options = "sched=bvt"
    late, span = 400_000, 100_000_000
    keys, work, longest = "warp=100000", 300_000, 3_000_000   # so large that it is not used up, however long the host lets the machine run
    hint = "A unit that warps counts as if its virtual time were smaller by the warp, from its wake-up on."


class WarpEnds(RunnersCase):
    """A warp is a loan: who never sleeps again gains nothing by it."""

    options = "sched=bvt"
    span = 300_000_000
    hint = "What runs warped is counted; at the limit the warp ends, till it may begin again."

    def run(self):
        keys = {"warps": f"warp={self.random.randrange(150, 200)} warp_limit=5 unwarp_limit=50"}
        with self.boot_runners(["warps", "plain"], keys=keys) as machine:
            found = self.find(machine)
            machine.run_for(self.span)
            lead = (self.count(machine, found["warps"]) - self.count(machine, found["plain"])) * 8
            self.check(lead <= 50_000_000, "a guest whose warp is limited to 5 ms comes no more than 50 ms before others", f"{lead // 1_000_000} ms",
                       "counted in the guests' memory", self.hint)
            self.check(lead >= -50_000_000, "nor does it fall behind by more", f"{-lead // 1_000_000} ms", "counted in the guests' memory", self.hint)


class LongTurns(RunnersCase):
    """Turns are no shorter than they have to be: each switch costs."""

    options = "sched=bvt"
    span, shortest, longest = 200_000_000, 3_000_000, 40_000_000

    def run(self):
        names = ("first", "second", "third")
        with self.boot_domains([(name, "turns", "", "") for name in names], self.options) as machine:
            found = self.find(machine)
            start = machine.instructions()
            machine.run_for(self.span)
            turns = sum(self.progress(found[name]) for name in names)
            mean = (machine.instructions() - start) // max(1, turns)
            self.check(self.shortest <= mean <= self.longest, f"turns of {self.shortest:,} to {self.longest:,} ns on the average, among equals",
                       f"{mean:,} ns", "the guests' clocks", "Who runs may go on for BVT_ALLOWANCE_NS after the next one's turn has come.")
