"""The hypervisor's page tables, read from outside when start-up is through."""

import paging
from case import Case

GUARDS = (1, 3, 5, 7, 9)   # pages of a CPU's block without memory: kernel/x86/cpu.h


class WriteXorExecute(Case):
    """Nothing is writable and executable; code is not writable under any address; constants are not writable."""

    def run(self):
        with self.boot() as machine:
            machine.run_to("modules_start")
            elf, layout = self.setting.elf, machine.layout
            start, rodata, data = (elf.symbols[name] for name in ("image_start", "rodata_start", "data_start"))
            text = range(layout.image, layout.image + rodata - start)
            constants = range(layout.image, layout.image + data - start)
            where, seen = self.source("map_init"), set()
            for m in paging.walk(machine.ram, machine.cr3()):
                self.check(not (m.write and m.execute), f"the page at {m.va:#x} is not both writable and executable", "it is both", where,
                           "The leaf decides: code gets no RW, data gets NX.")
                inside = [pa for pa in (m.pa, m.pa + m.size - 1) if pa in constants]
                self.check(not (inside and m.write), f"code and constants (machine address {m.pa:#x}) are mapped writable nowhere",
                           f"{m.va:#x} maps them writable", where, "Look for a second mapping: the direct map covers the image, too.")
                if m.execute:
                    self.check(m.pa in text, "only the image's code is executable", f"{m.va:#x} (machine address {m.pa:#x}) is", where)
                seen.add(m.va)
            for va, what in ((start, "the first page of code"), (rodata, "the first page of constants"), (data, "the first page of data")):
                self.check(machine.mapping(va) is not None, f"{what} ({va:#x}) is mapped", "it is not", where)


class Supervisor(Case):
    """The sixteen slots stand; only the machine-to-physical table is open to ring 3, for reading."""

    def run(self):
        with self.boot() as machine:
            machine.run_to("modules_start")
            n = machine.numbers
            first, last, where = n["HYP_L4_FIRST"], n["HYP_L4_LAST"], self.source("map_init")
            table = paging.read_table(machine.ram, machine.cr3() & paging.ADDRESS)
            for slot, entry in enumerate(table):
                inside = first <= slot <= last
                self.check(bool(entry & paging.P) == inside, f"L4 slot {slot} is {'present' if inside else 'empty'}", f"{entry:#x}", where,
                           "Slots 256 to 271 are the hypervisor's and never change later; all others belong to guests.")
            for m in paging.walk(machine.ram, machine.cr3(), first, last):
                if m.user:
                    self.check(m.va >> 39 == n["M2P_VA"] >> 39 and not m.write and not m.execute,
                               f"{m.va:#x} is closed to ring 3 (or part of the M2P, to read)", f"entry {m.entry:#x}, write {m.write}, execute {m.execute}",
                               where, "Only the M2P's L2s may stand under an entry with U, and without RW there.")
            stub = machine.mapping(n["M2P_VA"])
            self.check(stub is not None and stub.user, "ring 3 can read the machine-to-physical table", "it can't", where)


class Guards(Case):
    """Below each stack lies a page without memory."""

    def run(self):
        with self.boot(cpus=2) as machine:
            machine.run_to("modules_start")
            n, where = machine.numbers, self.source("map_cpu")
            for cpu in range(2):
                block = n["STACKS_VA"] + cpu * n["CPU_BLOCK_SIZE"]
                for page in range(16):
                    m = machine.mapping(block + page * 4096)
                    if page in GUARDS:
                        self.check(m is None, f"page {page} of CPU {cpu}'s block is a guard: no memory", f"mapped to {m.pa if m else 0:#x}", where,
                                   "An overflow must fault at once, not run into the next stack.")
                    else:
                        self.check(m is not None and m.write != (page == 0) and m.execute == (page == 0),
                                   f"page {page} of CPU {cpu}'s block is {'code' if page == 0 else 'data'}", f"{m}", where)
