"""The rules of kernel/mm/frame.h and kernel/mm/validate.h as a small model: what must come of an order, and how the frames stand afterwards.

It is written for shortness: a tree is walked at once, a refusal puts everything back as it was. It knows nothing of locks, TLBs,
walks that stop, or lists; that is the hypervisor's trouble. orders.py compares the two.
"""

import copy

P, RW, US, PWT, PCD, A, D, PSE, G = (1 << bit for bit in range(9))
GUEST_KERNEL, NX = 1 << 52, 1 << 63
ADDRESS = 0x000FFFFFFFFFF000
SLOTS = 512
HYPERVISOR = range(256, 272)     # of an L4
NONE, L1, L2, L3, L4, SEG, WRITABLE = range(7)
L1_REFUSED = PSE | PCD | PWT     # in an L1 entry PSE is a bit of the cache's attributes
UPPER_REFUSED = PSE | PCD | PWT | G
L1_HOLDS = ADDRESS | P | RW | L1_REFUSED
UPPER_HOLDS = L1_HOLDS | UPPER_REFUSED
ADJUSTED = US | GUEST_KERNEL | G | A | D   # bits in which an entry may come to differ from what the guest wrote
NAMES = ("no use", "an L1", "an L2", "an L3", "an L4", "descriptors", "a writable page")


class Refused(Exception):
    """Why an order must be refused."""


class Frame:
    """What is known of one frame of the domain's."""

    def __init__(self, mfn, pfn):
        self.mfn, self.pfn = mfn, pfn
        self.owned, self.pinned = True, False
        self.refs, self.type_refs, self.type, self.linear = 1, 0, NONE, 0
        self.entries = {}

    @property
    def in_use_as(self):
        return self.type if self.type_refs else NONE


def adjusted(level, entry):
    """How an accepted entry stands in its table."""
    if not entry & P:
        return entry
    if level == L1:
        entry &= ~G
        return entry if entry & US else entry | US | GUEST_KERNEL
    return entry | US | (A if level == L4 else 0)


class Model:
    """All frames that orders are about, by number. Those of the domain's that are not in here are never named by an order."""

    def __init__(self, frames, hypervisor):
        self.frames = {frame.mfn: frame for frame in frames}
        self.hypervisor = dict(zip(HYPERVISOR, hypervisor))   # its own entries
        self.filled = []          # frames into which they have been put: that isn't taken back when the order is refused
        self.free = 0             # pages of the reservation that can be taken
        self.descriptors = None   # the frame of the guest's GDT

    # --- one order is all or nothing ---

    def attempt(self, action, *arguments):
        """Carry out one order: (None, its answer) or (why it must be refused, None)."""
        before = copy.deepcopy((self.frames, self.free, self.descriptors))
        self.filled = []
        try:
            return None, action(*arguments)
        except Refused as refused:
            self.frames, self.free, self.descriptors = before
            for mfn in self.filled:
                self.frames[mfn].entries.update(self.hypervisor)
            return str(refused), None

    def settle(self, words):
        """After a refused order: entries that were looked at before the refusal may stand as accepted ones do, or as they were.
        `words(mfn)` is what does stand there; the model goes on from that. In tables in use nothing may have changed."""
        for mfn, frame in self.frames.items():
            if frame.entries and not L1 <= frame.in_use_as <= L4:
                seen = words(mfn)
                frame.entries.update((slot, seen[slot]) for slot, entry in frame.entries.items() if not (seen[slot] ^ entry) & ~ADJUSTED)

    # --- references ---

    def owned(self, mfn):
        """The frame, if the domain owns it: the question before every new reference."""
        frame = self.frames.get(mfn)
        if frame is None or not frame.owned:
            raise Refused(f"frame {mfn:#x} is not the domain's")
        return frame

    def put(self, frame):
        frame.refs -= 1
        if not frame.refs:
            del self.frames[frame.mfn]
            self.free += 1

    def begin(self, frame, kind):
        """One more use that needs the type; the first one checks what the type promises."""
        if not frame.type_refs:
            frame.type, frame.type_refs = kind, 1
            if L1 <= kind <= L4:
                self.validate(frame)
        elif frame.type != kind:
            raise Refused(f"frame {frame.mfn:#x} is in use as {NAMES[frame.type]}, so it can't be {NAMES[kind]}")
        else:
            frame.type_refs += 1

    def end(self, frame):
        frame.type_refs -= 1
        if not frame.type_refs and L1 <= frame.type <= L4:
            for slot in sorted(frame.entries, reverse=True):
                if not (frame.type == L4 and slot in HYPERVISOR):
                    self.give_back(frame, frame.entries[slot])

    def validate(self, table):
        if table.type == L4:
            table.entries.update(self.hypervisor)   # whatever stood there
            self.filled.append(table.mfn)
        for slot in sorted(table.entries):
            if table.type == L4 and slot in HYPERVISOR:
                continue
            self.take(table, table.entries[slot], slot)
            table.entries[slot] = adjusted(table.type, table.entries[slot])

    # --- what an entry holds ---

    def take(self, table, entry, slot):
        if not entry & P:
            return
        try:
            (self._take_page if table.type == L1 else self._take_table)(table, entry)
        except Refused as refused:
            raise Refused(f"entry {slot} ({entry:#x}) of the L{table.type} in frame {table.mfn:#x}: {refused}") from None

    def _take_page(self, _, entry):
        if entry & L1_REFUSED:
            raise Refused("cache attributes are for those who have devices")
        frame = self.owned((entry & ADDRESS) >> 12)
        frame.refs += 1
        if entry & RW:
            self.begin(frame, WRITABLE)

    def _take_table(self, table, entry):
        if entry & UPPER_REFUSED:
            raise Refused("a superpage, a cache attribute or GLOBAL above L1")
        child = self.owned((entry & ADDRESS) >> 12)
        if child.in_use_as == table.type:
            self._take_linear(table, child, entry)
        else:
            child.refs += 1
            self.begin(child, table.type - 1)

    def _take_linear(self, table, child, entry):
        if entry & RW:
            raise Refused("a linear entry that allows writing")
        if child is table:
            return
        if table.linear > 0 or child.linear < 0:
            raise Refused("a linear entry in a chain")
        child.refs += 1
        child.type_refs += 1
        table.linear -= 1
        child.linear += 1

    def give_back(self, table, entry):
        mfn = (entry & ADDRESS) >> 12
        if not entry & P or table.type != L1 and mfn == table.mfn:
            return
        frame = self.frames[mfn]
        if table.type == L1:
            if entry & RW:
                self.end(frame)
        else:
            if frame.type == table.type:
                table.linear += 1
                frame.linear -= 1
            self.end(frame)
        self.put(frame)

    # --- orders ---

    def entry(self, mfn, slot, value):
        """mmu_update: an entry of a table in use, or a word of a page."""
        frame = self.owned(mfn)
        level = frame.in_use_as
        if not L1 <= level <= L4:
            if level == SEG:
                raise Refused("descriptors are not written like this")
            self.store_word(frame, slot, value)
            return
        if level == L4 and slot in HYPERVISOR:
            raise Refused(f"slot {slot} of an L4 is the hypervisor's")
        old = frame.entries.get(slot, 0)
        holds = L1_HOLDS if level == L1 else UPPER_HOLDS
        alike = value & P and not (old ^ value) & holds
        if not alike:
            self.take(frame, value, slot)
        self.store_word(frame, slot, adjusted(level, value))
        if not alike:
            self.give_back(frame, old)

    @staticmethod
    def store_word(frame, slot, value):
        frame.entries.pop(slot, None)
        if value:
            frame.entries[slot] = value

    def pin(self, mfn, level):
        frame = self.owned(mfn)
        frame.refs += 1
        self.begin(frame, level)
        if frame.pinned:
            raise Refused("it is pinned already")
        frame.pinned = True

    def unpin(self, mfn):
        frame = self.owned(mfn)
        if not frame.pinned:
            raise Refused("there is no pin to take away")
        frame.pinned = False
        self.end(frame)
        self.put(frame)

    def give(self, mfn):
        """decrease_reservation: what is still in use stays as it is, but belongs to nobody."""
        frame = self.owned(mfn)
        if frame.pinned:
            self.unpin(mfn)
        frame.owned = False
        self.put(frame)

    def take_page(self):
        """populate_physmap: the frame itself is the allocator's choice."""
        if not self.free:
            raise Refused("the reservation is used up: what is given back, but still mapped, counts until it is free")
        self.free -= 1

    def set_descriptors(self, mfn):
        if mfn is not None:
            frame = self.owned(mfn)
            frame.refs += 1
            self.begin(frame, SEG)
        old, self.descriptors = self.descriptors, mfn
        if old is not None:
            self.end(self.frames[old])
            self.put(self.frames[old])
