"""The grader's own boot loader: puts the hypervisor, its modules and a Multiboot2 information of our making straight into the
machine's memory, and a ROM of a few instructions in the place of the firmware jumps to it.

So the memory map, the place of the image and those of the modules are fresh in every run, and no firmware's 180 million
instructions come first. What it leaves the machine in is what the Multiboot2 specification, 3.3, asks of a loader.
"""

import dataclasses
import struct

ROM_SIZE = 0x10000
MAGIC = 0x36D76289
PAGE = 4096
MIB = 1 << 20
ALIGN = 2 * MIB
USABLE, RESERVED, ACPI_TABLES, ACPI_NVS, BAD = 1, 2, 3, 4, 5
LOW_END = 0x9F000  # below 640 KiB, without what firmware would keep


def rom(entry, info):
    """64 KiB whose reset vector leads to ENTRY in 32-bit mode, EBX = INFO."""
    data = bytearray(b"\xf4" * ROM_SIZE)
    real = (b"\xfa" b"\x66\x2e\x0f\x01\x16\x00\xf1"            # cli; lgdt [cs:0xf100]
            b"\x0f\x20\xc0\x0c\x01\x0f\x22\xc0"                # cr0.PE
            b"\x66\xea\x40\xf0\xff\xff\x08\x00")               # jmp 8:0xfffff040
    protected = (b"\x66\xb8\x10\x00\x8e\xd8\x8e\xc0\x8e\xd0\x8e\xe0\x8e\xe8"
                 + struct.pack("<BIBIBI", 0xB8, MAGIC, 0xBB, info, 0xB9, entry) + b"\xff\xe1")
    gdt = struct.pack("<3Q", 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF)
    for offset, piece in ((0xF000, real), (0xF040, protected), (0xF100, struct.pack("<HI", len(gdt) - 1, 0xFFFFF110)),
                          (0xF110, gdt), (0xFFF0, b"\xe9" + struct.pack("<h", 0xF000 - 0xFFF3))):
        data[offset:offset + len(piece)] = piece
    return bytes(data)


def with_checksum(table, at):
    """Set the byte so that all add up to nothing."""
    table = bytearray(table)
    table[at] = 0
    table[at] = -sum(table) & 255
    return bytes(table)


def acpi_tables(address, apic_ids):
    """(root pointer for the tag, bytes to lie at ADDRESS): an RSDT with one MADT."""
    entries = b"".join(struct.pack("<BBBBI", 0, 8, number, apic, 1) for number, apic in enumerate(apic_ids))
    entries += struct.pack("<BBBBII", 1, 12, len(apic_ids), 0, 0xFEC00000, 0)
    head = "<4sIBB6s8sI4sI"

    def table(signature, body):
        size = struct.calcsize(head) + len(body)
        return with_checksum(struct.pack(head, signature, size, 1, 0, b"KOAN  ", b"GRADER  ", 1, b"KOAN", 1) + body, 9)
    madt = table(b"APIC", struct.pack("<II", 0xFEE00000, 1) + entries)
    rsdt = table(b"RSDT", struct.pack("<I", address + 64))
    root = with_checksum(struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"KOAN  ", 0, address), 8)
    return root, rsdt.ljust(64, b"\0") + madt


def tag(kind, body):
    """One tag of the information, padded to 8."""
    data = struct.pack("<II", kind, 8 + len(body)) + body
    return data + b"\0" * (-len(data) % 8)


@dataclasses.dataclass
class Entry:
    """One entry of the memory map, as the loader tells it."""

    base: int
    length: int
    kind: int = USABLE


def plain_map(size):
    """What a simple PC would tell."""
    return [Entry(0, LOW_END), Entry(LOW_END, 0x100000 - LOW_END, RESERVED), Entry(0x100000, size - 0x100000)]


def random_map(random, size, core_end):
    """Holes, odd ends, entries out of order, empty ones and overlaps. All of [1 MiB, core_end) stays usable."""
    entries = [Entry(0, LOW_END - random.randrange(1, PAGE)), Entry(0xF0000, 0x10000, RESERVED)]
    at, first = 0x100000, True
    while at < size - 4 * MIB:
        end = min(size, at + random.randrange(2, 24) * MIB + random.randrange(1, 2 * MIB))
        end = max(end, core_end + random.randrange(1, PAGE)) if first else end
        entries.append(Entry(at, min(end, size) - at))
        at = end + random.randrange(2 * PAGE, 6 * MIB) | 1  # an odd beginning, a real gap
        first = False
    usable = [entry for entry in entries[2:] if entry.base >= core_end]
    for entry in random.sample(usable, min(4, len(usable))):
        offset = random.randrange(entry.length)
        length = random.randrange(1, 16 * PAGE)
        entries.append(Entry(entry.base + offset, length, random.choice((RESERVED, ACPI_TABLES, ACPI_NVS, BAD))))
    entries += [Entry(random.randrange(core_end, size), 0, USABLE), Entry(0xFEE00000, PAGE, RESERVED)]
    random.shuffle(entries)
    return entries


def usable_pages(entries):
    """The page numbers that a map leaves usable: whole pages of usable entries, without any that another kind touches."""
    pages = set()
    for entry in entries:
        if entry.kind == USABLE:
            pages.update(range(-(-entry.base // PAGE), (entry.base + entry.length) // PAGE))
    for entry in entries:
        if entry.kind != USABLE and entry.length:
            pages.difference_update(range(entry.base // PAGE, -(-(entry.base + entry.length) // PAGE)))
    return pages


def information(options, modules, entries, root, entry_size, tail=b""):
    """The whole Multiboot2 information. modules: (start, end, text). tail: bytes behind the map's last entry that are no whole one."""
    body = tag(1, options.encode() + b"\0") + tag(2, b"the grader\0")
    for start, end, text in modules:
        body += tag(3, struct.pack("<II", start, end) + text.encode() + b"\0")
    rows = b"".join(struct.pack("<QQII", e.base, e.length, e.kind, 0).ljust(entry_size, b"\xaa") for e in entries)
    body += tag(6, struct.pack("<II", entry_size, 0) + rows + tail)
    if root:
        body += tag(14, root)
    body += tag(0, b"")
    return struct.pack("<II", 8 + len(body), 0) + body


class Layout:
    """Where everything lies in one boot, chosen afresh from RANDOM."""

    def __init__(self, random, elf, modules, mem):
        """modules: (bytes, text). mem in bytes."""
        self.image_base = min(address for address, _, _ in elf.segments)
        self.image_size = max(address + size for address, _, size in elf.segments) - self.image_base
        self.image = random.randrange(2, 12) * ALIGN
        at = self.image + self.image_size + random.randrange(1, 64) * PAGE & -PAGE
        self.modules = []
        for data, text in modules:
            self.modules.append((at, at + len(data), text, data))
            at = (at + len(data) + random.randrange(1, 32) * PAGE) & -PAGE
        self.tables = at + PAGE & -PAGE
        self.info = self.tables + PAGE
        self.core_end = self.info + 4 * PAGE
        self.mem = mem
        self.elf = elf

    def write(self, ram, options, entries, apic_ids, entry_size, tail=b""):
        """Fill the machine's memory; returns the ROM."""
        for address, data, _ in self.elf.segments:
            start = self.image + address - self.image_base
            ram[start:start + len(data)] = data
        for start, end, _, data in self.modules:
            ram[start:end] = data
        root, tables = acpi_tables(self.tables, apic_ids)
        ram[self.tables:self.tables + len(tables)] = tables
        info = information(options, [module[:3] for module in self.modules], entries, root, entry_size, tail)
        ram[self.info:self.info + len(info)] = info
        self.info_size = len(info)
        return rom(self.image + self.elf.entry - self.image_base, self.info)
