"""Read the hypervisor's trace rings out of the machine's memory (kernel/debug/trace.h says their layout).

    rings = read_rings(ram, lines)      # ram: the memory as bytes or mmap; lines: the hypervisor's own
    for record in merge(rings): ...

Where the rings are, the hypervisor's lines say ("trace: cpu 0 records ... at machine address ..."); nothing that a guest
writes is taken for a ring.
"""

import dataclasses
import re
import struct

from koanrun import paths

PAGE = 4096
HEAD = struct.Struct("<QQIIIi")        # struct trace_ring without its list of frames
RECORD = struct.Struct("<QQQHBBI")     # struct trace_record
MAGIC = int.from_bytes(b"TKring01", "little")
PAGES = 500
NO_DOMAIN = 0xFFFF
ANNOUNCED = re.compile(r"^\(koan\) trace: cpu (\d+) records \d+ events at machine address 0x([0-9a-f]+)$")
DOMAIN = re.compile(r"^\(koan\) ([^:() ]+): domain (\d+),")


class TraceError(Exception):
    """The memory holds no such ring: what was expected and where."""


@dataclasses.dataclass
class Record:
    """One event. time: nanoseconds of system time since the first record; who: (domain id, vCPU) or None while idle."""

    time: int
    cpu: int
    who: tuple | None
    kind: str
    a: int
    b: int


@dataclasses.dataclass
class Ring:
    """What one CPU recorded, oldest first, and how many older records it has dropped."""

    cpu: int
    records: list
    dropped: int


def kind_names(header=paths.TREE / "kernel/lib/trace.h"):
    """The kinds in the order of their numbers: switch, type, ..."""
    listed = re.search(r"enum trace_kind \{(.*?)TRACE_KINDS", header.read_text(encoding="utf-8"), re.S)
    return [name.lower() for name in re.findall(r"^\s*TRACE_(\w+)", listed[1], re.M)]


def hypercall_names(table=paths.TREE / "kernel/hypercall/table.h"):
    """The hypercalls' names by number."""
    found = re.findall(r"\b(?:CALL|LATER)\((\d+),\s*(\w+)\)", table.read_text(encoding="utf-8"))
    return {int(number): name for number, name in found}


def domain_names(lines):
    """The domains' names by id, as the hypervisor announced them."""
    return {int(found[2]): found[1] for line in lines if (found := DOMAIN.match(line))}


def read_ring(ram, cpu, address, kinds):
    """The ring whose head is at ADDRESS."""
    if address % PAGE or address + PAGE > len(ram):
        raise TraceError(f"cpu {cpu}: {address:#x} is no frame of the machine's memory")
    magic, count, owner, pages, mul, shift = HEAD.unpack_from(ram, address)
    if magic != MAGIC or owner != cpu or not 1 <= pages <= PAGES:
        raise TraceError(f"cpu {cpu}: no ring at {address:#x} (magic {magic:#x}, cpu {owner}, {pages} pages)")
    frames = struct.unpack_from(f"<{pages}Q", ram, address + HEAD.size)
    room = pages * (PAGE // RECORD.size)
    records = []
    for index in range(max(0, count - room), count):
        page, slot = divmod(index, PAGE // RECORD.size)
        where = frames[page % pages] * PAGE + slot * RECORD.size
        if where + RECORD.size > len(ram):
            raise TraceError(f"cpu {cpu}: page {page % pages} of its ring lies beyond the machine's memory")
        tsc, a, b, domain, vcpu, kind, _ = RECORD.unpack_from(ram, where)
        ticks = tsc << shift if shift >= 0 else tsc >> -shift
        records.append(Record(ticks * mul >> 32, cpu, None if domain == NO_DOMAIN else (domain, vcpu),
                              kinds[kind] if kind < len(kinds) else f"kind-{kind}", a, b))
    return Ring(cpu, records, max(0, count - room))


def read_rings(ram, lines):
    """All rings that the hypervisor announced; TraceError if it announced none."""
    kinds = kind_names()
    rings = [read_ring(ram, int(found[1]), int(found[2], 16), kinds) for line in lines if (found := ANNOUNCED.match(line))]
    if not rings:
        raise TraceError("the hypervisor announced no trace ring: did it start with trace=KIND,...?")
    start = min((ring.records[0].time for ring in rings if ring.records), default=0)
    for ring in rings:
        for record in ring.records:
            record.time -= start
    return rings


def merge(rings):
    """The records of all CPUs in order of time."""
    return sorted((record for ring in rings for record in ring.records), key=lambda record: record.time)
