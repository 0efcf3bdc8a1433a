"""One machine under the grader's eyes: booted by bootrom.py in the sandbox, run from place to place over the GDB port, looked at
in its memory. What a test may ask of it stands in class Target.

Rules: nothing that the machine prints decides anything. Whatever the student's code can bring about (a reset, a hang, an exit)
is a Failed; whatever it can't (the emulator doesn't start, the host is too slow) is an Infrastructure error.
"""

import math
import mmap
import pathlib
import re
import select
import struct
import time

import bootrom
import gdbremote
import paging
import sandbox
from koanrun import paths, qemu, qmp
from koanrun.errors import UsageError
from koanrun.machine import Machine

BUDGET = 400_000_000     # instructions, from reset
WALL_SECONDS = 240       # a broken host, no verdict
STOPS_MAX = 20_000       # at places, of one machine: a loop through a breakpoint spends hardly any instructions
KEPT_OUTPUT = 1 << 18
LOOK_INSTRUCTIONS = 5_000_000   # that may go by while one looks at a machine that runs
LOOKS_MAX = 400
ASLEEP_LOOKS = 12        # looks at a machine in which nothing happens any more
DOZING_LOOKS = 160       # looks in a row that find every CPU halted, though a tick may wake one in between
LOOK_SECONDS = 0.25
ENDED = {"suspended": "asleep by its power management", "guest-panicked": "given up by its own word", "shutdown": "switched off"}   # QEMU's RunState
EFFORT_LOOKS = 20        # looks between two at the emulator's own CPU time
EFFORT_SECONDS = 60      # of it, in one go, after which instructions are to be seen for it:
EFFORT_LEAST = 2_000_000   # so many a second. There are thirty times as many, on a slow host still six; a timer that ticks each nanosecond leaves a quarter


class Failed(Exception):
    """The student's verdict: what was expected, what was seen, where, and a hint."""

    def __init__(self, expected, seen, where="", hint=""):
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected, self.seen, self.where, self.hint = expected, seen, where, hint


class Infrastructure(Exception):
    """Nobody's fault but ours: to be tried again, never scored."""


def source_line(elf_path, address):
    """FILE:LINE of an address of the hypervisor, or "". The debug information is a stranger's: it is read in the sandbox."""
    path = pathlib.Path(elf_path)
    done = sandbox.run(["addr2line", "-e", path.name, hex(address)], path.parent, home="/elf", wall=60, cpu=20)
    found = re.search(r"((?:kernel|guests|labs)/[\w./-]+:\d+)", done.output)
    return found[1] if found else ""


class Watch:
    """Looks at a running machine now and then, and says when it is a hang: by instructions, since everything sleeps, or since it only ticks.

    An idle machine's clock goes on at least as fast as the wall's, so that one whose CPUs are halted at every look has slept far longer than
    any test's guests do. A slow host can't bring that about: on it, who has work is seen at work for longer.
    """

    def __init__(self, machine, budget):
        self.machine, self.budget = machine, budget
        self.next, self.looks, self.spent, self.still, self.dozing = 0, 0, -1, 0, 0
        self.start = None   # (instructions, CPU seconds of the emulator) at the first look

    def hang(self):
        """What kind of hang is seen, or ""."""
        if time.monotonic() < self.next:
            return ""
        self.next = time.monotonic() + LOOK_SECONDS
        state = self.machine.qmp.command("query-status")["status"]
        if state in ENDED:
            return f"the machine is {ENDED[state]}, and nothing wakes it"
        before, self.spent = self.spent, self.machine.qmp.instructions()
        if self.spent > self.budget:
            return f"nothing of it within {self.budget:,} instructions: a loop without end?"
        return self._storm() or self._sleep(before)

    def _storm(self):
        """The emulator works hard, and hardly at instructions: the budget would hold for hours."""
        self.looks += 1
        if self.looks % EFFORT_LOOKS != 1:
            return ""
        now = self.spent, self.machine.effort()
        self.start = self.start or now
        seconds, spent = now[1] - self.start[1], now[0] - self.start[0]
        if seconds < EFFORT_SECONDS or spent >= seconds * EFFORT_LEAST:
            return ""
        return f"{spent:,} instructions in {seconds:.0f} s of work for its devices: does a timer tick without end?"

    def _sleep(self, before):
        halted = self._halted()
        self.still = self.still + 1 if halted and self.spent == before else 0
        self.dozing = self.dozing + 1 if halted else 0
        if self.still >= ASLEEP_LOOKS:
            return "every CPU is halted, with nothing to wake it"
        return "every CPU sleeps, and only ticks wake it: is a wake-up lost?" if self.dozing >= DOZING_LOOKS else ""

    def _halted(self):
        text = self.machine.qmp.monitor("info registers -a")
        return "HLT=0" not in text and "HLT=1" in text


class GradeMachine(Machine):
    """A Machine whose memory is filled by our own loader and whose emulator runs in the sandbox."""

    def __init__(self, fill, **options):
        super().__init__("koan", [], gdb="chardev:gdb0", qmp=True, **options)
        self.fill = fill
        self.rom = None

    def effort(self):
        """The CPU seconds that the emulator has used."""
        return sandbox.cpu_seconds(self.process.pid)   # start() gives it a session of its own

    def _make_ram_file(self):
        self.ram_file = self.work / "ram"
        super()._make_ram_file()
        with open(self.ram_file, "r+b") as file, mmap.mmap(file.fileno(), 0) as ram:
            rom = self.fill(ram)
        (self.work / "rom").write_bytes(rom)

    def _qemu_command(self):
        self.extra = ["-chardev", "socket,id=gdb0,path=gdb.sock,server=on,wait=off"]
        command = qemu.command(self, self.work, ["-bios", "rom"])
        return sandbox.prefix(self.work) + command


class Target:
    """See the head of this file. Use it in a `with` block."""

    def __init__(self, elf, numbers, random, *, options="", modules=(), entries=None, cpus=1, mem=256, budget=BUDGET, entry_size=24,
                 apic_ids=None, map_tail=b"", cpu=None):
        self.elf, self.numbers, self.cpus, self.budget = elf, numbers, cpus, budget or BUDGET
        self.mem = mem << 20
        self.layout = bootrom.Layout(random, elf, list(modules), self.mem)
        if self.layout.core_end > self.mem:
            raise Failed(f"the hypervisor fits into a machine of {mem} MiB", f"it takes {self.layout.image_size >> 20} MiB", "", "A table of that size?")
        make = entries or bootrom.plain_map
        self.entries = make(self.mem) if entries is None else make(random, self.mem, self.layout.core_end)
        words = " ".join(word for word in ("console=com1", "end=exit", options) if word)
        self._serial = bytearray()
        self.machine = GradeMachine(
            lambda ram: self.layout.write(ram, words, self.entries, apic_ids or list(range(cpus)), entry_size, map_tail),
            mem=mem, smp=cpus, cpu=cpu, icount=True, timeout=WALL_SECONDS)
        self.gdb = self.ram = None
        self.stops = 0
        self.guests = {}   # name -> Elf, for places
        self.keys = {}     # name -> key of its seal, or None
        self.aliases = {}  # what a domain is called on the machine -> what the test calls it
        self.wall = WALL_SECONDS
        self.on_failure = None   # called with this Target and a Failed, while the machine still stands
        self.on_boot = None      # called with this Target instead of running anything

    def __enter__(self):
        try:
            self.machine.start()
            self._map_memory()
            self.gdb = self._connect()
        except (UsageError, OSError, qmp.QmpError, gdbremote.GdbError) as error:
            complaint = self.machine.complaint
            self.close()
            raise Infrastructure(f"the emulator does not start: {error} {complaint}") from error
        if self.on_boot:
            self.on_boot(self)
            self.close()
            raise Failed("a look at the first instruction", "one", "", "")
        return self

    def __exit__(self, _, error, __):
        if isinstance(error, Failed) and self.on_failure:
            self.on_failure(self, error)
        self.close()

    def _map_memory(self):
        with open(self.machine.ram_file, "r+b") as file:
            self.ram = mmap.mmap(file.fileno(), 0)

    def _connect(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                return gdbremote.connect(self.machine.work, "gdb.sock")
            except OSError:
                if time.monotonic() > deadline or self.machine.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def close(self):
        if self.gdb:
            self.gdb.close()
        if self.ram:
            self.ram.close()
        self.machine.stop()
        self.gdb = self.ram = None

    # --- running ---

    @property
    def serial(self):
        """What it has printed (the last of it): for people to read."""
        return self._serial.decode("utf-8", "replace").replace("\r", "")

    def _drain(self):
        stream = self.machine.process.stdout
        while select.select([stream], [], [], 0)[0]:
            chunk = self.machine.read(0)
            if not chunk:
                return
            self._serial = (self._serial + chunk)[-KEPT_OUTPUT:]

    def symbol(self, name):
        """The address of a symbol of the hypervisor."""
        if name not in self.elf.symbols:
            raise Failed(f"a function or variable `{name}` in the hypervisor", "none", "", "Keep the names and signatures that the handout gives.")
        return self.elf.symbols[name]

    def run_to(self, *places, expected="", hint=""):
        """Run until a CPU stands at one of the places (addresses, or names of the hypervisor's symbols); returns that place."""
        addresses = {self.symbol(place) if isinstance(place, str) else place: place for place in places}
        what = expected or "the machine reaches " + " or ".join(self.place(a) for a in addresses)
        try:
            for cpu in range(self.cpus):
                if self.gdb.registers(cpu)["rip"] in addresses:
                    self.gdb.step(cpu)   # or it would stop again at once
            # In a replay the machine is to be looked at before it goes.
            last = self.elf.symbols.get("machine_end") if self.on_failure else None
            stops = set(addresses) | ({last} if last else set())
            for address in stops:
                self.gdb.break_at(address)
            self.gdb.resume()
            self._wait(what, hint)
            self._count_stop(what, hint)
            for address in stops:
                self.gdb.clear(address)
            for cpu in range(self.cpus):
                rip = self.gdb.registers(cpu)["rip"]
                if rip in addresses:
                    return addresses[rip]
                if rip == last:
                    self.settle()
                    raise Failed(what, "the machine is about to end itself", self.last_line(), hint)
        except (gdbremote.GdbError, qmp.QmpError) as error:
            self._explain_end(what, hint, error)
        raise Infrastructure(f"the machine stands at none of {places}")

    def run_on(self, address, expected="", hint=""):
        """From a breakpoint that stays set (gdb.break_at) on, until one CPU's machine stands there again: for what is asked very often."""
        what = expected or f"the machine comes back to {self.place(address)}"
        try:
            self.gdb.step()
            self.gdb.resume()
            self._wait(what, hint)
            self._count_stop(what, hint)
            if self.gdb.registers()["rip"] == address:
                return
        except (gdbremote.GdbError, qmp.QmpError) as error:
            self._explain_end(what, hint, error)
        raise Infrastructure(f"the machine stands at {self.where()}, not at {self.place(address)}")

    def instructions(self):
        """How many have run since the machine started; exact at a stop."""
        return self.machine.qmp.instructions()

    def run_for(self, instructions, expected="", hint="", look=None):
        """Run that many instructions from here, or more: how many more is the host's doing, so what is expected goes by those that went by, and the budget
        of instructions grows by the rest. look: (instructions, function): called when so many have gone by, while it runs on: at a stop the emulator's
        clock may jump to the next timer."""
        what = expected or f"the machine goes on for {instructions:,} instructions"
        try:
            planned, deadline = self.instructions() + instructions, time.monotonic() + self.wall
            goal = planned
            watch = Watch(self.machine, math.inf)   # asleep, it would never get there
            self.gdb.resume()
            while not self.gdb.stopped(0.01):
                self._drain()
                self._end_of_hang(watch, what, hint)
                if look and self.instructions() >= goal - instructions + look[0]:
                    look[1]()
                    goal, look = self.instructions() + instructions - look[0], None   # a look may take its time
                elif not look and self.instructions() >= goal:
                    self.gdb.interrupt()
                    self.budget += self.instructions() - planned
                    return
                if time.monotonic() > deadline:
                    raise Infrastructure(f"{instructions:,} instructions take longer than {self.wall} s")
        except (gdbremote.GdbError, qmp.QmpError) as error:
            self._explain_end(what, hint, error)

    def at_once(self, read):
        """While it runs: what read() finds in its memory within few instructions, and their count before and after that. A host that was busy elsewhere
        meanwhile has to look again."""
        for _ in range(LOOKS_MAX):
            before = self.instructions()
            seen, after = read(), self.instructions()
            if after - before <= LOOK_INSTRUCTIONS:
                return seen, before, after
        raise Infrastructure(f"each of {LOOKS_MAX} looks at the running machine takes more than {LOOK_INSTRUCTIONS:,} instructions")

    def _count_stop(self, what, hint):
        self.stops += 1
        if self.stops > STOPS_MAX:
            raise Failed(what, f"the machine has stood at such places {STOPS_MAX:,} times: a loop through one of them?", self.where(), hint)

    def _wait(self, what, hint):
        deadline, watch = time.monotonic() + self.wall, Watch(self.machine, self.budget)
        while not self.gdb.stopped(0.02):
            self._drain()
            self._end_of_hang(watch, what, hint)
            if time.monotonic() > deadline:
                raise Infrastructure(f"no end within {self.wall} s")
        self._drain()

    def settle(self):
        """Fetch what it has printed so far; the machine stands."""
        for _ in range(4):
            self._drain()
            time.sleep(0.05)

    def _end_of_hang(self, watch, what, hint):
        seen = watch.hang()
        if seen:
            if self.machine.qmp.command("query-status")["running"]:
                self.gdb.interrupt()   # else nobody would answer that it stands
            raise Failed(what, seen, self.where(), hint)

    def _explain_end(self, what, hint, error):
        """The connection broke: the machine ended by itself (Failed), or the emulator did."""
        self._drain()
        try:
            status = self.machine.process.wait(timeout=10)
        except Exception as late:  # noqa: BLE001 (whatever it is, it is no verdict)
            raise Infrastructure(f"the emulator hangs: {error}") from late
        # A warning is none of its troubles: it also warns of a machine that has nothing to do any more.
        complaint = "\n".join(line for line in self.machine.complaint.splitlines() if ": warning: " not in line)
        if status == 0:
            raise Failed(what, "the machine reset itself (a triple fault, or a reboot)", self.last_line(), hint) from error
        if status > 0 and status & 1 and not complaint:
            raise Failed(what, f"the machine ended itself with code {status >> 1:#x}", self.last_line(), hint) from error
        raise Infrastructure(f"the emulator ended with status {status}: {complaint}") from error

    def last_line(self):
        lines = [line for line in self.serial.splitlines() if line.strip()]
        return f"its last line: {lines[-1][:160]}" if lines else "it had printed nothing"

    def where(self, cpu=0):
        """Where a CPU stands, by symbol."""
        address = self.gdb.registers(cpu)["rip"]
        line = source_line(self.elf.path, address)
        return f"rip is at {self.place(address)}" + (f" ({line})" if line else "")

    def place(self, address):
        """An address by name, of the hypervisor or of a guest of ours."""
        for name, elf in self.guests.items():
            if elf.segments[0][0] <= address:
                return f"{name}:{elf.symbol_at(address)}"
        return self.elf.symbol_at(address)

    # --- looking ---

    def cr3(self, cpu=0):
        return self._control(cpu)["CR3"]

    def _control(self, cpu=0):
        """CR0.. CR4, GDT, IDT, TR of a CPU, from QEMU's own words."""
        text = self.machine.qmp.monitor("info registers -a")
        part = re.split(r"CPU#\d+\s", text)[cpu + 1]
        found = {name: int(value, 16) for name, value in re.findall(r"(CR[0234]|EFER)=([0-9a-f]+)", part)}
        for name, base, limit in re.findall(r"(GDT|IDT)=\s*([0-9a-f]+) ([0-9a-f]+)", part):
            found[name] = (int(base, 16), int(limit, 16))
        for name, selector, base, limit in re.findall(r"(TR|LDT)\s*=\s*([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", part):
            found[name] = (int(selector, 16), int(base, 16), int(limit, 16))
        return found

    control = _control

    def mapping(self, va, cr3=None):
        return paging.translate(self.ram, self.cr3() if cr3 is None else cr3, va)

    def read(self, va, size, cr3=None):
        """Bytes at a virtual address; a Failed if a page of them isn't mapped."""
        cr3, data = self.cr3() if cr3 is None else cr3, b""
        while size > 0:
            found = paging.translate(self.ram, cr3, va)
            if found is None:
                raise Failed(f"memory at {va:#x} ({self.place(va)}) is mapped", "no mapping there", "", "")
            pa = found.pa + (va & (found.size - 1))
            piece = min(size, found.size - (va & (found.size - 1)))
            if pa + piece > len(self.ram):
                raise Failed(f"{va:#x} ({self.place(va)}) leads to RAM", f"machine address {pa:#x}", "", "")
            data += self.ram[pa:pa + piece]
            va, size = va + piece, size - piece
        return data

    def u64(self, va, cr3=None):
        return struct.unpack("<Q", self.read(va, 8, cr3))[0]

    def u32(self, va, cr3=None):
        return struct.unpack("<I", self.read(va, 4, cr3))[0]

    def variable(self, name, cr3=None):
        """A u64 variable of the hypervisor."""
        return self.u64(self.symbol(name), cr3)

    def frames(self, cr3=None):
        """The frame table: a list of Frame."""
        import frametable
        return frametable.read(self, cr3)
