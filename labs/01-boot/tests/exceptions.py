"""An exception that the grader provokes, through GDB, in the middle of start-up; its way to a readable report.

The instruction, the registers and the faulting address are fresh in each run, so the report can't be known beforehand.
"""

import struct

from case import Case

PANIC_CODE = 0x13
UD, GP, PF, DE = 6, 13, 14, 0
# vector -> instruction. rbx is where mov looks, rcx what div divides by.
CODE = {UD: b"\x0f\x0b", GP: b"\x48\x8b\x03", PF: b"\x48\x89\x03", DE: b"\x48\xf7\xf1"}
PLACES = ("modules_start", "cpuid_init", "sched_init", "memory_finish")
HINT = ("An exception pushes its frame at the top of the stack that the gate names; the stub adds the vector and, where the CPU pushes no error code, a 0, "
        "so that struct regs has one shape for all (kernel/x86/regs.h).")


class Report(Case):
    """The frame in memory is right, the report names vector, place and registers, and the machine ends as after a panic."""

    def run(self):
        vector, place = self.random.choice(tuple(CODE)), self.random.choice(PLACES)
        with self.boot() as machine:
            machine.run_to(place)
            gdb, address = machine.gdb, machine.symbol(place)
            chosen = {name: self.random.getrandbits(63) for name in ("rax", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")}
            chosen["rcx"] = 0 if vector == DE else self.random.getrandbits(63)
            hole = machine.numbers["DIRECTMAP_VA"] + (self.random.randrange(1 << 38, 1 << 42) & -8)
            chosen["rbx"] = {GP: 0x1234 << 48 | self.random.getrandbits(40), PF: hole}.get(vector, self.random.getrandbits(63))
            for name, value in chosen.items():
                gdb.set_register(name, value)
            gdb.write(address, CODE[vector])
            rsp = gdb.registers()["rsp"]
            machine.run_to("hypervisor_trap", expected=f"exception {vector} in {place} comes to hypervisor_trap()", hint=HINT)
            self.frame(machine, vector, address, rsp, chosen["rax"])
            machine.run_to("machine_end", expected="after the report the machine ends", hint=HINT)
            machine.settle()
            self.text(machine, vector, place, address, chosen)

    def frame(self, machine, vector, rip, rsp, rax):
        n, regs = machine.numbers, machine.gdb.registers()["rdi"]
        where = machine.place(rip)
        expected = {"vector": vector, "rip": rip, "error_code": 2 if vector == PF else 0, "rsp": rsp, "rax": rax}
        for name, value in expected.items():
            size = n[f"struct regs.{name}.size"]
            seen, = struct.unpack({2: "<H", 4: "<I", 8: "<Q"}[size], machine.read(regs + n[f"struct regs.{name}"], size))
            self.check(seen == value, f"struct regs of exception {vector}: {name} is {value:#x}", f"{seen:#x}", where, HINT)

    def text(self, machine, vector, place, rip, chosen):
        text = machine.serial.lower()
        report = text[text.find("panic"):] if "panic" in text else ""
        wanted = {"the address of the instruction": f"{rip:x}", "its function": place}
        wanted |= {f"the value of {name}": f"{value:x}" for name, value in chosen.items() if name in ("rax", "r9", "r13", "r15")}
        if vector == PF:
            wanted["the address that was not there"] = f"{chosen['rbx']:x}"
        for what, word in wanted.items():
            self.check(word in report, f"a report of exception {vector} that names {what}: {word}", report.splitlines()[0][:120] if report else "no report",
                       self.source("hypervisor_trap"), "A report has to say what, where and with which registers, or nobody can use it.")
        code = machine.gdb.registers()["rdi"] & 0xFF
        self.check(code == PANIC_CODE, f"the machine ends with the code of a panic, {PANIC_CODE:#x}", f"{code:#x}", self.source("hypervisor_trap"))
