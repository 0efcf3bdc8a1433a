"""Timers of a vCPU, set and heard without a stop in between (guests/puppet.c, g_alarm): the guest reads its time stamp, adds what the grader has
chosen, calls, and waits; where it is interrupted its first instruction reads the time stamp again. An instruction takes a nanosecond there, so what is
late is late by the hypervisor's doing, not by the host's.
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from events import BIND_VIRQ  # noqa: E402
from puppet import CALLBACK_OP, EVENT_OP, PENDING_AT, SCHED_OP, SET_TIMER, VCPU_OP, VERSION, PuppetCase  # noqa: E402

SET_PERIODIC, STOP_PERIODIC, SET_SINGLESHOT, STOP_SINGLESHOT = 6, 7, 8, 9
BLOCK, POLL = 1, 3
LATE = 100_000   # ns; nobody else wants the CPU
NOTHING = (VERSION, 7, 0, 0)
HINT = "Times are absolute, in ns of system time. A new one takes the place of the old; one that has passed is now; 0 is none."


class TimerCase(PuppetCase):
    def run(self):
        with self.puppet():
            self.pad = self.at["g_pads"] + 16 * self.random.randrange(512)
            self.heard = self.pad + 2   # behind its RDTSC
            self.write(self.window, struct.pack("<HHIQ", 0, 1, 0, self.pad))
            self.check(self.call(CALLBACK_OP, 0, self.window) == 0, "the event callback is taken", "an error")
            self.write(self.window, struct.pack("<III", 0, 0, 0))
            self.check(self.call(EVENT_OP, BIND_VIRQ, self.window) == 0, "VIRQ_TIMER is bound", "an error")
            self.port, = struct.unpack("<I", self.read(self.window + 8, 4))
            self.page, self.stack = self.window + 512, self.window + 8000
            self.go()

    def system(self, tsc):
        """System time of a time stamp, by the guest's time info."""
        version, _, stamp, system, scale, shift = struct.unpack("<IIQQIb", self.read(self.shared_info + 32, 29))
        self.check(version and version % 2 == 0, "a time info that is whole", f"version {version}")
        ticks = tsc - stamp
        return system + ((ticks << shift if shift >= 0 else ticks >> -shift) * scale >> 32)

    def lead(self):
        """What has to be added to a time stamp to make it a system time; good to some ns."""
        _, _, stamp, system, _, _ = struct.unpack("<IIQQIb", self.read(self.shared_info + 32, 29))
        return system - stamp

    def rearm(self, upcalls):
        """Nothing is pending; are upcalls on?"""
        self.write(self.shared_info + PENDING_AT, bytes(512))
        self.write(self.shared_info, bytes((0, not upcalls)) + bytes(14))

    def alarm(self, calls, first, second, longest, what, upcalls=True):
        """
        Three calls, of which those that take a time have (first) and (second) ns from now (0: none; "past": 1), then a wait of at most
        `longest` ns. (heard?, the time of it, the begin, first's and second's system time).
        """
        self.rearm(upcalls)
        lead = self.lead()
        self.shuffle(keep=("rbx", "r13", "r14", "r15"))
        self.write(self.page + 128, b"".join(struct.pack("<4Qq", *call, -1) for call in calls))
        self.set(rbx=self.page, r13=lead + first if first else 0, r14=lead + second if second else 0, r15=longest, rip=self.at["g_alarm"], rsp=self.stack,
                 eflags=self.flags)
        at = self.run_to(self.heard, self.at["g_alarm_end"], expected=what, hint=HINT)
        seen, (first, second) = self.registers(), self.words(self.page, 2)
        heard = at == self.heard
        tsc = seen["rdx"] << 32 | seen["rax"] & 0xFFFFFFFF if heard else seen["r11"]
        for number, at in enumerate((128, 168, 208)[:2 if heard else 3]):
            answer, = struct.unpack("<q", self.read(self.page + at + 32, 8))
            wanted = {SET_TIMER: 0, VCPU_OP: 0, SCHED_OP: 0}.get(calls[number][0], 4096)
            # The first one that is late may be interrupted before it has stored its answer.
            self.check(answer in (wanted, -1) if heard else answer == wanted, f"{what}: call {number + 1} answers {wanted}", f"{answer}")
        if heard:
            self.look(what)
        return heard, self.system(tsc), self.system(seen["r12"]), first, second

    def look(self, what):
        bits = self.words(self.shared_info + PENDING_AT, 64)
        self.check(bits[self.port // 64] == 1 << self.port % 64 and not any(bits[:self.port // 64] + bits[self.port // 64 + 1:]),
                   f"{what}: the event on port {self.port}, VIRQ_TIMER's, and no other", ", ".join(f"{word:#x}" for word in bits if word) or "none")

    def quiet(self, what):
        bits = self.words(self.shared_info + PENDING_AT, 64)
        self.check(not any(bits), f"{what}: nothing pending", "an event", self.source("vcpu_timer_set"), HINT)

    def on_time(self, heard, seen, when, what, late=LATE, hint=HINT):
        self.check(heard, f"{what}: an upcall at {when:,} ns of system time", "none", self.source("vcpu_timer_set"), hint)
        self.check(when - 100 <= seen <= when + late, f"{what}: the upcall at {when:,} ns of system time, at most {late:,} ns late", f"{seen - when:+,} ns",
                   self.source("vcpu_timer_set"), hint)


class Deadlines(TimerCase):
    """One-shot timers: in time, replaced, stopped, passed, slept through."""

    def go(self):
        for number in range(36):
            kind = ("plain", "replaced", "replaced", "stopped", "passed", "slept")[number % 6]
            getattr(self, "do_" + kind)(f"timer {number} ({kind})")

    def delta(self):
        return self.random.randrange(200_000, 3_000_000)

    def way(self, word=0):
        """A call that sets a timer, of the two that there are: the time is in word 0 or 8 of the page."""
        if self.random.randrange(2):
            return (SET_TIMER, 0, 0, 0)
        return (VCPU_OP, SET_SINGLESHOT, 0, self.page + word)

    def do_plain(self, what):
        delta = self.delta()
        heard, seen, _, when, _ = self.alarm((self.way(), NOTHING, NOTHING), delta, 0, delta + 5_000_000, what)
        self.on_time(heard, seen, when, what)
        heard, *_ = self.alarm((NOTHING, NOTHING, NOTHING), 0, 0, 3_000_000, what)
        self.check(not heard, f"{what}: one upcall, and no second one", "one more", self.source("vcpu_timer_set"), HINT)

    def do_replaced(self, what):
        delta, other = self.delta(), self.delta()
        second = (SET_TIMER, 0, 0, 0) if self.random.randrange(2) else (VCPU_OP, SET_SINGLESHOT, 0, self.page + 8)
        heard, seen, _, _, when = self.alarm((self.way(), second, NOTHING), delta, other, max(delta, other) + 5_000_000, what)
        self.on_time(heard, seen, when, f"{what}, {'later' if other > delta else 'earlier'} than the first")
        heard, *_ = self.alarm((NOTHING, NOTHING, NOTHING), 0, 0, 4_000_000, what)
        self.check(not heard, f"{what}: the first time is forgotten", "an upcall", self.source("vcpu_timer_set"), HINT)

    def do_stopped(self, what):
        delta = self.delta()
        stop = (SET_TIMER, 0, 0, 0) if self.random.randrange(2) else (VCPU_OP, STOP_SINGLESHOT, 0, 0)
        heard, *_ = self.alarm((self.way(), stop, NOTHING), delta, 0, delta + 2_000_000, what)
        self.check(not heard, f"{what}: no upcall of a timer that was stopped", "one", self.source("vcpu_timer_stop"), HINT)
        self.quiet(what)

    def do_passed(self, what):
        first = self.random.choice((-1, -1_000_000, -5_000_000)) - 1
        heard, seen, begin, when, _ = self.alarm((self.way(), NOTHING, NOTHING), first, 0, 3_000_000, what)
        self.on_time(heard, seen, begin, what)

    def do_slept(self, what):
        delta = self.delta()
        heard, seen, _, when, _ = self.alarm((self.way(), NOTHING, (SCHED_OP, BLOCK, 0, 0)), delta, 0, delta + 5_000_000, what, False)
        self.on_time(heard, seen, when, what)


class Periodic(TimerCase):
    """The periodic timer, without drift, beside the one-shot timer; and the time-out of a poll."""

    def go(self):
        for _ in range(2):
            self.ticks()
            self.poll()

    def ticks(self):
        period = self.random.randrange(1_000_000, 3_000_000)
        place = self.window + 4096
        self.write(place, struct.pack("<Q", period))
        what = f"a period of {period:,} ns"
        heard, seen, begin, _, _ = self.alarm(((VCPU_OP, SET_PERIODIC, 0, place), NOTHING, NOTHING), 0, 0, 8_000_000, what)
        self.check(heard and 0 <= seen - begin - period <= LATE, f"{what}: the first tick at its end", f"{seen - begin:,} ns after the call" if heard else "none",
                   self.source("vcpu_timer_set_periodic"))
        first = seen
        for number in range(1, 41):
            heard, seen, _, _, _ = self.alarm((NOTHING, NOTHING, NOTHING), 0, 0, 8_000_000, what)
            late = seen - first - number * period
            self.check(heard and abs(late) <= LATE // 2, f"{what}: tick {number} after {number} periods", f"{late:+,} ns" if heard else "none",
                       self.source("vcpu_timer_set_periodic"), "Each tick's time is the last one's and a period, whatever the clock says when it is served.")
        self.held_up(period, what)
        when = self.random.randrange(200_000, 900_000)
        # A last tick may come before the call does.
        self.alarm(((VCPU_OP, STOP_PERIODIC, 0, 0), NOTHING, NOTHING), 0, 0, 1000, what, False)
        heard, *_ = self.alarm((NOTHING, NOTHING, NOTHING), 0, 0, 2 * period + when, what)
        self.check(not heard, f"{what}: no tick of a timer that was stopped", "one", self.source("vcpu_timer_set_periodic"))

    def held_up(self, period, what):
        """A tick that is served late, as if the CPU had been busy elsewhere: its due time is moved back from outside. The next one is not late for that."""
        at = self.vcpu + self.machine.numbers["struct vcpu.periodic.node.key"]
        place = self.machine.mapping(at, self.cr3)
        start = place.pa + at % place.size
        for _ in range(4):
            late = self.random.randrange(period // 4, 3 * period // 4)
            due, = struct.unpack("<Q", self.machine.ram[start:start + 8])
            self.machine.ram[start:start + 8] = struct.pack("<Q", due - late)
            heard, served, *_ = self.alarm((NOTHING, NOTHING, NOTHING), 0, 0, 8_000_000, what)
            self.on_time(heard, served, due - late, f"{what}: a tick whose service is held up", late + LATE)
            heard, seen, *_ = self.alarm((NOTHING, NOTHING, NOTHING), 0, 0, 8_000_000, what)
            self.on_time(heard, seen, due - late + period, f"{what}: the tick after one that was served {late:,} ns late",
                         hint="A tick comes a period after the last one was due, not after it was served: late is no reason to be later ever after.")

    def poll(self):
        """A poll of a port on which nothing comes ends when its time has come, without an upcall."""
        delta, what = self.random.randrange(300_000, 3_000_000), "a poll with a time-out"
        # struct sched_poll: the ports, their number, and the time, which is word 0 of the page.
        self.write(self.page - 16, struct.pack("<QQ", self.page + 64, 1))
        self.write(self.page + 64, struct.pack("<I", self.port))
        heard, seen, _, when, _ = self.alarm((NOTHING, NOTHING, (SCHED_OP, POLL, self.page - 16, 0)), delta, 0, 0, what, False)
        self.check(not heard, f"{what}: it ends without an upcall", "one", self.source("vcpu_timers_init"))
        self.on_time(True, seen, when, what)
        self.quiet(what)
