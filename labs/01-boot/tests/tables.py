"""The hypervisor's page tables, read from outside as soon as all of them stand: at the first call on the CPU's own block."""

import bootrom
import paging
from case import Case

READY = "descriptors_init"   # the first call of start_up()
EXPECTED = "the page tables are made, loaded, and start-up goes on with them"
GUARDS = (1, 3, 5, 7, 9)     # pages of a CPU's block without memory: kernel/x86/cpu.h
SIZE_2M, SIZE_1G = 1 << 21, 1 << 30
MAP_HINT = "Each range of the list goes to DIRECTMAP_VA + its machine address, up to its end and no further."
LARGE_HINT = ("A large page needs three things: address and machine address are both multiples of its size, and that much is left to map. "
              "Small ones everywhere cost the memory of their tables, and a miss of the TLB for each 4 KiB.")


class Tables(Case):
    """Boots to the place where the tables stand. image: the page numbers of the hypervisor's image."""

    def ready(self, machine):
        layout = machine.layout
        machine.run_to(READY, expected=EXPECTED, hint="With no exception report yet, `make gdb` shows how far it came: break map_init.")
        self.image = range(layout.image >> 12, -(-(layout.image + layout.image_size) >> 12))
        info = range(layout.info >> 12, -(-(layout.info + layout.info_size) >> 12))
        self.usable = bootrom.usable_pages(machine.entries) | set(self.image) | set(info)
        elf = self.setting.elf
        self.closed = range(self.image.start, self.image.start + (elf.symbols["data_start"] - elf.symbols["image_start"]) // 4096)

    def differ(self, expected, seen, what, where, hint):
        """The first page in which two sets of page numbers differ, in words."""
        for page in sorted(expected ^ seen)[:1]:
            should = "is" if page in expected else "is not"
            self.fail(f"machine frame {page:#x} {should} {what} ({len(expected)} frames in all)",
                      f"the opposite ({len(seen)} frames in all, {len(expected ^ seen)} of them wrong)", where, hint)


class DirectMap(Tables):
    """All RAM and nothing else stands in the direct map, each page at its own address, by the largest pages; none executable."""

    def run(self):
        with self.boot(entries=bootrom.random_map) as machine:
            self.one(machine)
        with self.boot(mem=2304) as machine:
            leaves = self.one(machine)
            self.check(SIZE_1G in leaves, "the whole GiB at 0x40000000 is mapped by one entry, as the CPU knows such pages",
                       f"leaves of {sorted(leaves)} bytes", self.source("map_init"), LARGE_HINT)

    def one(self, machine):
        """Check it; returns the sizes of its leaves."""
        self.ready(machine)
        base, seen, sizes = machine.numbers["DIRECTMAP_VA"], set(), {}
        where = self.source("map_init")
        for m in paging.walk(machine.ram, machine.cr3(), base >> 39 & 511, machine.numbers["HYP_L4_LAST"]):
            self.check(m.va - base == m.pa, f"{m.va:#x} leads to machine address {m.va - base:#x}", f"{m.pa:#x}", where, MAP_HINT)
            self.check(m.write and not m.execute and not m.user, f"{m.va:#x} is writable, neither executable nor open to ring 3", f"{m}", where,
                       "Everything in the direct map is PTE_DATA, and no entry above it takes that away or adds to it.")
            seen |= set(range(m.pa >> 12, (m.pa + m.size) >> 12))
            sizes.setdefault(m.size, set()).add(m.pa)
        self.check(not seen & set(self.closed), "the image's code and constants have no second, writable mapping", "the direct map has them",
                   where, "Leave [image, image + (data_start - image_start)) out of the direct map.")
        self.differ(self.usable - set(self.closed), seen, "in the direct map", where, MAP_HINT)
        for start in range(0, machine.mem, SIZE_2M):
            if seen.issuperset(range(start >> 12, (start + SIZE_2M) >> 12)):
                self.check(start in sizes.get(SIZE_2M, ()) or start & -SIZE_1G in sizes.get(SIZE_1G, ()),
                           f"the 2 MiB at machine address {start:#x}, all of them RAM, are mapped by one entry", "smaller ones", where, LARGE_HINT)
        return set(sizes)


class Owners(Tables):
    """Each frame of RAM is in the frame table, each hole has OWNER_NONE: the list of ranges and the page tables work together."""

    def run(self):
        with self.boot(entries=bootrom.random_map, entry_size=32) as machine:
            self.ready(machine)
            frames = machine.frames()
            seen = {number for number, frame in enumerate(frames) if frame.owner != machine.numbers["OWNER_NONE"]}
            self.differ(self.usable, seen, "RAM that the hypervisor may use", self.source("map_frame_table"),
                        "map_frame_table() is given: it asks your entry_for() and map_range() for its memory. Does one entry get another's place?")


class WriteXorExecute(Tables):
    """Nothing is writable and executable; code is not writable under any address; constants are not writable."""

    def run(self):
        with self.boot() as machine:
            self.ready(machine)
            elf, layout = self.setting.elf, machine.layout
            start, rodata, data = (elf.symbols[name] for name in ("image_start", "rodata_start", "data_start"))
            text = range(layout.image, layout.image + rodata - start)
            constants = range(layout.image, layout.image + data - start)
            where = self.source("map_init")
            for m in paging.walk(machine.ram, machine.cr3()):
                self.check(not (m.write and m.execute), f"the page at {m.va:#x} is not both writable and executable", "it is both", where,
                           "The leaf decides: code gets no RW, data gets NX.")
                inside = [pa for pa in (m.pa, m.pa + m.size - 1) if pa in constants]
                self.check(not (inside and m.write), f"code and constants (machine address {m.pa:#x}) are mapped writable nowhere",
                           f"{m.va:#x} maps them writable", where, "Look for a second mapping: the direct map covers the image, too.")
                if m.execute:
                    self.check(m.pa in text and m.pa + m.size - 1 in text, "only the image's code is executable",
                               f"{m.va:#x} (machine address {m.pa:#x}) is", where, "From rodata_start on the image is PTE_CONST.")
            self.image_pages(machine, where)

    def image_pages(self, machine, where):
        """Each page of the image, from its first to its last, at its own address and with its own rights."""
        elf, symbols = self.setting.elf, self.setting.elf.symbols
        for va in range(symbols["image_start"], symbols["image_end"], 4096):
            m, pa = machine.mapping(va), machine.layout.image + va - symbols["image_start"]
            rights = (False, True) if va < symbols["rodata_start"] else (False, False) if va < symbols["data_start"] else (True, False)
            seen = None if m is None else (m.pa + (va & (m.size - 1)), m.write, m.execute)
            self.check(seen == (pa, *rights), f"{va:#x} ({elf.symbol_at(va)}) leads to {pa:#x}, write {rights[0]}, execute {rights[1]}",
                       "no memory there" if seen is None else f"{seen[0]:#x}, write {seen[1]}, execute {seen[2]}", where,
                       "Three parts: [image_start, rodata_start) code, [rodata_start, data_start) constants, [data_start, image_end) data.")


class Supervisor(Tables):
    """The sixteen slots stand; only the machine-to-physical table is open to ring 3, for reading."""

    def run(self):
        with self.boot() as machine:
            self.ready(machine)
            n = machine.numbers
            first, last, where = n["HYP_L4_FIRST"], n["HYP_L4_LAST"], self.source("map_init")
            table = paging.read_table(machine.ram, machine.cr3() & paging.ADDRESS)
            for slot, entry in enumerate(table):
                inside = first <= slot <= last
                self.check(bool(entry & paging.P) == inside, f"L4 slot {slot} is {'present' if inside else 'empty'}", f"{entry:#x}", where,
                           "Slots 256 to 271 are the hypervisor's and never change later; all others belong to guests.")
                open_slot = slot == n["M2P_VA"] >> 39 & 511
                self.check(not inside or bool(entry & paging.US) == open_slot, f"L4 slot {slot} is {'open' if open_slot else 'closed'} to ring 3",
                           f"{entry:#x}", where, "Of the sixteen entries only that of the machine-to-physical table has U.")
            for m in paging.walk(machine.ram, machine.cr3(), first, last):
                if m.user:
                    self.check(m.va >> 39 == n["M2P_VA"] >> 39 and not m.write and not m.execute,
                               f"{m.va:#x} is closed to ring 3 (or part of the M2P, to read)", f"entry {m.entry:#x}, write {m.write}, execute {m.execute}",
                               where, "Only the M2P's L2s may stand under an entry with U, and without RW there.")
            stub = machine.mapping(n["M2P_VA"])
            self.check(stub is not None and stub.user, "ring 3 can read the machine-to-physical table", "it can't", where,
                       "A guest reaches it only if every entry on the way has U: the L4's, too.")


class Guards(Tables):
    """A CPU's block: the stub's code, stacks of memory of their own, nothing below each; and its page of the GDT."""

    def run(self):
        with self.boot(cpus=2) as machine:
            self.ready(machine)
            self.frames, self.where = {}, self.source("map_cpu")
            for cpu in range(2):
                self.block(machine, cpu)
                self.window(machine, cpu)

    def block(self, machine, cpu):
        n = machine.numbers
        base, elf = n["STACKS_VA"] + cpu * n["CPU_BLOCK_SIZE"], self.setting.elf.symbols
        for page in range(16):
            m, what = machine.mapping(base + page * 4096), f"page {page} of CPU {cpu}'s block"
            if page in GUARDS:
                self.check(m is None, f"{what} is a guard: no memory", f"mapped to {m.pa if m else 0:#x}", self.where,
                           "An overflow must fault at once, not run into the next stack.")
                continue
            self.check(m is not None and m.write != (page == 0) and m.execute == (page == 0), f"{what} is {'code' if page == 0 else 'data'}",
                       f"{m}", self.where, "PTE_TEXT for the stub, PTE_DATA for stacks: a stack is never executed.")
            if page == 0:
                stub = machine.layout.image + elf["syscall_stub_page"] - elf["image_start"]
                self.check(m.pa == stub, f"{what} is the SYSCALL stub's frame of the image, {stub:#x}", f"{m.pa:#x}", self.where)
            else:
                self.own(m, what)

    def own(self, m, what):
        """A frame that nothing else of all blocks uses."""
        self.check(m.pa not in self.frames, f"{what} has memory of its own", f"{m.pa:#x}, which is {self.frames.get(m.pa)}, too", self.where,
                   "Each page asks for a new early_page().")
        self.check(m.pa >> 12 in self.usable and m.pa >> 12 not in self.image, f"{what} is RAM that is nothing else", f"{m.pa:#x}", self.where)
        self.frames[m.pa] = what

    def window(self, machine, cpu):
        n = machine.numbers
        base = n["DESC_VA"] + cpu * n["DESC_WINDOW_SIZE"]
        for page in range(n["DESC_WINDOW_SIZE"] // 4096):
            m, what = machine.mapping(base + page * 4096), f"page {page} of CPU {cpu}'s descriptor window"
            if page != n["GDT_GUEST_PAGES"]:
                self.check(m is None, f"{what} is empty until a guest runs", f"mapped to {m.pa if m else 0:#x}", self.where)
                continue
            self.check(m is not None and m.write and not m.execute and not m.entry >> 8 & 1,
                       f"{what}, the hypervisor's part of the GDT, is data and not global", f"{m}", self.where,
                       "Guests' pages come and go beside it, so the window carries no G: PTE_DATA & ~PTE_G.")
            self.own(m, what)
