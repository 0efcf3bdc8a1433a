"""The memory map, made afresh by the grader: holes, odd ends, entries out of order, overlaps, empty ones, longer entries."""

import bootrom
import paging
from case import Case

HINT = ("A page is usable only if a usable entry holds all of it and no other entry touches it: usable ranges shrink to whole pages, "
        "the others grow. Entries come in any order, and each is entry_size bytes long, not sizeof your struct.")


class Map(Case):
    """Boots with a fresh map; `usable` holds the page numbers that it leaves."""

    def start(self):
        return self.boot(entries=bootrom.random_map, entry_size=self.random.choice((24, 32, 40)))

    def expect(self, machine):
        """What the map leaves; the image and the loader's data are RAM whatever it says."""
        layout, size = machine.layout, 4096
        self.image = range(layout.image // size, -(-(layout.image + layout.image_size) // size))
        info = range(layout.info // size, -(-(layout.info + layout.info_size) // size))
        self.usable = bootrom.usable_pages(machine.entries) | set(self.image) | set(info)

    def differ(self, expected, seen, what, where):
        """The first page in which two sets of page numbers differ, in words."""
        for page in sorted(expected ^ seen)[:1]:
            should = "is" if page in expected else "is not"
            self.fail(f"machine frame {page:#x} {should} {what} ({len(expected)} frames in all)",
                      f"the opposite ({len(seen)} frames in all, {len(expected ^ seen)} of them wrong)", where, HINT)


class Owners(Map):
    """Each frame of RAM is in the frame table, each hole has OWNER_NONE."""

    def run(self):
        with self.start() as machine:
            self.expect(machine)
            machine.run_to("modules_start", expected="start-up comes to the guests with a memory map of holes and odd ends", hint=HINT)
            frames = machine.frames()
            seen = {number for number, frame in enumerate(frames) if frame.owner != machine.numbers["OWNER_NONE"]}
            self.differ(self.usable, seen, "RAM that the hypervisor may use", self.source("multiboot2_parse"))
            free = {number for number, frame in enumerate(frames) if frame.owner == machine.numbers["OWNER_FREE"]}
            layout = machine.layout
            kept = set(self.image) | {number for start, end, _, _ in layout.modules for number in range(start >> 12, -(-end >> 12))} | {layout.info >> 12, 0}
            for page in sorted(free & kept)[:1]:
                self.fail(f"frame {page:#x}, which holds the image, a module or the loader's data, is not free", "it is", "", HINT)


class DirectMap(Map):
    """All RAM and nothing else stands in the direct map, each page at its own address, none executable."""

    def run(self):
        with self.start() as machine:
            self.expect(machine)
            machine.run_to("modules_start", expected="start-up comes to the guests with a memory map of holes and odd ends", hint=HINT)
            base, seen = machine.numbers["DIRECTMAP_VA"], set()
            where = self.source("map_init")
            for m in paging.walk(machine.ram, machine.cr3(), base >> 39 & 511, machine.numbers["HYP_L4_LAST"]):
                self.check(m.va - base == m.pa, f"{m.va:#x} leads to machine address {m.va - base:#x}", f"{m.pa:#x}", where, HINT)
                self.check(not m.execute and not m.user, f"{m.va:#x} is neither executable nor open to ring 3", "it is", where,
                           "Everything in the direct map carries NX, and no entry above it lacks what keeps ring 3 out.")
                seen |= set(range(m.pa >> 12, (m.pa + m.size) >> 12))
            elf = self.setting.elf
            hidden = range(self.image.start, self.image.start + (elf.symbols["data_start"] - elf.symbols["image_start"]) // 4096)
            self.differ(self.usable - set(hidden), seen - set(hidden), "in the direct map", where)
            self.check(not seen & set(hidden), "the image's code and constants have no second, writable mapping", "the direct map has them",
                       where, "Leave [image, image + (data_start - image_start)) out of the direct map.")
