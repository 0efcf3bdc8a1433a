"""What the tests of this lab share: guests that count what they get (guests/runner.c), and the scheduler's state as it stands in the
hypervisor's memory.

A runner counts in a register and mixes another one at each step: mix = mix * factor + step, by numbers of this run. Both stand in its memory. A
count that didn't come from running has the wrong mix, and all counts together can't be more than the instructions that went by.
"""

import struct

import domains
from domainscase import OUT, DomainsCase

WORD = (1 << 64) - 1
STEP_INSTRUCTIONS = 8
LOOK = 15_000_000   # instructions that may go by while one looks at a machine that runs
RET = 0xc3   # the instruction; a function that does nothing
TURN = 6_000_000   # ns, a little more than BVT_ALLOWANCE_NS: so far ahead may somebody be
STATE = ("rdx", "rcx", "rax", "rdi", "rsi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", None, "mxcsr", "x87 control", "st0",
         *(f"xmm{n}" + half for n in range(16) for half in ("", " (high)")), "ds", "es", "what fs: leads to", "what gs: leads to", "the user's GS base", "fs", "gs")
COUNT, MIX, FACTOR, ADD = 10, 11, 12, 13
GENERAL, FPU, SEGMENTS = range(0, 14), range(15, 50), range(50, 57)
ASLEEP, RUNNABLE, RUNNING, GONE = range(4)
NAMES = ("asleep", "runnable", "running", "gone")
RUNSTATES = ("running", "runnable", "blocked", "offline")


class Numbers:
    """The generator of grading/guests/mailbox.h."""

    def __init__(self, seed):
        self.seed = seed

    def next(self):
        self.seed ^= self.seed >> 12
        self.seed = (self.seed ^ self.seed << 25) & WORD
        self.seed ^= self.seed >> 27
        return self.seed * 0x2545f4914f6cdd1d & WORD


def runner_state(seed, selector, flat=None):
    """What guests/runner.c puts into its CPU. FLAT: which of ds, es, fs, gs have a selector, by bits, else as drawn."""
    draw = Numbers(seed).next
    state = [draw() for _ in range(14)] + [0]
    state[COUNT] = 0
    state[FACTOR] |= 1
    state += [0x1f80 | draw() & 0xe040, 0x37f | draw() & 0xc00, draw() & 0x000fffffffffffff | 0x4000000000000000]
    state += [draw() for _ in range(32)]
    words = [draw() for _ in range(512)]
    fs, gs, user = draw() % 512, draw() % 512, draw() & 0x7ffffffff000 | 0x1000
    drawn = sum((draw() & 1) << bit for bit in range(4))
    selectors = [selector if (drawn if flat is None else flat) >> bit & 1 else 0 for bit in range(4)]
    return state + selectors[:2] + [words[fs], words[gs], user] + selectors[2:]


def mix_steps(mix, factor, step, count):
    """x * factor + step, count times."""
    multiply, add = 1, 0
    while count:
        if count & 1:
            multiply, add = multiply * factor & WORD, (add * factor + step) & WORD
        factor, step = factor * factor & WORD, (step * factor + step) & WORD
        count >>= 1
    return (multiply * mix + add) & WORD


def mix_after(state, count):
    """A runner's mix after so many steps."""
    return mix_steps(state[MIX], state[FACTOR], state[ADD], count)


class RunnersCase(DomainsCase):
    """Some runners, and what may be asked of them."""

    options = "sched=rr"
    anonymous = True
    strangers = 100
    flat = {}   # by name: a runner's selectors, as in runner_state()

    def boot_runners(self, names, words="", keys=None, more=(), **options):
        told = {name: f" flat={bits:x}" for name, bits in self.flat.items()}
        rows = [(name, "runner", (keys or {}).get(name, ""), words + told.get(name, "")) for name in names] + list(more)
        return self.boot_domains(rows, self.options, **options)

    def find(self, machine):
        """Stop when the domains are made and none has run yet; name -> Domain. From here on the machine can be measured without another stop: at each one
        the emulator's clock goes on for a while, at the cost of the guest that runs just then."""
        machine.run_to("cpu_idle_loop", expected="start-up makes the domains")
        found = domains.all_of(machine, {name: machine.guests[image] for name, image in self.images.items()})
        self.check(set(self.images) <= set(found), f"the domains {', '.join(self.images)}", ", ".join(found))
        return {name: found[name] for name in self.images}

    def plain_turns(self, machine, taken=True):
        """For the tests of exercise 3.1, which nothing of 3.2 shall be needed for: what comes at the end of a slice is that who runs gives the CPU away, or,
        if it isn't to be taken from anybody, nothing. It stands in the queue's timer from before any guest runs."""
        machine.run_to("cpu_idle_loop", expected="start-up makes the domains")
        cr3, numbers = machine.cr3(), machine.numbers
        fire = machine.symbol("sched_yield")
        if not taken:
            fire += machine.read(fire, 256, cr3).index(RET)
        for cpu in range(machine.cpus):
            at = machine.symbol("run_queues") + cpu * numbers["struct run_queue"] + numbers["struct run_queue.slice.fire"]
            place = machine.mapping(at, cr3)
            start = place.pa + at % place.size
            machine.ram[start:start + 8] = struct.pack("<Q", fire)

    def values(self, machine, name):
        return runner_state(self.seeds[name], machine.numbers["FLAT_KERNEL_SS"], self.flat.get(name))

    def count(self, machine, domain):
        """How far it has come, by its memory; the mix has to agree."""
        count, mix = struct.unpack("<2Q", domain.read("mixed", 16))
        state, nonce = self.values(machine, domain.name), domain.u64("mailbox")
        self.check(nonce == self.nonces[domain.name], f"{domain.name} has started up", f"its nonce is {nonce:#x}", "the guest's memory")
        # The machine may stand between the two stores, or before the first step.
        good = {mix_after(state, count), mix_after(state, max(0, count - 1))} | ({0} if count <= 1 else set())
        self.check(mix in good, f"{domain.name} has run for the {count} steps that its count says", f"its registers' mix, {mix:#x}, says otherwise",
                   "the guest's memory", "Only a guest that runs may get on; and it has to get on with its own registers.")
        return count

    def measure(self, machine, found, warm_up, span):
        """Let the machine go on; name -> steps in the span. All together can't have more than the instructions that went by, nor much less: somebody always
        runs."""
        before = {}

        def look():
            steps, earliest, latest = machine.at_once(lambda: {name: self.progress(domain) for name, domain in found.items()})
            before.update(steps, earliest=earliest, latest=latest)

        machine.run_for(warm_up + span, look=(warm_up, look))
        got = {name: self.count(machine, domain) - before[name] for name, domain in found.items()}
        spent, least = (machine.instructions() - before[name] for name in ("earliest", "latest"))
        used = sum(got.values()) * STEP_INSTRUCTIONS
        self.check(0.9 * least - LOOK <= used <= 1.01 * spent + LOOK, f"guests that never stop use 90 % at least of {spent:,} instructions",
                   f"{used:,}", "counted in the guests' memory", "Where does the rest go? `make trace` shows who ran when.")
        return got

    def compare(self, machine, domain, parts, when):
        """After checkpoint 2: what the guest found in its CPU, against what it had put there."""
        expected = self.values(machine, domain.name)
        data = domain.read("after", 8 * len(STATE))
        seen = struct.unpack(f"<{len(STATE)}Q", data)
        expected[COUNT] = seen[COUNT]
        expected[MIX] = mix_after(expected, seen[COUNT])
        for index in parts:
            if STATE[index]:
                self.check(seen[index] == expected[index], f"{domain.name} finds in {STATE[index]} what it had there, {expected[index]:#x}, {when}",
                           f"{seen[index]:#x}", self.source("context_save") + ", " + self.source("context_load"))

    def shares(self, got, weights, tolerance, hint=""):
        """Steps against weights: within a part of what is due, and what turns that are longer than they have to be can make of it."""
        all_got, all_weights = sum(got.values()), sum(weights.values())
        for name, weight in weights.items():
            due, seen = weight / all_weights, got[name] / all_got
            ahead = TURN * (4 + weight / min(weights.values()))
            off = tolerance * due + ahead / (all_got * STEP_INSTRUCTIONS)
            self.check(abs(seen - due) <= off, f"{name}, with {weight} of {all_weights}, gets {due:.1%} of the CPU, more or less {off:.1%}",
                       f"{seen:.1%}", "counted in the guests' memory", hint)


class WakeCase(RunnersCase):
    """One that works a little and sleeps, and runners as rivals. It measures how late it wakes, by its clock; how many of its sleeps fit into a span has to
    agree. The machine isn't stopped meanwhile: the emulator's clock may jump at a stop."""

    keys, work, longest = "", 0x1000, 0x6acfc0
    rivals, warm_up, span = 2, 60_000_000, 150_000_000
    late = 1_000_000
    looks = 0                        # at all states, when it has woken
    hint = ""

    def run(self):
        rows = [("worker", "worker", self.keys, f"work={self.work:x} sleep={self.longest:x}")]
        rows += [(f"rival{number}", "runner", "", "") for number in range(1, self.rivals + 1)]
        with self.boot_domains(rows, self.options) as machine:
            found = self.find(machine)
            worker = found.pop("worker")
            then = {}

            def look():
                worker.write_u64("mailbox", 0, OUT)
                seen, _, start = machine.at_once(lambda: (self.progress(worker), self.get(worker, 2), sum(self.progress(rival) for rival in found.values())))
                then.update(zip(("rounds", "work", "others"), seen), start=start)

            machine.run_for(self.warm_up + self.span, look=(self.warm_up, look))
            before, after = then["rounds"], self.progress(worker)
            worked, spent = self.get(worker, 2) - then["work"], machine.instructions() - then["start"]
            late, slept = self.get(worker, 0), self.slept(worker, before, after)
            self.check(after > before and late <= self.late, f"a sleep ends at most {self.late:,} ns late", f"{late:,} ns late" if after > before else "none ends",
                       "the worker's clock", self.hint)
            lost = (spent - slept - 7 * worked) // max(1, after - before)
            self.check(lost <= self.late + (LOOK + 2 * self.longest) // max(1, after - before), f"{after - before} sleeps of {slept:,} ns together end as soon as the worker says",
                       f"{spent:,} instructions went by, {lost:,} too many for each", "the worker's progress", self.hint)
            got = (sum(self.count(machine, rival) for rival in found.values()) - then["others"]) * STEP_INSTRUCTIONS
            self.check(got >= 0.8 * (spent - 7 * worked), "the others use the CPU meanwhile", f"{got:,} instructions of {spent:,}", "counted in the guests' memory")
            for _ in range(self.looks):
                self.to_checkpoint(machine, ["worker"])
                Scheduler(self, machine).check()

    def slept(self, worker, first, last):
        """The sum of those sleeps, as the worker drew them."""
        draw, half = Numbers(self.seeds[worker.name]).next, self.longest // 2
        return sum([half + draw() % half for _ in range(last)][first:])


class Scheduler:
    """The scheduler's state at a stop in a guest, from the hypervisor's memory."""

    def __init__(self, case, machine):
        n, self.case, cr3 = machine.numbers, case, machine.cr3()
        self.queues, self.vcpus = [], []
        for cpu in range(machine.cpus):
            at = machine.symbol("run_queues") + cpu * n["struct run_queue"]
            self.queues.append({"length": machine.u32(at + n["struct run_queue.q.length"], cr3), "placed": machine.u32(at + n["struct run_queue.placed"], cr3),
                                "running": machine.u64(at + n["struct run_queue.q.running"], cr3)})
        for domain in domains.all_of(machine, {}, cr3).values():
            for index in range(machine.u32(domain.address + n["struct domain.max_vcpus"], cr3)):
                at = machine.u64(domain.address + n["struct domain.vcpus"] + 8 * index, cr3)
                if at:
                    self.vcpus.append(self._vcpu(machine, n, cr3, domain, index, at))

    @staticmethod
    def _vcpu(machine, n, cr3, domain, index, at):
        small = {name: machine.u32(at + n[f"struct vcpu.{name}"], cr3) for name in ("cpu", "state", "waits", "runstate")}
        flags = {name: machine.read(at + n[f"struct vcpu.unit.{name}"], 1, cr3)[0] for name in ("queued", "on_cpu")}
        times = struct.unpack("<4Q", machine.read(at + n["struct vcpu.runstate_time"], 32, cr3))
        return {"name": f"{domain.name}'s vCPU {index}", "domain": domain.name, "unit": at + n["struct vcpu.unit"], "loaded": domain.runs(machine.cr3()),
                "cpus": machine.u64(domain.address + n["struct domain.mem.cpus"], cr3), "times": times, "since": machine.u64(at + n["struct vcpu.runstate_since"], cr3), **small, **flags}

    def check(self):
        """All that the head of sched.c says of states, and that the counts are right."""
        check = self.case.check
        for cpu, queue in enumerate(self.queues):
            own = [v for v in self.vcpus if v["cpu"] == cpu and v["state"] != GONE]
            waiting = sum(v["queued"] for v in own)
            check(queue["length"] == waiting, f"the length of CPU {cpu}'s queue is {waiting}, as so many vCPUs stand in it", str(queue["length"]),
                  self.case.source("queue_insert"), "What comes in is counted once, and what goes out, too.")
            check(queue["placed"] == len(own), f"{len(own)} vCPUs belong to CPU {cpu}", str(queue["placed"]))
            running = [v["unit"] for v in own if v["state"] == RUNNING]
            check(running == ([queue["running"]] if queue["running"] else []), f"the one that runs on CPU {cpu} is the queue's `running`",
                  f"{len(running)} vCPUs have the state, `running` is {queue['running']:#x}", self.case.source("schedule"))
        for v in self.vcpus:
            self._check_vcpu(v)

    def _check_vcpu(self, v):
        check, state = self.case.check, v["state"]
        check(state <= GONE, f"{v['name']} has a state", str(state))
        check(v["queued"] == (state == RUNNABLE), f"{v['name']}, {NAMES[state]}, is in a queue if it waits for a CPU, and only then", "it is not so",
              self.case.source("schedule"))
        check(v["on_cpu"] == (state == RUNNING), f"{v['name']}, {NAMES[state]}, is on a CPU if it runs, and only then", f"on_cpu is {v['on_cpu']}",
              self.case.source("schedule"), "Others may move it as soon as it isn't.")
        check((v["waits"] != 0) == (state == ASLEEP), f"{v['name']} sleeps if there is a reason, and only then", f"{NAMES[state]}, waits {v['waits']:#x}")
        check(v["loaded"] == bool(v["cpus"] & 1) or len(self.queues) > 1, f"mem.cpus of {v['domain']} has the CPU's bit while its page tables are loaded, and only then",
              f"they {'are' if v['loaded'] else 'are not'}, and it is {v['cpus']:#x}", self.case.source("context_load"), "TLB flushes go by it.")
        wanted = {RUNNING: ("running",), RUNNABLE: ("runnable",), ASLEEP: ("blocked", "offline")}[state]
        seen = RUNSTATES[v["runstate"] & 3]
        check(seen in wanted, f"the time of {v['name']}, {NAMES[state]}, counts as {' or '.join(wanted)}", f"as {seen}", "runstate_change")
