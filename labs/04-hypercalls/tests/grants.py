"""Two domains, and orders that are made up afresh: one lends frames, by entries that the grader writes, the other one maps, unmaps and copies. After
each order the entries' bits of use, the borrower's page table, the counts of the frames and their contents are compared with a model.
"""

import struct

import frametable
from domainscase import OUT, DomainsCase

GRANT_OP, MAP, UNMAP, COPY = 20, 0, 1, 5
HOST_MAP, READONLY, APPLICATION, CONTAINS_PTE = 2, 4, 8, 16
PERMIT, GTF_READONLY, READING, WRITING = 1, 4, 8, 16
GENERAL, BAD_DOMAIN, BAD_REF, BAD_HANDLE, DENIED, BAD_PAGE, BAD_COPY = -1, -2, -3, -4, -8, -9, -10
SELF, PAGES, REFS = 0x7FF0, 16, 1024
P, RW = 1, 2
ADDRESS = 0x000FFFFFFFFFF000
FIRST_REF = 16
MAP_OP, UNMAP_OP, COPY_OP = struct.Struct("<QIIHhIQ"), struct.Struct("<QQIhxx"), struct.Struct("<QHHxxxxQHHxxxxHHhxx")
HINT = ("A use of a grant sets its bits: reading for each, writing too for one that may write; the last one that ends takes them away. What fails "
        "half-way gives back all that it took.")


class Servant:
    """A domain and what it has made ready."""

    def __init__(self, domain):
        self.domain, self.number = domain, 0
        words = struct.unpack(f"<{3 + 3 * PAGES}Q", domain.read("servant", 8 * (3 + 3 * PAGES)))
        self.table, self.arguments, self.own_l1 = words[0], words[1], words[-1]
        self.mfn, self.place, self.pte = (words[2 + PAGES * index:2 + PAGES * (index + 1)] for index in range(3))


class ServantCase(DomainsCase):
    """Orders for servants, one at a time."""

    said = ""

    def give(self, servant, number, *arguments, look=0):
        """A hypercall of that domain's, which it begins when the machine runs."""
        servant.number += 1
        for word, value in enumerate((number, *arguments), 1):
            self.put(servant.domain, word, value)
        self.put(servant.domain, 6, look)
        self.put(servant.domain, 0, servant.number)
        self.mark = self.random.getrandbits(62)
        servant.domain.write_u64("mailbox", self.mark, OUT)

    def waits(self, servant):
        """It has not answered yet."""
        return self.get(servant.domain, 0) == self.mark

    def take(self, servant):
        """When it has been carried out: (answer, did the address trap, what was read)."""
        # A guest that was interrupted on the checkpoint's own instruction comes to that checkpoint again.
        for _ in range(3):
            _, step = self.to_checkpoint(self.machine, [servant.domain.name], what=f"{servant.domain.name} carries out {self.said}")
            self.check(step == 2, "the order's checkpoint", f"checkpoint {step}")
            if not self.waits(servant):
                break
        answer = self.get(servant.domain, 0)
        return answer - (answer >> 63 << 64), self.get(servant.domain, 1), self.get(servant.domain, 2)

    def order(self, servant, number, *arguments, look=0):
        self.give(servant, number, *arguments, look=look)
        return self.take(servant)


class GrantsCase(ServantCase):
    wants = {}
    planned = ""   # every seventh order, so that no run goes without it
    count = 70

    def run(self):
        with self.boot_domains([("lender", "servant", "", ""), ("borrower", "servant", "", "")]) as self.machine:
            found = self.meet(self.machine)
            self.lender, self.borrower = Servant(found["lender"]), Servant(found["borrower"])
            self.base = {mfn: self.counts(mfn) for mfn in (*self.lender.mfn, *self.borrower.mfn)}
            self.pages = {mfn: self.contents(mfn) for mfn in self.base}
            self.entries, self.maps, self.old = {}, {}, []
            for ref in range(FIRST_REF, FIRST_REF + 24):
                self.lend(ref)
            self.said = "the beginning"
            for self.number in range(1, self.count + 1):
                kind = self.random.choices(list(self.wants), self.wants.values())[0]
                if self.planned and self.number % 7 == 0:
                    kind = self.planned
                getattr(self, "do_" + kind)()
                self.compare()
            for handle in list(self.maps):
                self.unmap([handle])
                self.compare()
            frametable.audit(self.machine, HINT)

    def counts(self, mfn):
        """refs and type_refs of a frame."""
        numbers = self.machine.numbers
        at = numbers["FRAME_TABLE_VA"] + mfn * numbers["struct frame"]
        return tuple(self.machine.u32(at + numbers[f"struct frame.{field}"]) for field in ("refs", "type_refs"))

    def contents(self, mfn):
        return bytes(self.machine.ram[mfn << 12:(mfn + 1) << 12])

    # --- the lender's table, written by the grader ---

    def entry_at(self, ref):
        return self.lender.domain.place(self.lender.table + 8 * ref)

    def lend(self, ref, kind=None):
        """A new entry, good or bad, at a reference that is not in use."""
        flags, to, frame = PERMIT, self.borrower.domain.id, self.random.choice(self.lender.mfn)
        kind = kind or self.random.choice(("write", "write", "write", "read", "read", "other", "none", "transfer", "stranger", "table", "beyond"))
        flags |= GTF_READONLY if kind == "read" else 0
        flags = {"none": 0, "transfer": 2}.get(kind, flags)
        to = to + 5 if kind == "other" else to
        frame = {"stranger": self.borrower.mfn[3], "table": self.lender.own_l1, "beyond": 0xFFFFFF00}.get(kind, frame)
        self.entries[ref] = (flags, to, frame, kind)
        start = self.entry_at(ref)
        self.machine.ram[start:start + 8] = struct.pack("<HHI", flags, to, frame)

    def uses(self, ref):
        return [m for m in self.maps.values() if m["ref"] == ref]

    def allowed(self, ref, write):
        """What a use of it must answer."""
        if ref >= REFS:
            return BAD_REF
        flags, to, frame, kind = self.entries.get(ref, (0, 0, 0, "none"))
        if flags & 3 != PERMIT or to != self.borrower.domain.id or (write and flags & GTF_READONLY):
            return GENERAL
        if kind in ("stranger", "beyond"):
            return BAD_PAGE
        return GENERAL if kind == "table" and write else 0

    # --- orders ---

    def grant_op(self, what, cmd, packed, size, look=0):
        """A list of operations; each one's bytes afterwards."""
        start, data = self.borrower.domain.place(self.borrower.arguments), b"".join(packed)
        self.machine.ram[start:start + len(data)] = data
        self.said = f"order {self.number}: {what}"
        answer, trapped, value = self.order(self.borrower, GRANT_OP, cmd, self.borrower.arguments, len(packed), look=look)
        self.check(answer == 0, f"{self.said}: the call answers 0, whatever its operations' status is", f"{answer}")
        data = self.machine.ram[start:start + len(data)]
        return [data[at:at + size] for at in range(0, len(data), size)], trapped, value

    def status(self, what, wanted, seen):
        self.check(wanted == seen, f"{self.said}, {what}: status {wanted}", f"{seen}", "", "kernel/abi/grant_table.h names the statuses. " + HINT)

    def some_ref(self):
        return self.random.choice(list(self.entries) * 4 + [REFS - 1, REFS, 1 << 20, 0xFFFFFFFF])

    def do_map(self, good=0):
        free = [index for index in range(PAGES) if index not in [m["at"] for m in self.maps.values()]]
        rows, packed = [], []
        for index in self.random.sample(free, min(len(free), 1 if good else self.random.choice((1, 1, 2, 3)))):
            ref, read = good or self.some_ref(), self.random.random() < 0.4
            by_pte, soft = self.random.random() < 0.3, self.random.randrange(8)
            strange = not good and self.random.random() < 0.08
            dom = self.lender.domain.id + (40 if strange else 0)
            flags = HOST_MAP | (READONLY if read else 0) | (CONTAINS_PTE if by_pte else 0) | soft << 16 | (APPLICATION if self.random.random() < 0.5 else 0)
            address = self.borrower.pte[index] if by_pte else self.borrower.place[index]
            rows.append((index, ref, flags, strange))
            packed.append(MAP_OP.pack(address, flags, ref, dom, 77, 0xDEAD, 0))
        if not rows:
            return
        done, _, _ = self.grant_op(f"map {', '.join(f'grant {ref}' + (' to read' if flags & READONLY else '') for _, ref, flags, _ in rows)}", MAP, packed, MAP_OP.size)
        for (index, ref, flags, strange), data in zip(rows, done):
            wanted = BAD_DOMAIN if strange else self.allowed(ref, not flags & READONLY)
            _, _, _, _, status, handle, bus = MAP_OP.unpack(data)
            self.status(f"grant {ref} ({self.entries.get(ref, ('', '', '', 'unknown'))[3]})", wanted, status)
            if status == 0:
                frame = self.entries[ref][2]
                self.check(handle not in self.maps, f"{self.said}: a handle that is not in use", f"{handle}")
                self.check(bus == frame << 12, f"{self.said}: dev_bus_addr {frame << 12:#x}", f"{bus:#x}", self.source("grant_map"))
                self.maps[handle] = {"ref": ref, "at": index, "write": not flags & READONLY, "frame": frame, "flags": flags}

    def do_unmap(self):
        if self.maps:
            self.unmap(self.random.sample(list(self.maps), min(len(self.maps), self.random.choice((1, 1, 2, 3)))))

    def unmap(self, handles):
        rows = [(handle, self.maps[handle]) for handle in handles]
        packed = [UNMAP_OP.pack(self.borrower.pte[m["at"]] if m["flags"] & CONTAINS_PTE else self.borrower.place[m["at"]], 0, handle, 77) for handle, m in rows]
        look = self.borrower.place[rows[0][1]["at"]]
        done, trapped, value = self.grant_op(f"unmap {', '.join(f'handle {handle}' for handle in handles)}", UNMAP, packed, UNMAP_OP.size, look)
        for (handle, _), data in zip(rows, done):
            self.status(f"handle {handle}", 0, UNMAP_OP.unpack(data)[3])
            self.old.append(handle)
            del self.maps[handle]
        self.check(trapped, f"{self.said}: reading at {look:#x} traps when the call is back", f"it reads {value:#x}", self.source("grant_unmap"),
                   "A CPU may remember a mapping that is gone: flush before the granter hears that its frame is its own.")

    def do_unmap_wrong(self):
        """Handles that are none, and addresses that aren't the mapping's."""
        kinds = [("old", handle) for handle in self.old if handle not in self.maps] + [("forged", 0x7FFFFFFF), ("forged", self.random.getrandbits(32) | 1 << 20)]
        elsewhere = [("elsewhere", handle) for handle in self.maps]
        kind, handle = self.random.choice(elsewhere if elsewhere and self.random.randrange(2) else kinds)
        self.unmap_refused(kind, handle)

    def do_unmap_elsewhere(self):
        """A handle that is good, at the address of another mapping or of none."""
        for ref in [ref for ref in self.entries if not self.uses(ref)][:2]:
            self.lend(ref, "write")
            self.do_map(ref)
        self.unmap_refused("elsewhere", self.random.choice(list(self.maps)))

    def unmap_refused(self, kind, handle):
        address = self.random.choice(self.borrower.place)
        if kind == "elsewhere":
            m = self.maps[handle]
            others = [x for x in range(PAGES) if x != m["at"] and not any(o["at"] == x and o["frame"] == m["frame"] and o["write"] == m["write"] for o in self.maps.values())]
            taken = [x for x in others if any(o["at"] == x for o in self.maps.values())]
            others = taken if taken and self.random.randrange(2) else others
            address = (self.borrower.pte if m["flags"] & CONTAINS_PTE else self.borrower.place)[self.random.choice(others)]
        done, _, _ = self.grant_op(f"unmap handle {handle:#x} ({kind}) at {address:#x}", UNMAP, [UNMAP_OP.pack(address, 0, handle, 77)], UNMAP_OP.size)
        self.status(f"handle {handle:#x}, {kind}", GENERAL if kind == "elsewhere" else BAD_HANDLE, UNMAP_OP.unpack(done[0])[3])

    def do_lend(self):
        """The lender's own writing: entries that are not in use."""
        ref = self.random.choice([ref for ref in self.entries if not self.uses(ref)] or [FIRST_REF + 60])
        self.said = f"order {self.number}: the lender's own writing"
        self.lend(ref)

    def do_copy(self):
        length = self.random.choice((0, 1, 7, 64, 500, 4096, self.random.randrange(4097)))
        ends = [self.end(length, write) for write in (False, True)]
        flags = sum(bit for bit, end in zip((1, 2), ends) if end["granted"])
        wanted, long = 0, [end["offset"] + length > 4096 for end in ends]
        if any(long):
            wanted = BAD_COPY
        else:
            wanted = ends[0]["status"] or ends[1]["status"]
        source, to = ends
        packed = COPY_OP.pack(source["what"], source["domid"], source["offset"], to["what"], to["domid"], to["offset"], length, flags, 77)
        done, _, _ = self.grant_op(f"copy {length} bytes from {source['name']} to {to['name']}", COPY, [packed], COPY_OP.size)
        self.status("the copy", wanted, COPY_OP.unpack(done[0])[8])
        if not wanted:
            data = self.pages[source["frame"]][source["offset"]:source["offset"] + length] if source["frame"] in self.pages else None
            old = self.pages[to["frame"]]
            self.pages[to["frame"]] = old[:to["offset"]] + data + old[to["offset"] + length:]

    def end(self, length, write):
        """One end of a copy."""
        offset = self.random.randrange(4096 - length + 1) if self.random.random() < 0.9 else self.random.choice((4097 - length, 4096, 65535))
        if self.random.random() < 0.6:
            ref = self.some_ref()
            while self.entries.get(ref, (0, 0, 0, ""))[3] == "table" and not write:
                ref = self.some_ref()
            return {"granted": True, "what": ref, "domid": self.lender.domain.id, "offset": offset, "status": self.allowed(ref, write),
                    "frame": self.entries.get(ref, (0, 0, 0))[2], "name": f"grant {ref} at {offset}"}
        kind = self.random.choice(("own", "own", "own", "own", "stranger", "denied", "table"))
        mfn = {"stranger": self.lender.mfn[0], "table": self.borrower.own_l1}.get(kind, self.random.choice(self.borrower.mfn))
        if kind == "table" and not write:
            kind, mfn = "own", self.borrower.mfn[0]
        return {"granted": False, "what": mfn, "domid": self.lender.domain.id if kind == "denied" else SELF, "offset": offset, "frame": mfn,
                "status": {"stranger": BAD_PAGE, "denied": DENIED, "table": GENERAL}.get(kind, 0), "name": f"frame {mfn:#x} ({kind}) at {offset}"}

    # --- all that can be seen ---

    def compare(self):
        for ref, (flags, to, frame, _) in self.entries.items():
            uses, start = self.uses(ref), self.entry_at(ref)
            wanted = flags | (READING if uses else 0) | (WRITING if any(m["write"] for m in uses) else 0)
            seen = struct.unpack("<HHI", self.machine.ram[start:start + 8])
            self.check(seen == (wanted, to, frame), f"after {self.said}: entry {ref} with flags {wanted:#x}, as {len(uses)} mappings use it", f"{seen[0]:#x}",
                       "the lender's grant table", HINT)
        for index in range(PAGES):
            entry, = struct.unpack("<Q", self.machine.ram[self.borrower.pte[index]:self.borrower.pte[index] + 8])
            m = next((m for m in self.maps.values() if m["at"] == index), None)
            if m is None:
                self.check(not entry & P, f"after {self.said}: nothing mapped at {self.borrower.place[index]:#x}", f"the entry {entry:#x}", "the borrower's page table", HINT)
                continue
            self.check(entry & P and (entry & ADDRESS) >> 12 == m["frame"] and bool(entry & RW) == m["write"] and entry >> 9 & 7 == m["flags"] >> 16 & 7,
                       f"after {self.said}: frame {m['frame']:#x} mapped at {self.borrower.place[index]:#x}, {'writable' if m['write'] else 'read-only'}, "
                       f"with {m['flags'] >> 16 & 7} in the bits for software", f"the entry {entry:#x}", "the borrower's page table", HINT)
        for mfn, (refs, type_refs) in self.base.items():
            mine = [m for m in self.maps.values() if m["frame"] == mfn]
            wanted = (refs + len(mine), type_refs + sum(m["write"] for m in mine))
            seen = self.counts(mfn)
            self.check(seen == wanted, f"after {self.said}: frame {mfn:#x} with refs {wanted[0]}, type_refs {wanted[1]}", f"{seen[0]}, {seen[1]}",
                       "the frame table", HINT)
            self.check(self.contents(mfn) == self.pages[mfn], f"after {self.said}: frame {mfn:#x} holds what was copied there, and nothing else", "other bytes",
                       "the frame itself", "Bytes land at the offset that was asked for, in the frame that was granted.")


class Mapping(GrantsCase):
    """Mapping, several times and for reading and writing; unmapping, with the wrong handle, the wrong address, and twice."""

    wants = {"map": 8, "unmap": 4, "unmap_wrong": 4, "lend": 3}
    planned = "unmap_elsewhere"


class Copying(GrantsCase):
    """Copies between frames of one's own and granted ones, beside some mappings."""

    wants = {"copy": 12, "map": 2, "unmap": 1, "lend": 3}
