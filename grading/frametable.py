"""The hypervisor's frame table, read from outside and counted once more: see kernel/mm/frame.h for the rules.

audit() is a referee of its own: it takes the types of frames from the table, and counts references from the page tables, pins
and vCPUs themselves. Differences come as lines that say frame, field, expected and seen.
"""

import dataclasses
import struct

import paging
from target import Failed

NONE, L1, L2, L3, L4, SEG, WRITABLE = range(7)
TYPES = ("none", "L1", "L2", "L3", "L4", "descriptors", "writable")
MAX_FRAMES = 1 << 22
NO_FRAME = 0xFFFFFFFFFFFFFFFF


@dataclasses.dataclass
class Frame:
    """One struct frame."""

    refs: int
    type_refs: int
    type: int
    flags: int
    owner: int

    def __str__(self):
        name = TYPES[self.type] if self.type < len(TYPES) else f"type {self.type}"
        return f"refs {self.refs}, type_refs {self.type_refs}, {name}, owner {self.owner:#x}, flags {self.flags:#x}"


def read(target, cr3=None):
    """All frames, in order."""
    n = target.numbers
    cr3 = target.cr3() if cr3 is None else cr3
    count = target.variable("max_mfn", cr3)
    if not 0 < count <= min(MAX_FRAMES, target.mem // 4096 + 1):
        raise Failed(f"max_mfn at most {target.mem // 4096:#x}, the machine's frames", f"{count:#x}", "kernel/mm: max_mfn", "")
    data = target.read(n["FRAME_TABLE_VA"], count * n["struct frame"], cr3)
    at = {field: n[f"struct frame.{field}"] for field in ("refs", "type_refs", "type", "flags", "owner")}
    size = n["struct frame"]
    return [Frame(*struct.unpack_from("<I", data, base + at["refs"]), *struct.unpack_from("<I", data, base + at["type_refs"]),
                  data[base + at["type"]], data[base + at["flags"]], *struct.unpack_from("<H", data, base + at["owner"]))
            for base in range(0, count * size, size)]


def domains(target, cr3):
    """The addresses of all struct domain, along the list of kernel/domain/domain.c. A second variable of its name, in a file that a student
    writes, could lead to domains that aren't there."""
    found, heads = [], target.elf.all.get("domains", [])
    if len(heads) > 1:
        raise Failed("one variable `domains`, the list in kernel/domain/domain.c", f"{len(heads)} of that name", "", "Give yours another name.")
    for head in heads:
        domain = target.u64(head, cr3)
        while domain and domain not in found and len(found) < 64:
            found.append(domain)
            domain = target.u64(domain + target.numbers["struct domain.next"], cr3)
    return found


def vcpus(target, cr3=None):
    """(domain id, shared frame, vCPU's holds): holds are (frame, type, by) of base pointers, descriptor tables and the like."""
    n, result = target.numbers, []
    cr3 = target.cr3() if cr3 is None else cr3
    for domain in domains(target, cr3):
        ident = target.u32(domain + n["struct domain.id"], cr3) & 0xFFFF
        holds = []
        for index in range(min(32, target.u32(domain + n["struct domain.max_vcpus"], cr3))):
            vcpu = target.u64(domain + n["struct domain.vcpus"] + 8 * index, cr3)
            if vcpu:
                holds += _vcpu_holds(target, vcpu, cr3)
        ring = target.u64(domain + n["struct domain.console_ring.mfn"], cr3)
        if ring != NO_FRAME:
            holds.append((ring, WRITABLE, "a console ring"))
        ends = target.u64(domain + n["struct domain.pirq_page"], cr3)
        if ends != NO_FRAME:
            holds.append((ends, WRITABLE, "a page of interrupts' ends"))
        result.append((ident, target.u64(domain + n["struct domain.shared_mfn"], cr3), holds))
    return result


def walks(target, cr3=None):
    """Tables on the way of a walk that has stopped half-way (kernel/mm/walk.h): frame -> (entries that are accounted, does the walk hold its type?)."""
    n, found = target.numbers, {}
    cr3 = target.cr3() if cr3 is None else cr3
    for domain in domains(target, cr3):
        depth = target.read(domain + n["struct domain.mem.walk.depth"], 1, cr3)[0]
        releasing = target.read(domain + n["struct domain.mem.walk.releasing"], 1, cr3)[0]
        size = n["struct walk_table"]
        stack = target.read(domain + n["struct domain.mem.walk.stack"], n["struct domain.mem.walk.stack.size"], cr3)
        for at in range(0, min(depth * size, len(stack)), size):
            mfn, = struct.unpack_from("<I", stack, at + n["struct walk_table.mfn"])
            index, = struct.unpack_from("<H", stack, at + n["struct walk_table.index"])
            found[mfn] = (index, not releasing)
    return found


def _vcpu_holds(target, vcpu, cr3):
    n, holds = target.numbers, []
    for field in ("ctx.cr3_kernel", "ctx.cr3_user"):
        base = target.u64(vcpu + n[f"struct vcpu.{field}"], cr3)
        if base:
            holds.append((base >> 12, L4, f"a page-table base ({field[4:]})"))
    for field in ("ctx.gdt_frames", "ctx.ldt_frames"):
        size = n[f"struct vcpu.{field}.size"]
        for (frame,) in struct.iter_unpack("<Q", target.read(vcpu + n[f"struct vcpu.{field}"], size, cr3)):
            if frame != NO_FRAME:
                holds.append((frame, SEG, f"a descriptor table ({field[4:7]})"))
    info = target.u64(vcpu + n["struct vcpu.info_mfn"], cr3)
    if info != NO_FRAME:
        holds.append((info, WRITABLE, "a vcpu_info"))
    return holds


class Audit:
    """The recount, and what differs."""

    def __init__(self, target, frames, cr3=None):
        self.target, self.frames, self.n = target, frames, target.numbers
        self.refs, self.type_refs = [0] * len(frames), [0] * len(frames)
        self.differences = []
        self.holders = {}
        self.walks = walks(target, cr3)
        for number, (_, typed) in self.walks.items():
            kind = frames[number].type if typed and number < len(frames) else NONE
            self.hold(number, kind, "a walk under way")
        for number, frame in enumerate(frames):
            if frame.owner <= self.n["OWNER_LIMBO"]:
                self._count_frame(number, frame)
        for _, _, holds in vcpus(target, cr3):
            for number, kind, by in holds:
                self.hold(number, kind, by)
        for number, frame in enumerate(frames):
            if frame.owner <= self.n["OWNER_LIMBO"]:
                self._compare(number, frame)
            elif frame.owner in (self.n["OWNER_FREE"], self.n["OWNER_KOAN"]):
                self._compare_kept(number, frame)

    def hold(self, number, kind, by):
        if not 0 <= number < len(self.frames):
            self.differences.append((f"{by} names a frame of RAM", f"frame {number:#x}"))
            return
        self.refs[number] += 1
        self.holders.setdefault(number, []).append(by)
        if kind:
            self.type_refs[number] += 1
            if self.frames[number].type != kind:
                self.differences.append((f"frame {number:#x} has type {TYPES[kind]}, which {by} needs", str(self.frames[number])))

    def _count_frame(self, number, frame):
        self.refs[number] += frame.owner != self.n["OWNER_LIMBO"]   # its allocation
        table = L1 <= frame.type <= L4
        if frame.flags & self.n["FRAME_PINNED"]:
            self.hold(number, frame.type if table else L4, "a pin")
        if table and (frame.type_refs or number in self.walks):
            entries = paging.read_table(self.target.ram, number * 4096)
            accounted = self.walks[number][0] if number in self.walks else 512
            for index, entry in enumerate((entries or ())[:accounted]):
                if entry & paging.P and not (frame.type == L4 and self.n["HYP_L4_FIRST"] <= index <= self.n["HYP_L4_LAST"]):
                    self._count_entry(number, frame.type, index, entry)

    def _count_entry(self, table, level, index, entry):
        child = (entry & paging.ADDRESS) >> 12
        by = f"entry {index} of the L{level} in frame {table:#x}"
        if level == 1:
            if child < len(self.frames) and self.frames[child].owner != self.n["OWNER_NONE"]:
                if self.frames[child].owner in (self.n["OWNER_KOAN"], self.n["OWNER_FREE"]):
                    self.differences.append((f"{by} maps a frame that the guest may have", f"frame {child:#x} ({self.frames[child]})"))
                self.hold(child, WRITABLE if entry & paging.RW else NONE, by)
        elif child != table:
            self.hold(child, level if child < len(self.frames) and self.frames[child].type == level else level - 1, by)

    def _compare(self, number, frame):
        for field, expected in (("refs", self.refs[number]), ("type_refs", self.type_refs[number])):
            seen = getattr(frame, field)
            if seen != expected:
                holders = ", ".join(self.holders.get(number, [])[:4]) or "nothing but its allocation"
                self.differences.append((f"frame {number:#x}: {field} {expected} (held by {holders})", f"{field} {seen} ({frame})"))

    def _compare_kept(self, number, frame):
        """No guest counts in a frame that is free or the hypervisor's own. The latter has one reference, or none if it never was the allocator's."""
        free = frame.owner == self.n["OWNER_FREE"]
        if frame.refs > (not free) or frame.type_refs:
            whose, most = ("free", "no reference") if free else ("the hypervisor's own", "one reference at most")
            self.differences.append((f"frame {number:#x}, {whose}: {most}, no type reference", f"refs {frame.refs}, type_refs {frame.type_refs}"))


def audit(target, hint="", cr3=None):
    """Recount; a Failed at the first difference. Returns the frames."""
    frames = read(target, cr3)
    found = Audit(target, frames, cr3).differences
    if found:
        expected, seen = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise Failed(expected, seen + more, "the frame table, recounted from outside", hint)
    return frames
