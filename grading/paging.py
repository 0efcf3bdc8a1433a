"""Page tables, descriptors and the hypervisor's own structures, read from the machine's memory by arithmetic of our own."""

import dataclasses
import struct

PAGE = 4096
P, RW, US, PSE, NX = 1, 2, 4, 0x80, 1 << 63
ADDRESS = 0x000FFFFFFFFFF000
TABLE = struct.Struct("<512Q")


def canonical(va):
    """Sign-extend 48 bits."""
    return va | 0xFFFF << 48 if va >> 47 & 1 else va


@dataclasses.dataclass
class Mapping:
    """One leaf: SIZE bytes at VA lead to PA. `write`, `user` and `execute` hold if every level allows it."""

    va: int
    pa: int
    size: int
    write: bool
    user: bool
    execute: bool
    entry: int


def read_table(memory, pa):
    """512 entries; None if the table lies outside of the memory."""
    return TABLE.unpack_from(memory, pa) if 0 <= pa <= len(memory) - PAGE else None


def walk(memory, cr3, first=0, last=511):
    """Yield every Mapping below the L4 slots FIRST..LAST. A table outside of memory is a ValueError."""
    yield from _walk(memory, cr3 & ADDRESS, 4, 0, True, True, True, range(first, last + 1))


def _walk(memory, pa, level, base, write, user, execute, slots):
    table = read_table(memory, pa)
    if table is None:
        raise ValueError(f"a page table of level {level} for {canonical(base):#x} lies at {pa:#x}, outside of the machine's memory")
    shift = 12 + 9 * (level - 1)
    for index in slots:
        entry = table[index]
        if not entry & P:
            continue
        va = base | index << shift
        rights = write and bool(entry & RW), user and bool(entry & US), execute and not entry & NX
        if level == 1 or entry & PSE and level < 4:
            yield Mapping(canonical(va), entry & ADDRESS & -(1 << shift), 1 << shift, *rights, entry)
        else:
            yield from _walk(memory, entry & ADDRESS, level - 1, va, *rights, range(512))


def translate(memory, cr3, va):
    """The Mapping that holds VA, or None."""
    pa, write, user, execute = cr3 & ADDRESS, True, True, True
    for level in (4, 3, 2, 1):
        shift = 12 + 9 * (level - 1)
        table = read_table(memory, pa)
        entry = table[va >> shift & 511] if table else 0
        if not entry & P:
            return None
        write, user, execute = write and bool(entry & RW), user and bool(entry & US), execute and not entry & NX
        if level == 1 or entry & PSE and level < 4:
            return Mapping(va & -(1 << shift), entry & ADDRESS & -(1 << shift), 1 << shift, write, user, execute, entry)
        pa = entry & ADDRESS
    return None


@dataclasses.dataclass
class Gate:
    """One gate of an IDT (SDM vol. 3, figure 6-8)."""

    target: int
    selector: int
    ist: int
    kind: int
    dpl: int
    present: bool


def gates(data):
    """All gates of an IDT's bytes."""
    for low, selector, ist, kind, middle, high, _ in struct.iter_unpack("<HHBBHII", data):
        yield Gate(low | middle << 16 | high << 32, selector, ist & 7, kind & 0x1F, kind >> 5 & 3, bool(kind & 0x80))


@dataclasses.dataclass
class Segment:
    """One descriptor of a GDT (SDM vol. 3, figure 3-8)."""

    base: int
    limit: int
    kind: int     # with the S bit as bit 4
    dpl: int
    present: bool
    long: bool


def segment(data, selector):
    """The descriptor at a selector; a system segment's base has 64 bits."""
    offset = selector & ~7
    if offset + 8 > len(data):
        return None
    low, = struct.unpack_from("<Q", data, offset)
    base = low >> 16 & 0xFFFFFF | (low >> 56 & 0xFF) << 24
    limit = low & 0xFFFF | (low >> 48 & 15) << 16
    if low >> 55 & 1:
        limit = limit << 12 | 0xFFF
    kind = low >> 40 & 0x1F
    if not kind & 0x10 and offset + 16 <= len(data):
        base |= struct.unpack_from("<I", data, offset + 8)[0] << 32
    return Segment(base, limit, kind, low >> 45 & 3, bool(low >> 47 & 1), bool(low >> 53 & 1))
