"""Exceptions that the grader makes, through GDB, as early in start-up as the interrupt table stands; their way to a readable report.

Registers, instruction and addresses are fresh in each run, so that no report can be known beforehand. But for the double fault
nothing here needs page tables or descriptors of the student's.
"""

import struct

from case import Case

PANIC_CODE = 0x13
UD, GP, PF, DE, DF = 6, 13, 14, 0, 8
WITH_CODE = {8, 10, 11, 12, 13, 14, 17, 21, 29, 30}   # the CPU pushes an error code: SDM vol. 3, table 6-1; AMD APM vol. 2, 8.2
ELSEWHERE = {2: "nmi_handler", 18: "machine_check_handler"}
GENERAL = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
# vector -> instruction. rbx is where mov looks, rcx what div divides by.
LOAD, STORE = b"\x48\x8b\x03", b"\x48\x89\x03"
CODE = {UD: b"\x0f\x0b", GP: LOAD, PF: STORE, DE: b"\x48\xf7\xf1"}
NAMES = {UD: "#ud", GP: "#gp", PF: "page fault", DE: "#de"}
PLACES = ("features_init", "features_print", "acpi_read")   # behind descriptors_early()
DIRECTION, TRAP = 1 << 10, 1 << 8
HINT = ("An exception pushes its frame at the top of the stack that the gate names; the stub adds the vector and, where the CPU pushes no error code, a 0, "
        "so that struct regs has one shape for all (kernel/x86/regs.h).")
RETURN_HINT = "What is popped last was pushed first; then error code and vector go, and iretq takes the rest."


class Exceptions(Case):
    """Boots to a place at which faults are reports already."""

    def begin(self, machine, place):
        machine.run_to(place, expected="start-up comes to where exceptions have gates", hint="")
        return machine.gdb

    def draw(self, machine, names=GENERAL):
        """Fresh values in general registers."""
        chosen = {name: self.random.getrandbits(63) for name in names}
        for name, value in chosen.items():
            machine.gdb.set_register(name, value)
        return chosen

    def compare(self, machine, expected, what, hint=HINT):
        """Fields of the struct regs that rdi, the handler's first argument, leads to."""
        n, regs = machine.numbers, machine.gdb.registers()["rdi"]
        data = machine.read(regs, n["struct regs"])
        for name, value in expected.items():
            size = n[f"struct regs.{name}.size"]
            seen = int.from_bytes(data[n[f"struct regs.{name}"]:][:size], "little")
            self.check(seen == value, f"struct regs of {what}: {name} is {value:#x}", f"{seen:#x}", self.source("trap_stub_table"), hint)

    def no_other(self, first, others, where):
        """A line with all names in it tells nobody anything."""
        for other in others:
            self.check(other not in first, f"a first line that names this exception and no other, as {other}", first[:160], where,
                       "A report that says everything says nothing: the vector tells which one it was.")


class Frames(Exceptions):
    """Each vector's stub, entered as the CPU enters it, with an error code or without, makes the same struct regs."""

    def run(self):
        with self.boot() as machine:
            self.begin(machine, "features_init")
            table = struct.unpack("<32Q", machine.read(machine.symbol("trap_stub_table"), 256))
            vectors = list(range(32))
            self.random.shuffle(vectors)
            rsp = machine.gdb.registers()["rsp"] & -16
            for vector in vectors:
                self.enter(machine, vector, table[vector], rsp)

    def enter(self, machine, vector, stub, rsp):
        gdb, n = machine.gdb, machine.numbers
        chosen = self.draw(machine)
        code = self.random.getrandbits(15) | 1 if vector in WITH_CODE else 0
        frame = {"rip": n["KOAN_VA"] + self.random.getrandbits(20), "cs": n["SEL_KOAN_CODE"], "rflags": 2 | self.random.getrandbits(1) << 6,
                 "rsp": n["STACKS_VA"] + self.random.getrandbits(20) * 8, "ss": n["SEL_KOAN_DATA"]}
        words = list(frame.values())
        data = struct.pack("<5Q", *words)
        if vector in WITH_CODE:
            data = struct.pack("<Q", code) + data
        gdb.write(rsp - 512 - len(data), data)
        gdb.set_register("rsp", rsp - 512 - len(data))
        gdb.set_register("eflags", 2 | DIRECTION)
        gdb.set_register("rip", stub)
        what = f"vector {vector}" + (" (the CPU pushes an error code)" if vector in WITH_CODE else "")
        goal = ELSEWHERE.get(vector, "hypervisor_exception")
        machine.run_to(goal, expected=f"{what} comes to {goal}()", hint=HINT)
        self.compare(machine, {"vector": vector, "error_code": code, **frame, **chosen}, what)
        self.check(not gdb.registers()["eflags"] & DIRECTION, "the direction flag is clear in C", "it is set", self.source("trap_stub_table"),
                   "C's string functions count upwards: cld comes before the first call.")


class Return(Exceptions):
    """Interrupted code whose exception was expected goes on with every register as it was."""

    def run(self):
        place = self.random.choice(PLACES)
        with self.boot() as machine:
            gdb = self.begin(machine, place)
            chosen, address = self.draw(machine), machine.symbol(place)
            rsp = gdb.registers()["rsp"]
            gdb.write(address, b"\x90")   # nop, single-stepped: a debug exception, from which the hypervisor returns
            gdb.set_register("eflags", 2 | TRAP)
            machine.run_to("hypervisor_exception", expected="a debug exception comes to hypervisor_exception()", hint=HINT)
            self.compare(machine, {"vector": 1, "error_code": 0, "rip": address + 1, "rsp": rsp, **chosen}, "a debug exception")
            machine.run_to(address + 1, expected="after it the machine goes on behind that instruction", hint=RETURN_HINT)
            after = gdb.registers()
            for name, value in {**chosen, "rsp": rsp}.items():
                self.check(after[name] == value, f"after a debug exception {name} is {value:#x}, as before", f"{after[name]:#x}",
                           self.source("trap_stub_table"), RETURN_HINT)


class Report(Exceptions):
    """The report names exception, place, address and registers, and the machine ends as after a panic."""

    def run(self):
        for vector in self.random.sample(sorted(CODE), 2) + [PF]:
            with self.boot() as machine:
                self.one(machine, vector, self.random.choice(PLACES))

    def one(self, machine, vector, place):
        gdb, address = self.begin(machine, place), machine.symbol(place)
        chosen = self.draw(machine, [name for name in GENERAL if name not in ("rbp", "rdi")])
        aim = {GP: 0x1234 << 48 | self.random.getrandbits(40),
               PF: machine.numbers["DIRECTMAP_VA"] + (self.random.randrange(1 << 38, 1 << 42) & -8)}.get(vector, chosen["rbx"])
        for name, value in {"rbx": aim, "rcx": 0 if vector == DE else chosen["rcx"]}.items():
            chosen[name] = value
            gdb.set_register(name, value)
        store = vector == PF and self.random.random() < 0.5
        gdb.write(address, LOAD if vector == PF and not store else CODE[vector])
        rsp = gdb.registers()["rsp"]
        machine.run_to("hypervisor_trap", expected=f"exception {vector} in {place} comes to hypervisor_trap()", hint=HINT)
        self.compare(machine, {"vector": vector, "rip": address, "error_code": 2 if store else 0, "rsp": rsp, **chosen}, f"exception {vector}")
        machine.run_to("machine_end", expected="after the report the machine ends", hint=HINT)
        machine.settle()
        self.text(machine, vector, place, address, chosen, store)

    def text(self, machine, vector, place, rip, chosen, store):
        text = machine.serial.lower()
        report = text[text.find("panic"):] if "panic" in text else ""
        first = report.splitlines()[0] if report else ""
        where, hint = self.source("hypervisor_trap"), "A report has to say what, where and with which registers, or nobody can use it."
        wanted = {"the exception": NAMES[vector], "its function": place}
        if vector == PF:
            wanted["the address that was not there"] = f"{chosen['rbx']:x}"
        for what, word in wanted.items():
            self.check(word in first, f"a first line that names {what}: {word}", first[:120] or "no report", where, hint)
        self.no_other(first, {*NAMES.values(), "double fault"} - {NAMES[vector]}, where)
        wanted = {"the address of the instruction": f"{rip:x}"}
        wanted |= {f"the value of {name}": f"{value:x}" for name, value in chosen.items() if value}
        for what, word in wanted.items():
            self.check(word in report, f"a report of exception {vector} that names {what}: {word}", first[:120] or "no report", where, hint)
        if vector == PF:
            right = "write" in first if store else "read" in first and "write" not in first
            self.check(right, f"a first line that says that it was a {'write' if store else 'read'}", first[:160], where, "The error code says it: SDM vol. 3, 4.7.")
        code = machine.gdb.registers()["rdi"] & 0xFF
        self.check(code == PANIC_CODE, f"the machine ends with the code of a panic, {PANIC_CODE:#x}", f"{code:#x}", where)


class Overflow(Exceptions):
    """A stack that runs into its guard page: a double fault on a stack of its own, and a report that says so."""

    def run(self):
        with self.boot() as machine:
            place = self.random.choice(("memory_finish", "cpuid_init", "sched_init"))
            gdb, n, address = self.begin(machine, place), machine.numbers, machine.symbol(place)
            guard = n["STACKS_VA"] + 10 * 4096
            chosen = self.draw(machine, ("rax", "r12", "r13"))
            gdb.set_register("rsp", guard)
            gdb.write(address, b"\x50")   # push rax
            machine.run_to("hypervisor_trap", expected="a double fault comes to hypervisor_trap(), on the stack of its own", hint=(
                "A push onto the guard page faults, and so does the frame of that fault. Without an IST stack the third fault resets the machine."))
            regs = gdb.registers()["rdi"]
            stack = n["STACKS_VA"] + 2 * 4096
            self.check(stack <= regs < stack + 4096, f"its struct regs lies on the double-fault stack, {stack:#x}", f"{regs:#x}",
                       self.source("descriptors_init"))
            self.compare(machine, {"vector": DF, "error_code": 0, "rip": address, "rsp": guard, **chosen}, "a double fault")
            machine.run_to("machine_end", expected="after the report the machine ends", hint=HINT)
            machine.settle()
            text = machine.serial.lower()
            first = text[text.find("panic"):].splitlines()[0] if "panic" in text else ""
            for what, word in {"the exception": "double fault", "the function": place, "the stack pointer": f"{guard:x}",
                               "the address, which CR2 still holds": f"{guard - 8:x}", "what it means": "overflow"}.items():
                self.check(word in first, f"a first line that names {what}: {word}", first[:160] or "no report", self.source("hypervisor_trap"),
                           "is_guard_page() knows whether CR2 lies in a guard: a double fault there is an overflow.")
            self.no_other(first, {*NAMES.values()} - {NAMES[PF]}, self.source("hypervisor_trap"))   # a page fault was part of it
