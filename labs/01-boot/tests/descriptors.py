"""GDT, TSS and IDT of each CPU, from where its registers say that they lie."""

import struct

import paging
from case import Case

VECTORS = 256
NMI, DOUBLE_FAULT, MACHINE_CHECK, BREAKPOINT, OVERFLOW = 2, 8, 18, 3, 4
INTERRUPT_GATE, TSS_BUSY = 0x0E, 0x0B


class Descriptors(Case):
    """Boots two CPUs to the end of start-up."""

    def start(self):
        machine = self.boot(cpus=2)
        return machine


class InterruptTable(Descriptors):
    """256 interrupt gates, each to a stub of its own; INT n from ring 3 only for vectors 3 and 4; stacks of their own."""

    def run(self):
        with self.start() as machine:
            machine.run_to("modules_start")
            for cpu in range(2):
                self.one(machine, cpu)

    def one(self, machine, cpu):
        base, limit = machine.control(cpu)["IDT"]
        where = self.source("descriptors_init")
        self.check(limit == VECTORS * 16 - 1, f"IDT limit {VECTORS * 16 - 1:#x} on CPU {cpu}", f"{limit:#x}", where, "The limit is the size minus one.")
        targets, stacks = {}, {}
        for vector, gate in enumerate(paging.gates(machine.read(base, VECTORS * 16))):
            at = f"gate {vector} on CPU {cpu}"
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
            self.check(gate.target not in targets, f"{at} leads to a stub of its own",
                       f"vector {targets.get(gate.target)} has it, too: {machine.place(gate.target)}", where)
            targets[gate.target] = vector
            if gate.ist:
                stacks.setdefault(gate.ist, []).append(vector)
        for vector in (NMI, DOUBLE_FAULT, MACHINE_CHECK):
            self.check([vector] in stacks.values(), f"vector {vector} has a stack (IST) for itself alone", f"IST users: {stacks}", where,
                       "It can come when the stack pointer is a guest's, or broken.")
        self.stacks(machine, cpu, stacks)

    def stacks(self, machine, cpu, used):
        n, where = machine.numbers, self.source("descriptors_setup_cpu")
        _, base, _ = machine.control(cpu)["TR"]
        ist = struct.unpack("<7Q", machine.read(base + n["struct tss.ist"], 56))
        for number, vectors in used.items():
            top = ist[number - 1]
            below = machine.mapping(top - 8)
            self.check(below is not None and below.write and not below.execute, f"IST {number} on CPU {cpu} (vector {vectors[0]}) is the top of a stack",
                       f"{top:#x}: {'no memory' if below is None else 'not plain data'}", where,
                       "A stack grows down: the TSS holds the first address behind it.")
        tops = [ist[number - 1] & -4096 for number in used]
        self.check(len(set(tops)) == len(tops), f"each IST of CPU {cpu} has a page of its own", f"{[hex(top) for top in tops]}", where)


class TaskState(Descriptors):
    """Each CPU's TR names a TSS of its own: rsp0 in its own block, no port open to ring 3."""

    def run(self):
        with self.start() as machine:
            machine.run_to("modules_start")
            n, bases, where = machine.numbers, {}, self.source("descriptors_setup_cpu")
            for cpu in range(2):
                control = machine.control(cpu)
                selector, base, limit = control["TR"]
                self.check(selector == n["SEL_TSS"], f"TR of CPU {cpu} is {n['SEL_TSS']:#x}", f"{selector:#x}", where, "Load it with ltr, on each CPU.")
                gdt, gdt_limit = control["GDT"]
                found = paging.segment(machine.read(gdt + (selector & ~7), 16), 0)
                self.check(gdt_limit >= (selector & ~7) + 15, f"the GDT of CPU {cpu} reaches to the TSS's descriptor", f"limit {gdt_limit:#x}", where)
                self.check(found.present and found.kind == TSS_BUSY and found.base == base and found.limit >= 103,
                           f"a busy 64-bit TSS at {base:#x} with all of its 104 bytes", f"{found}", where, "A TSS's descriptor takes two slots.")
                code = paging.segment(machine.read(gdt + (n["SEL_KOAN_CODE"] & ~7), 8), 0)
                self.check(code.present and code.long and code.dpl == 0 and code.kind & 0x18 == 0x18, "KOAN_CODE is 64-bit code of ring 0", f"{code}", where)
                self.check(base not in bases, f"CPU {cpu} has a TSS of its own", f"CPU {bases.get(base)} uses {base:#x}, too", where)
                bases[base] = cpu
                block = n["STACKS_VA"] + cpu * n["CPU_BLOCK_SIZE"]
                rsp0 = machine.u64(base + n["struct tss.rsp0"])
                self.check(block < rsp0 <= block + n["CPU_BLOCK_SIZE"] and rsp0 % 16 == 0, f"rsp0 of CPU {cpu} is in its own block ({block:#x}), a multiple of 16",
                           f"{rsp0:#x}", where, "All CPUs with one stack work until two of them enter at once.")
                below = machine.mapping(rsp0 - 8)
                self.check(below is not None and below.write, f"there is memory below rsp0 of CPU {cpu}", "none", where)
                ports, = struct.unpack("<H", machine.read(base + n["struct tss.iomap_base"], 2))
                self.check(ports > limit, "the port bitmap lies behind the TSS's limit: no port is open to ring 3", f"iomap_base {ports:#x}, limit {limit:#x}", where)
