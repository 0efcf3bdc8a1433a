"""The memory map, made afresh by the grader: holes, odd ends, entries out of order, overlaps, empty ones, longer entries."""

import struct

import bootrom
from case import Case

HINT = ("A page is usable only if a usable entry holds all of it and no entry of another type touches it: usable ranges shrink to whole pages, "
        "the others grow. Entries come in any order, and each is entry_size bytes long, not sizeof your struct.")
WRAP_HINT = "Firmware may say anything: base + length may pass the end of 64 bits. Clamp both (ADDRESS_MAX) before you add them."
TAIL_HINT = "An entry counts only if all of it lies inside the tag: the tag's size says where the map ends, and it need not be a multiple."


def in_words(pages):
    """The first of some pages, in words."""
    first = min(pages)
    return f"machine frame {first:#x} (addresses {first << 12:#x} to {(first + 1) << 12:#x})"


class Map(Case):
    """Boots with a fresh map, to where the boot information has just been read."""

    def ranges(self, machine, hint=HINT):
        """The page numbers in boot_info.ram; its ranges have to be sorted, apart, and of whole pages."""
        n, where = machine.numbers, self.source("multiboot2_parse")
        machine.run_to("descriptors_early", expected="the boot information is read and start-up goes on", hint=hint)
        at = machine.symbol("boot_info") + n["struct boot_info.ram"]
        count = machine.u32(at + n["struct range_list.count"])
        self.check(0 < count <= n["RANGES_MAX"], f"1 to {n['RANGES_MAX']} ranges of RAM", str(count), where, hint)
        data = machine.read(at + n["struct range_list.range"], 16 * count)
        pages, last = set(), -1
        for start, end in struct.iter_unpack("<QQ", data):
            self.check(last < start < end and not (start | end) & 4095, "ranges of whole pages, ascending, with gaps between them",
                       f"[{start:#x}, {end:#x})" + (f" behind one that ends at {last:#x}" if last >= 0 else ""), where, hint)
            self.check(end - start <= 1 << 40, "a range of at most 1 TiB: the map names no larger one", f"[{start:#x}, {end:#x})", where, WRAP_HINT)
            pages |= set(range(start >> 12, end >> 12))
            last = end
        return pages

    def same(self, expected, seen, hint=HINT):
        where = self.source("multiboot2_parse")
        if seen - expected:
            self.fail(f"{in_words(seen - expected)} is left out of the RAM", f"it is in ({len(seen - expected)} frames too many)", where, hint)
        if expected - seen:
            self.fail(f"{in_words(expected - seen)} is in the RAM", f"it is left out ({len(expected - seen)} frames too few)", where, hint)


class Ranges(Map):
    """A map as firmware makes it on a bad day."""

    def run(self):
        with self.boot(entries=bootrom.random_map, entry_size=self.random.choice((32, 40))) as machine:
            self.same(bootrom.usable_pages(machine.entries), self.ranges(machine))


class Hostile(Map):
    """Numbers that wrap, pages that two entries share, and a tag that ends inside an entry."""

    def run(self):
        with self.boot(entries=self.wrapping, mem=64) as machine:
            self.same(self.usable, self.ranges(machine, WRAP_HINT), WRAP_HINT)
        with self.boot(entries=self.overlapping, mem=64) as machine:
            self.same(bootrom.usable_pages(machine.entries), self.ranges(machine))
        with self.boot(map_tail=self.torn(48 * bootrom.MIB), mem=48) as machine:
            self.same(bootrom.usable_pages(machine.entries), self.ranges(machine, TAIL_HINT), TAIL_HINT)

    def torn(self, size):
        """The beginning of an entry: all but its last word, for RAM behind the end; or without its type, which then is what follows the tag."""
        whole = self.random.random() < 0.5
        start = size + 16 * bootrom.MIB if whole else size - self.random.randrange(4, 16) * bootrom.MIB
        return struct.pack("<QQI", start, 0x8000, bootrom.USABLE)[:20 if whole else 16]

    def wrapping(self, random, size, core_end):
        """What is usable of it goes to self.usable, as the numbers are too large to be counted page by page."""
        entry, reserved = bootrom.Entry, bootrom.RESERVED
        cut = (core_end + random.randrange(1, 8) * bootrom.MIB) & -4096
        entries = bootrom.plain_map(size)
        self.usable = {page for page in bootrom.usable_pages(entries) if page < cut >> 12}
        entries += [entry(cut + random.randrange(4096), (1 << 64) - random.randrange(1, 4096), reserved),
                    entry((1 << 64) - 0x1000, 0x1000 + (random.randrange(8, 16) << 20)),
                    entry((1 << 52) + random.randrange(1 << 20), 1 << 20)]
        random.shuffle(entries)
        return entries

    def overlapping(self, random, size, core_end):
        """Reserved entries that overlap each other and begin or end inside a page that another one ends in."""
        entry, at = bootrom.Entry, (core_end + 16 * 4096) & -4096
        entries = bootrom.plain_map(size)
        while at < size - bootrom.MIB:
            length = random.randrange(2, 9) * 4096
            entries += [entry(at + random.randrange(4096), length + random.randrange(4096), random.choice((0, 2, 3, 4, 5, 6, 0xFFFFFFFF))),
                        entry(at + random.randrange(length), random.randrange(1, length), bootrom.RESERVED),
                        entry(at + random.randrange(length), random.randrange(1, 4096), bootrom.USABLE)]
            at += length + random.randrange(4, 40) * 65536
        entries += [entry(random.randrange(core_end, size), 0, bootrom.RESERVED) for _ in range(4)]
        random.shuffle(entries)
        return entries
