"""The other CPUs: awake, each on its own stack and tables."""

import struct

from case import Case

HINT = "A CPU counts itself in by cpu->online when it has everything: page tables, descriptors, APIC. It is found by its stack pointer (x86/cpu.h)."


class Awake(Case):
    """All CPUs of the ACPI tables are up, wherever they are named, and stand on their own blocks."""

    def run(self):
        count = self.random.choice((2, 3))
        with self.boot(cpus=count) as machine:
            machine.run_to("modules_start", expected=f"start-up comes to the guests on {count} CPUs", hint=HINT)
            n, where = machine.numbers, self.source("smp_start")
            self.check(machine.u32(machine.symbol("nr_cpus")) == count, f"nr_cpus is {count}", str(machine.u32(machine.symbol("nr_cpus"))), where, HINT)
            seen = set()
            for cpu in range(count):
                block = n["STACKS_VA"] + cpu * n["CPU_BLOCK_SIZE"]
                data = machine.read(block + n["CPU_BLOCK_SIZE"] - n["struct cpu"], n["struct cpu"])
                self.check(data[n["struct cpu.online"]] == 1, f"struct cpu of CPU {cpu}: online is 1", str(data[n["struct cpu.online"]]), where, HINT)
                ident, apic = (struct.unpack_from("<I", data, n[f"struct cpu.{field}"])[0] for field in ("id", "apic_id"))
                self.check(ident == cpu, f"struct cpu of CPU {cpu} has its id", str(ident), where, HINT)
                seen.add(apic)
            self.check(seen == set(range(count)), f"the CPUs have the APIC ids {set(range(count))}", str(seen), where, HINT)
            self.registers(machine, count, where)

    def registers(self, machine, count, where):
        """What the hardware itself has: page tables, and the stack that it really runs on."""
        n, blocks, cr3 = machine.numbers, {}, machine.cr3()
        for cpu in range(count):
            control, rsp = machine.control(cpu), machine.gdb.registers(cpu)["rsp"]
            self.check(control["CR3"] == cr3, f"CPU {cpu} runs on the hypervisor's page tables, {cr3:#x}", f"{control['CR3']:#x}", where, HINT)
            for bit, name in ((16, "CR0.WP"), (31, "CR0.PG")):
                self.check(control["CR0"] >> bit & 1, f"{name} is set on CPU {cpu}", f"CR0 {control['CR0']:#x}", where)
            block = (rsp - n["STACKS_VA"]) // n["CPU_BLOCK_SIZE"]
            self.check(0 <= block < count and block not in blocks, f"CPU {cpu} stands on a block of its own", f"rsp {rsp:#x}", where, HINT)
            blocks[block] = cpu
            self.check(machine.gdb.registers(cpu)["rip"] >= n["KOAN_VA"], f"CPU {cpu} runs in the hypervisor", machine.where(cpu), where)
