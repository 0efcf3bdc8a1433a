"""The other CPUs: awake, each on its own stack and tables; and those that never answer."""

import struct

from case import Case

HINT = "A CPU counts itself in by cpu->online when it has everything: page tables, descriptors, APIC. It is found by its stack pointer (x86/cpu.h)."
TIMER_HINT = "Each CPU has a timer of its own, which apic_setup_cpu() leaves masked: without it no guest there is ever woken, or made to let another run."
DEAD_HINT = ("ACPI may list a CPU that isn't there. Wait for its word for a while only (ANSWER_WAIT_US), stop it by INIT, and give its block to the next; "
             "nr_cpus counts those that have answered.")


class Cpus(Case):
    """What all of these look at."""

    def hurry(self, machine):
        """To smp_start(); from there on time goes 32 times as fast, so that waiting for an answer takes the emulator no minutes."""
        machine.run_to("smp_start")
        shift = machine.symbol("clock_shift")
        machine.gdb.write(shift, struct.pack("<b", struct.unpack("<b", machine.read(shift, 1))[0] + 5))

    def struct_cpu(self, machine, cpu):
        """(online, id, apic_id) of a struct cpu."""
        n = machine.numbers
        block = n["STACKS_VA"] + cpu * n["CPU_BLOCK_SIZE"]
        data = machine.read(block + n["CPU_BLOCK_SIZE"] - n["struct cpu"], n["struct cpu"])
        return (data[n["struct cpu.online"]], *(struct.unpack_from("<I", data, n[f"struct cpu.{field}"])[0] for field in ("id", "apic_id")))

    def order(self, machine, ids):
        """CPU numbers go in the order of ACPI's list; the boot CPU is 0. ids: those that are really there."""
        where, count = self.source("smp_start"), len(ids)
        self.check(machine.u32(machine.symbol("nr_cpus")) == count, f"nr_cpus is {count}", str(machine.u32(machine.symbol("nr_cpus"))), where, HINT)
        for cpu, apic in enumerate([0] + [apic for apic in ids if apic]):
            self.check(self.struct_cpu(machine, cpu) == (1, cpu, apic), f"struct cpu of CPU {cpu}: online 1, id {cpu}, APIC id {apic}",
                       "online {}, id {}, APIC id {}".format(*self.struct_cpu(machine, cpu)), where, HINT)

    def registers(self, machine, count):
        """What the hardware itself has: page tables, and the stack that it really runs on."""
        n, blocks, cr3, where = machine.numbers, {}, machine.cr3(), self.source("smp_start")
        for cpu in range(count):
            control, rsp = machine.control(cpu), machine.gdb.registers(cpu)["rsp"]
            self.check(control["CR3"] == cr3, f"CPU {cpu} runs on the hypervisor's page tables, {cr3:#x}", f"{control['CR3']:#x}", where, HINT)
            for bit, name in ((16, "CR0.WP"), (31, "CR0.PG")):
                self.check(control["CR0"] >> bit & 1, f"{name} is set on CPU {cpu}", f"CR0 {control['CR0']:#x}", where)
            block = (rsp - n["STACKS_VA"]) // n["CPU_BLOCK_SIZE"]
            self.check(0 <= block < count and block not in blocks, f"CPU {cpu} stands on a block of its own", f"rsp {rsp:#x}", where, HINT)
            blocks[block] = cpu
            self.check(machine.gdb.registers(cpu)["rip"] >= n["KOAN_VA"], f"CPU {cpu} runs in the hypervisor", machine.where(cpu), where)


class Awake(Cpus):
    """All CPUs of the ACPI tables are up, and stand on their own blocks."""

    def run(self):
        count = self.random.choice((3, 4))
        others = list(range(count - 1, 0, -1))   # not in the order of their ids
        ids = others[:]
        ids.insert(self.random.randrange(count), 0)
        with self.boot(cpus=count, apic_ids=ids) as machine:
            self.hurry(machine)
            machine.run_to("modules_start", expected=f"start-up comes to the guests on {count} CPUs", hint=HINT)
            self.order(machine, ids)
            self.registers(machine, count)


class Ready(Cpus):
    """A CPU says that it is online only when it is: not before its APIC is set up, with the hypervisor's tables loaded by then.
    And it goes idle with its timer started, as nobody else can start it."""

    def run(self):
        with self.boot(cpus=2) as machine:
            self.hurry(machine)
            machine.run_to("apic_setup_cpu", expected="the second CPU comes to apic_setup_cpu()", hint=HINT)
            where = self.source("smp_start")
            online, ident, _ = self.struct_cpu(machine, 1)
            self.check((online, ident) == (0, 1), "CPU 1 has its id, and is not online before its APIC is set up", f"online {online}, id {ident}", where,
                       "The boot CPU sends interrupts to whoever is online.")
            rsp, block = machine.gdb.registers(1)["rsp"], machine.numbers["STACKS_VA"] + machine.numbers["CPU_BLOCK_SIZE"]
            self.check(block < rsp <= block + machine.numbers["CPU_BLOCK_SIZE"], f"CPU 1 stands on its own block, {block:#x}", f"rsp {rsp:#x}", where, HINT)
            self.check(machine.control(1)["CR3"] == machine.cr3(0), "by then it has the hypervisor's page tables", f"{machine.control(1)['CR3']:#x}", where)
            self.goes_idle(machine, where)

    def goes_idle(self, machine, where):
        """CPU 1 from apic_setup_cpu() on. The boot CPU is held right behind smp_start(): without guests it would end the machine first."""
        machine.gdb.write(machine.symbol("debug_init"), b"\xf3\x90\xeb\xfc")   # pause, which lets the emulator turn to CPU 1; and again
        came = machine.run_to("apic_start_timer", "cpu_idle_loop", expected="the second CPU comes to its idle loop", hint=HINT)
        self.check(came == "apic_start_timer", "CPU 1 calls apic_start_timer() before cpu_idle_loop()", "it goes idle without", where, TIMER_HINT)
        machine.run_to("cpu_idle_loop", expected="the second CPU comes to cpu_idle_loop() with its timer started", hint=HINT)


class Dead(Cpus):
    """A listed CPU that isn't there costs half a second and a line, not the machine, nor anybody's block."""

    def run(self):
        count = self.random.choice((2, 3))
        ids = self.random.sample(range(count), count)
        ids.insert(self.random.randrange(count), self.random.randrange(16, 200))
        with self.boot(cpus=count, apic_ids=ids) as machine:
            self.hurry(machine)
            machine.run_to("modules_start", expected=f"start-up comes to the guests though the CPU with APIC id {max(ids)} never answers", hint=DEAD_HINT)
            self.order(machine, [apic for apic in ids if apic < count])
            self.registers(machine, count)
