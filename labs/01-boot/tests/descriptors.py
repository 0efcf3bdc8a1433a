"""GDT, TSS and IDT, from where a CPU's registers say that they lie, as soon as it has loaded them."""

import struct

import paging
from case import Case

READY = "devices_start"   # the call behind descriptors_setup_cpu()
VECTORS = 256
DEBUG, NMI, BREAKPOINT, OVERFLOW, DOUBLE_FAULT, MACHINE_CHECK = 1, 2, 3, 4, 8, 18
INTERRUPT_GATE, TSS_BUSY = 0x0E, 0x0B
STACK_OF = {DOUBLE_FAULT: 2, NMI: 4, MACHINE_CHECK: 6, DEBUG: 8}   # vector -> page of the CPU's block: kernel/x86/cpu.h
TSS_SIZE = 104
CODE, DATA = 0x1A, 0x12   # type and S bit, without "accessed"


class Descriptors(Case):
    """Boots one CPU to where its tables are loaded."""

    def ready(self, machine):
        machine.run_to(READY, expected="the descriptor tables are filled and loaded, and start-up goes on",
                       hint="A fault while the tables change is mostly a triple fault: step over lgdt, lretq, lidt and ltr in `make gdb`.")

    def block(self, machine, cpu=0):
        """Where a CPU's block begins."""
        return machine.numbers["STACKS_VA"] + cpu * machine.numbers["CPU_BLOCK_SIZE"]


class InterruptTable(Descriptors):
    """256 interrupt gates, each to a stub of its own; INT n from ring 3 only for vectors 3 and 4; stacks of their own."""

    def run(self):
        with self.boot() as machine:
            self.ready(machine)
            base, limit = machine.control()["IDT"]
            self.where = self.source("descriptors_init")
            self.check(limit == VECTORS * 16 - 1, f"IDT limit {VECTORS * 16 - 1:#x}", f"{limit:#x}", self.where, "The limit is the size minus one.")
            self.targets = {}
            gates = list(paging.gates(machine.read(base, VECTORS * 16)))
            for vector, gate in enumerate(gates):
                self.gate(machine, vector, gate)
            self.stacks(machine, gates)

    def gate(self, machine, vector, gate):
        at, where = f"gate {vector}", self.where
        self.check(gate.present, f"{at} is present", "it is not", where, "An exception without a gate becomes a double fault.")
        self.check(gate.kind == INTERRUPT_GATE, f"{at} is an interrupt gate (0xe)", f"type {gate.kind:#x}", where,
                   "A trap gate leaves interrupts on in the first instruction of the handler.")
        self.check(gate.selector == machine.numbers["SEL_KOAN_CODE"], f"{at} enters by selector {machine.numbers['SEL_KOAN_CODE']:#x}",
                   f"{gate.selector:#x}", where)
        dpl = 3 if vector in (BREAKPOINT, OVERFLOW) else 0
        self.check(gate.dpl == dpl, f"{at} has DPL {dpl}", f"{gate.dpl}", where,
                   "With DPL 3 a guest could raise any exception by INT n; int3 and into it may use.")
        found = machine.mapping(gate.target)
        self.check(found is not None and found.execute, f"{at} leads to code", f"{gate.target:#x} ({machine.place(gate.target)})", where,
                   "The offset is in three pieces: 16, 16 and 32 bits (SDM vol. 3, figure 6-8).")
        self.check(gate.target not in self.targets, f"{at} leads to a stub of its own",
                   f"vector {self.targets.get(gate.target)} has it, too: {machine.place(gate.target)}", where)
        self.targets[gate.target] = vector

    def stacks(self, machine, gates):
        """Who has a stack of its own, and which."""
        n, where = machine.numbers, self.source("descriptors_setup_cpu")
        _, base, _ = machine.control()["TR"]
        ist = struct.unpack("<7Q", machine.read(base + n["struct tss.ist"], 56))
        for vector, gate in enumerate(gates):
            page = STACK_OF.get(vector)
            if page is None:
                self.check(gate.ist == 0, f"gate {vector} goes on with the stack that is there (IST 0)", f"IST {gate.ist}", self.where,
                           "An IST stack begins at its top each time: a second exception of that kind writes over the first one's frame.")
                continue
            self.check(gate.ist, f"gate {vector} has a stack of its own (IST)", "IST 0", self.where, "It can come when the stack pointer is a guest's, or broken.")
            top, expected = ist[gate.ist - 1], self.block(machine) + (page + 1) * 4096
            self.check(top == expected, f"the stack of gate {vector} is page {page} of the CPU's block, down from {expected:#x}",
                       f"IST {gate.ist}: down from {top:#x}", where, "A stack grows down: the TSS holds the first address behind it.")


class TaskState(Descriptors):
    """The TSS is the CPU's own: its descriptor, rsp0 below struct cpu, no port open to ring 3."""

    def run(self):
        with self.boot() as machine:
            self.ready(machine)
            self.task(machine, 0)

    def task(self, machine, cpu):
        n, where = machine.numbers, self.source("descriptors_setup_cpu")
        control = machine.control(cpu)
        selector, base, limit = control["TR"]
        own = self.block(machine, cpu) + n["CPU_BLOCK_SIZE"] - n["struct cpu"]
        self.check(selector == n["SEL_TSS"], f"TR of CPU {cpu} is {n['SEL_TSS']:#x}", f"{selector:#x}", where, "Load it with ltr, on each CPU.")
        gdt, gdt_limit = control["GDT"]
        self.check(gdt_limit >= (selector & ~7) + 15, f"the GDT of CPU {cpu} reaches to the TSS's descriptor", f"limit {gdt_limit:#x}", where)
        found = paging.segment(machine.read(gdt + (selector & ~7), 16), 0)
        self.check(base == own + n["struct cpu.tss"], f"the TSS of CPU {cpu} is that of its struct cpu, at {own + n['struct cpu.tss']:#x}", f"{base:#x}", where,
                   "A TSS's descriptor takes two slots: the base's upper half is in the second one (SDM vol. 3, figure 8-4).")
        self.check(found.present and found.kind == TSS_BUSY and found.base == base and found.dpl == 0, f"a busy 64-bit TSS of ring 0 at {base:#x}", f"{found}", where)
        self.check(found.limit == TSS_SIZE - 1, f"the TSS's limit is {TSS_SIZE - 1}: its last byte", f"{found.limit}", where, "A limit is the size minus one.")
        rsp0 = machine.u64(base + n["struct tss.rsp0"])
        self.check(rsp0 == own, f"rsp0 of CPU {cpu} is where its struct cpu begins, {own:#x}", f"{rsp0:#x}", where,
                   "The outermost struct regs lies directly below struct cpu (kernel/x86/cpu.h); all C code finds it there.")
        ports, = struct.unpack("<H", machine.read(base + n["struct tss.iomap_base"], 2))
        self.check(ports > limit, "the port bitmap lies behind the TSS's limit: no port is open to ring 3", f"iomap_base {ports:#x}, limit {limit:#x}", where,
                   "Zero would mean that the TSS's own bytes are the bitmap.")


class Segments(Descriptors):
    """The hypervisor's and the guests' flat segments, and what the selectors hold."""

    def run(self):
        with self.boot() as machine:
            self.ready(machine)
            n, where = machine.numbers, self.source("descriptors_setup_cpu")
            gdt, limit = machine.control()["GDT"]
            wanted = {"SEL_KOAN_CODE": (CODE, 0, 1, 0), "SEL_KOAN_DATA": (DATA, 0, 0, 1), "SEL_GUEST_CS32": (CODE, 3, 0, 1),
                      "SEL_GUEST_DATA": (DATA, 3, 0, 1), "SEL_GUEST_CS64": (CODE, 3, 1, 0)}
            for name, (kind, dpl, long, default) in wanted.items():
                selector = n[name] & ~7
                self.check(selector + 7 <= limit, f"the GDT reaches to {name}, {n[name]:#x}", f"limit {limit:#x}", where)
                data = machine.read(gdt + selector, 8)
                bits, = struct.unpack("<Q", data)
                seen = paging.segment(data, 0)
                got = (seen.kind & ~1, seen.dpl, int(seen.long), bits >> 54 & 1)
                self.check(seen.present, f"{name} is present", f"{bits:#018x}", where)
                self.check(got == (kind, dpl, long, default), f"{name}: type {kind:#x}, DPL {dpl}, L {long}, D/B {default} (SDM vol. 3, figure 3-8)",
                           f"type {got[0]:#x}, DPL {got[1]}, L {got[2]}, D/B {got[3]}: {bits:#018x}", where)
                self.check((seen.base, seen.limit) == (0, 0xFFFFFFFF), f"{name} is flat: base 0, limit 4 GiB", f"base {seen.base:#x}, limit {seen.limit:#x}", where,
                           "The limit counts units of 4 KiB when G is set.")
            self.loaded(machine, where)

    def loaded(self, machine, where):
        n, registers = machine.numbers, machine.gdb.registers()
        for name, value in {"cs": n["SEL_KOAN_CODE"], "ss": n["SEL_KOAN_DATA"], "ds": 0, "es": 0, "fs": 0, "gs": 0}.items():
            self.check(registers[name] == value, f"{name} holds {value:#x}", f"{registers[name]:#x}", where,
                       "lgdt alone changes no segment: cs by a far return, the others by mov. In 64-bit mode data needs none, and a null selector can't leak.")
        self.check(machine.control()["LDT"][0] == 0, "no LDT is loaded", f"{machine.control()['LDT'][0]:#x}", where)


class EachCpu(TaskState):
    """Every CPU has loaded a GDT and a TSS of its own, and the one interrupt table."""

    def run(self):
        with self.boot(cpus=2) as machine:
            machine.run_to("modules_start", expected="start-up comes to the guests on 2 CPUs")
            tables, where = {}, self.source("descriptors_setup_cpu")
            for cpu in range(2):
                control, n = machine.control(cpu), machine.numbers
                gdt = n["DESC_VA"] + cpu * n["DESC_WINDOW_SIZE"]
                self.check(control["GDT"][0] == gdt, f"the GDT of CPU {cpu} is at {gdt:#x}, its own window", f"{control['GDT'][0]:#x}", where,
                           "All CPUs with one GDT work until two of them load their TSS: ltr marks the descriptor busy.")
                self.task(machine, cpu)
                tables[cpu] = control["IDT"]
            self.check(tables[0] == tables[1], f"both CPUs use the interrupt table at {tables[0][0]:#x}", f"CPU 1: {tables[1][0]:#x}", where)
