"""A guest without a will (guests/grade_orders.c) carries out orders that are made up afresh in each run, thousands of them possible.

What must come of each, the model in rules.py knows. After each order its answer and the state of every frame that orders are about
is compared with the model, from outside: owner, counts, type, pin, and what stands in the tables. Every now and then the whole frame table is recounted.
The tables that orders are about are written by the grader, straight into the machine's memory. So no word of the guest, and
none of the kernel's, decides anything: a kernel that passes has done to its frame table and to its page tables what the rules say.
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import frametable  # noqa: E402
import rules  # noqa: E402
from case import Case  # noqa: E402
from memory import AUDIT_HINT, allocator_in_order, m2p  # noqa: E402
from rules import A, D, G, L1, L4, NX, P, PCD, PSE, PWT, RW, SEG, US, WRITABLE  # noqa: E402

POOL, WINDOW = 48, 64
END, ENTRY, EXTENDED, MAPPING, GIVE, TAKE, STORE, DESCRIPTORS = range(8)
ORDER = struct.Struct("<2Q4QqQ")
WINDOW_VA = 0x40000000
UNPIN, INVLPG = 4, 2
NO_FRAMES = (1 << 30, (1 << 36) - 1, (1 << 40) - 1)


class Machine:
    """The guest at obey(), and its memory."""

    def __init__(self, case, target, elf):
        self.case, self.target = case, target
        self.place = elf.symbols["obey"]
        target.run_to(self.place, expected="the guest comes to its first order")
        self.at = self._physical(target, elf.symbols["orders"])
        fields = ORDER.unpack_from(target.ram, self.at)
        self.nonce, self.window = fields[0], fields[1]
        lists = struct.unpack_from(f"<{2 * POOL}Q", target.ram, self.at + ORDER.size)
        self.pool = list(zip(lists[POOL:], lists[:POOL]))   # (mfn, pfn)
        self.size = target.numbers["struct frame"]
        self.offsets = [target.numbers[f"struct frame.{field}"] for field in ("refs", "type_refs", "type", "flags", "owner")]
        self.table = self._physical(target, target.numbers["FRAME_TABLE_VA"])
        self.contiguous = all(self._physical(target, target.numbers["FRAME_TABLE_VA"] + mfn * self.size) == self.table + mfn * self.size
                              for mfn, _ in self.pool)
        self.shared_info = target.u64(elf.symbols["shared_info"])
        domain, = frametable.domains(target, target.cr3())
        self.depth = self._physical(target, domain + target.numbers["struct domain.mem.walk.depth"])
        target.gdb.break_at(self.place)

    @staticmethod
    def _physical(target, va):
        found = target.mapping(va)
        if found is None:
            target.read(va, 1)   # says what is wrong
        return found.pa + (va & (found.size - 1))

    def frame(self, mfn):
        """One struct frame, as frametable.Frame."""
        if self.contiguous:
            data = self.target.ram[self.table + mfn * self.size:self.table + (mfn + 1) * self.size]
        else:
            data = self.target.read(self.target.numbers["FRAME_TABLE_VA"] + mfn * self.size, self.size)
        refs, type_refs, kind, flags, owner = self.offsets
        return frametable.Frame(struct.unpack_from("<I", data, refs)[0], struct.unpack_from("<I", data, type_refs)[0], data[kind], data[flags],
                                struct.unpack_from("<H", data, owner)[0])

    def walking(self):
        """Is a walk over a tree under way?"""
        return self.target.ram[self.depth] != 0

    def set_type_refs(self, mfn, count):
        """As if it had been taken so often."""
        struct.pack_into("<I", self.target.ram, self._physical(self.target, self.target.numbers["FRAME_TABLE_VA"] + mfn * self.size) + self.offsets[1], count)

    def words(self, mfn):
        return struct.unpack_from("<512Q", self.target.ram, mfn << 12)

    def write(self, mfn, entries):
        """The contents of a page, as the guest could have written them itself."""
        self.target.ram[mfn << 12:(mfn + 1) << 12] = struct.pack("<512Q", *(entries.get(slot, 0) for slot in range(512)))

    def obey(self, kind, a=0, b=0, c=0):
        """One order; (answer, out)."""
        ORDER.pack_into(self.target.ram, self.at, self.nonce, self.window, kind, a, b, c, 0, 0)
        self.target.run_on(self.place, expected="the guest comes back from an order")
        fields = ORDER.unpack_from(self.target.ram, self.at)
        return fields[6], fields[7]


class OrdersCase(Case):
    """`wants`: how often which order is given; `bad`: what kinds of bad entries some tables get; `linear`: how often one is linear."""

    wants = {}
    bad = ()
    badness = 0.2   # how often one of them is chosen
    linear = 0.0
    levels = (1, 1, 1, 2, 2, 3, 4)   # of tables that are pinned
    count = 260
    audit_every = 65
    leaves_limbo = True   # see memory.py

    def run(self):
        nonce = self.random.getrandbits(63) | 1
        text = f"name=orders mem={self.random.randrange(12, 20)}M vcpus=1 console=yes -- nonce={nonce:x}"
        with self.boot(guests=[("grade_orders", text)]) as target:
            self.machine = Machine(self, target, target.guests["grade_orders"])
            self.check(self.machine.nonce == nonce, "the guest with this run's nonce", f"{self.machine.nonce:#x}")
            self._begin(target)
            for number in range(1, self.count + 1):
                self.number = number
                kind = self.random.choices(list(self.wants), self.wants.values())[0]
                getattr(self, "do_" + kind)()
                if number % self.audit_every == 0:
                    self.recount(target)
            self.last_orders()
            self.recount(target)
            self._end(target)

    def recount(self, target):
        """Everything, not only what orders are about."""
        self._compare_tables()
        return frametable.audit(target, AUDIT_HINT)

    def last_orders(self):
        """Before the end: whatever luck has brought so far, a table of each level that holds what this test is about, behind what is good."""
        for level in range(L1, L4 + 1) if self.bad else ():
            frame = self.idle()
            if frame:
                self.number += 1
                frame.entries = {0: self.some_entry(level, frame) if level > L1 else frame.mfn << 12 | P | US}
                self.badness = 1
                frame.entries[511 if level < L4 else 255] = self.some_entry(level, frame)
                self.badness = OrdersCase.badness
                self.machine.write(frame.mfn, frame.entries)
                self.pin(frame.mfn, level)

    def _begin(self, target):
        domains = frametable.vcpus(target)
        self.check(len(domains) == 1, "one domain", str(len(domains)))
        self.ident = domains[0][0]
        frames = frametable.read(target)
        self.strangers = [number for number, frame in enumerate(frames)
                          if frame.owner in (target.numbers["OWNER_KOAN"], target.numbers["OWNER_FREE"])]
        self.model = rules.Model([rules.Frame(mfn, pfn) for mfn, pfn in self.machine.pool], self._hypervisor_slots())
        window = rules.Frame(self.machine.window >> 12, None)
        window.type, window.type_refs = L1, 1
        self.window = window.mfn
        self.first = self.machine.window % 4096 // 8
        self.model.frames[window.mfn] = window
        self.homeless = []   # pfns that have lost their frame
        self.said = "the beginning"
        for mfn, _ in self.machine.pool:
            self.machine.write(mfn, {})
            self._compare(mfn)

    def _end(self, target):
        target.gdb.clear(self.machine.place)
        ORDER.pack_into(target.ram, self.machine.at, self.machine.nonce, self.machine.window, END, 0, 0, 0, 0, 0)
        target.run_to("machine_end", expected="the guest ends, and the machine after it")
        frames = frametable.audit(target, AUDIT_HINT)
        left = [number for number, frame in enumerate(frames) if frame.owner < target.numbers["OWNER_LIMBO"] + (not self.leaves_limbo)]
        self.check(not left, "no frame belongs to the domain when it is gone", f"{len(left)} do or are in limbo, the first {left[0]:#x}" if left else "",
                   self.source("memory_release"), "Teardown must come by every reference: pins, base pointers, descriptor tables, then the allocation itself.")

    # --- an order and its outcome ---

    def order(self, text, action, arguments, words):
        """Give one order; compare answer and frames with the model. Returns (was it carried out, out)."""
        self.said = f"order {self.number}: {text}"
        why, _ = self.model.attempt(action, *arguments)
        answer, out = self.machine.obey(*words)
        if why:
            self.check(answer < 0, f"{self.said}, is refused, because {why}", f"answer {answer}: it was granted", "",
                       "Ask before the first reference is taken: whose frame is it, as what is it used, which flags may stand here?")
            self.model.settle(self.machine.words)
        else:
            self.check(answer >= 0, f"{self.said}, is granted", f"answer {answer}: it was refused", "",
                       "`make replay`, then key `t` or debug_trace in GDB shows which check refused it, by file and line.")
        return not why, out

    def compare_all(self):
        """The frames, when no walk is under way: releasing a tree may stop half-way, and whoever comes next finishes it."""
        if self.machine.walking():
            self.machine.obey(MAPPING, WINDOW_VA + 4096 * (WINDOW + 1), 0, INVLPG)
        for mfn in list(self.model.frames):
            if mfn != self.window:
                self._compare(mfn)

    def _compare(self, mfn):
        model, seen = self.model.frames[mfn], self.machine.frame(mfn)
        numbers = self.machine.target.numbers
        owner = self.ident if model.owned else numbers["OWNER_LIMBO"]
        wanted = [("owner", owner, seen.owner), ("refs", model.refs, seen.refs), ("type_refs", model.type_refs, seen.type_refs),
                  ("pinned", model.pinned, bool(seen.flags & numbers["FRAME_PINNED"]))]
        if model.type_refs:
            wanted.append(("type", model.type, seen.type))
        for field, expected, found in wanted:
            shown = "{:#x}" if field == "owner" else "{}"
            self.check(expected == found, f"after {self.said}: frame {mfn:#x} with {field} {shown.format(expected)}", f"{field} {shown.format(found)} ({seen})",
                       "the frame table, compared from outside", AUDIT_HINT)

    def _compare_tables(self):
        """What stands in the tables in use is what was accepted; the hypervisor's slots are the hypervisor's."""
        for mfn, frame in self.model.frames.items():
            level = frame.in_use_as
            if mfn == self.window or not L1 <= level <= L4:
                continue
            words = self.machine.words(mfn)
            for slot, seen in enumerate(words):
                expected = frame.entries.get(slot, 0)
                own = " (the hypervisor's own)" if level == L4 and slot in rules.HYPERVISOR else ""
                self.check((seen ^ expected) & ~(A | D) == 0, f"after {self.said}: entry {slot} of the L{level} in frame {mfn:#x} is {expected:#x}{own}", f"{seen:#x}",
                           "", "An entry is stored as kernel/mm/validate.h says how accepted entries stand; a refused one is not stored.")

    def _hypervisor_slots(self):
        return struct.unpack_from("<16Q", self.machine.target.ram, (self.machine.target.cr3() & rules.ADDRESS) + 8 * rules.HYPERVISOR[0])

    # --- choices ---

    def pick(self, test=lambda frame: True):
        """A frame of the domain's that the test likes, or None."""
        liked = [frame for frame in self.model.frames.values() if frame.owned and frame.mfn != self.window and test(frame)]
        return self.random.choice(liked) if liked else None

    def any_frame(self):
        return self.pick() or self.model.frames[self.window]

    def idle(self):
        """A page that nobody uses."""
        return self.pick(lambda frame: frame.refs == 1)

    def stranger(self):
        return self.random.choice(self.strangers if self.random.random() < 0.7 else NO_FRAMES)

    def bad_kind(self):
        """Now and then one of the bad things that this test is about."""
        return self.random.choice(self.bad) if self.bad and self.random.random() < self.badness else ""

    def page_entry(self):
        """An entry of an L1."""
        rights = P | US | self.random.choice((0, 0, RW, RW, A, RW | A | D)) | self.random.choice((0, 0, 0, G, NX))
        if self.random.random() < 0.2:
            rights &= ~US
        bad = self.bad_kind()
        if bad == "stranger":
            return self.stranger() << 12 | rights
        if bad == "flags":
            return self.any_frame().mfn << 12 | rights | self.random.choice((PSE, PCD, PWT))
        if bad == "level":
            table = self.pick(lambda frame: L1 <= frame.in_use_as <= SEG) or self.any_frame()
            return table.mfn << 12 | rights | RW
        frame = self.pick(lambda frame: frame.in_use_as in (0, WRITABLE)) or self.any_frame()
        return frame.mfn << 12 | rights

    def table_entry(self, level, own):
        """An entry of an L2 to L4."""
        flags = P | US | RW | self.random.choice((0, A, NX))
        if self.random.random() < self.linear:
            other = own if self.random.random() < 0.2 else self.pick(lambda frame: frame.in_use_as == level) or own
            return other.mfn << 12 | flags & ~(RW if self.random.random() < 0.8 else 0)
        bad = self.bad_kind()
        if bad == "stranger":
            return self.stranger() << 12 | flags
        if bad == "flags":
            return self.any_frame().mfn << 12 | flags | self.random.choice((PSE, PCD, PWT, G))
        if bad == "level":
            return self.any_frame().mfn << 12 | flags
        below = self.pick(lambda frame: frame.in_use_as == level - 1) if self.random.random() < 0.7 else None
        below = below or self.pick(lambda frame: frame.refs == 1 and frame is not own) or own
        return below.mfn << 12 | flags

    def some_entry(self, level, own):
        return self.page_entry() if level <= L1 else self.table_entry(level, own)

    def slot(self, level):
        return self.random.choice((0, 1, 255, 511, self.random.randrange(512), self.random.randrange(512))) if level < L4 else \
            self.random.choice((0, 1, 255, 511, self.random.randrange(256, 272), self.random.randrange(512)))

    def dress(self, frame, level):
        """Make a page look like a table: written by the grader, as the guest could have."""
        frame.entries = {}
        for _ in range(self.random.choice((0, 1, 2, 4, 8))):
            entry = self.some_entry(level, frame)
            frame.entries[self.slot(level)] = entry if self.random.random() > 0.1 else entry & ~P
        self.machine.write(frame.mfn, frame.entries)

    # --- kinds of orders ---

    def do_pin(self):
        frame = self.idle() if self.random.random() < 0.75 else None
        level = self.random.choice(self.levels)
        if frame:
            self.dress(frame, level)
        mfn = frame.mfn if frame else self.stranger() if self.random.random() < 0.2 else self.any_frame().mfn
        self.pin(mfn, level)

    def pin(self, mfn, level):
        self.order(f"pin frame {mfn:#x} as L{level}", self.model.pin, (mfn, level), (EXTENDED, level - 1, mfn))
        self.compare_all()

    def do_unpin(self):
        frame = self.pick(lambda frame: frame.pinned) if self.random.random() < 0.8 else None
        mfn = (frame or self.any_frame()).mfn
        self.order(f"unpin frame {mfn:#x}", self.model.unpin, (mfn,), (EXTENDED, UNPIN, mfn))
        self.compare_all()

    def do_entry(self):
        frame = self.pick(lambda frame: L1 <= frame.in_use_as <= L4) or self.any_frame()
        level = frame.in_use_as
        slot = self.slot(level)
        used = [key for key in frame.entries if level < L4 or key not in rules.HYPERVISOR]
        if used and self.random.random() < 0.4:
            slot = self.random.choice(used)
        value = 0 if self.random.random() < 0.25 else self.some_entry(level, frame)
        if slot in frame.entries and self.random.random() < 0.2:
            value = frame.entries[slot] ^ self.random.choice((RW, A, D, NX, P))
        self.order(f"write {value:#x} to entry {slot} of frame {frame.mfn:#x} ({rules.NAMES[level]})", self.model.entry, (frame.mfn, slot, value),
                   (ENTRY, frame.mfn << 12 | slot * 8, value))
        self.compare_all()

    def map_window(self, value, flags, slot):
        """update_va_mapping of one page of the window."""
        done, _ = self.order(f"map {value:#x} at page {slot} of the window", self.model.entry, (self.window, self.first + slot, value),
                             (MAPPING, WINDOW_VA + slot * 4096, value, flags))
        self.compare_all()
        return done

    def do_map(self):
        self.map_window(0 if self.random.random() < 0.3 else self.page_entry(), INVLPG, self.random.randrange(WINDOW))

    def do_give(self):
        mfn = (self.stranger() if self.random.random() < 0.1 else (self.idle() or self.any_frame()).mfn if self.random.random() < 0.5 else self.any_frame().mfn)
        pfn = self.model.frames[mfn].pfn if mfn in self.model.frames else None
        if mfn == self.window:
            return
        gone, _ = self.order(f"give back frame {mfn:#x}", self.model.give, (mfn,), (GIVE, mfn))
        if gone:
            self.homeless.append(pfn)
            seen = self.machine.frame(mfn)
            self.check(seen.owner != self.ident, f"frame {mfn:#x}, given back, is the domain's no more", str(seen))
            self._m2p(mfn, self.machine.target.numbers["INVALID_M2P"], "none")
        self.compare_all()

    def do_take(self):
        if not self.homeless:
            return self.do_give()
        pfn = self.homeless[-1]
        done, mfn = self.order(f"take a frame for pfn {pfn:#x}", self.model.take_page, (), (TAKE, pfn))
        if done:
            self.homeless.pop()
            self.check(mfn not in self.model.frames, "a frame that is free", f"frame {mfn:#x}, which is still in use", self.source("alloc_domain_page"))
            self.check(mfn < self.machine.target.mem >> 12, "a frame of RAM", f"{mfn:#x}")
            words = self.machine.words(mfn)
            self.check(not any(words), f"frame {mfn:#x} comes clean to its new owner", f"{512 - words.count(0)} words that are not 0", "",
                       "What the last owner wrote is nobody else's business: scrub before use.")
            self._m2p(mfn, pfn, f"{pfn:#x}")
            self.model.frames[mfn] = rules.Frame(mfn, pfn)
        self.compare_all()

    def _m2p(self, mfn, expected, shown):
        seen = m2p(self.machine.target, mfn)
        self.check(seen == expected, f"after {self.said}: page {shown} for frame {mfn:#x} in the machine-to-physical table", f"{seen:#x}", "",
                   "A guest that reads the table must find no page where its frame was.")

    def do_full(self):
        """A count that can't rise any more: set by the grader, as nobody has the time to map a page two billion times."""
        frame = self.pick(lambda frame: frame.type_refs and frame.type != SEG and not frame.pinned)
        if not frame:
            return
        most = self.machine.target.numbers["FRAME_COUNT_MAX"]
        if frame.type == WRITABLE:
            text, words = f"map frame {frame.mfn:#x} writable", (MAPPING, WINDOW_VA + 4096 * WINDOW, frame.mfn << 12 | P | US | RW | A | D)
        else:
            text, words = f"pin frame {frame.mfn:#x} as L{frame.type}", (EXTENDED, frame.type - 1, frame.mfn)
        self.machine.set_type_refs(frame.mfn, most)
        self.never(f"order {self.number}: {text}, which has {most:#x} type references", words)
        self.machine.set_type_refs(frame.mfn, frame.type_refs)
        self.compare_all()

    def never(self, text, words):
        """An order that must be refused whatever the model knows."""
        answer, _ = self.machine.obey(*words)
        self.said = text
        self.check(answer < 0, f"{text}, is refused", f"answer {answer}: it was granted")

    def do_store(self):
        """The old life of a page in the TLB: written through a mapping, then mapped read-only with no flush, then a table, then written again."""
        frame = self.idle()
        if not frame:
            return
        slot, at = self.random.randrange(WINDOW), self.random.randrange(512)
        va, page = WINDOW_VA + slot * 4096, frame.mfn << 12 | P | US | A | D
        self.machine.write(frame.mfn, {})
        frame.entries = {}
        if not self.map_window(page | RW, INVLPG, slot):
            return
        answer, _ = self.machine.obey(STORE, va + at * 8, 0)
        self.check(answer == 0, f"a store to page {slot} of the window, mapped writable", "a fault")
        self.map_window(page if self.random.random() < 0.5 else 0, 0, slot)
        level = self.random.choice((1, 2, 3, 4))
        done, _ = self.order(f"pin frame {frame.mfn:#x} as L{level}", self.model.pin, (frame.mfn, level), (EXTENDED, level - 1, frame.mfn))
        self.compare_all()
        if done:
            before = self.machine.words(frame.mfn)
            answer, _ = self.machine.obey(STORE, va + at * 8, 0x5EED << 12)
            self.check(answer != 0 and self.machine.words(frame.mfn) == before, f"after {self.said}: a store by the old mapping faults",
                       "the page table was written" if self.machine.words(frame.mfn) != before else "it did not", self.source("type_change"),
                       "A TLB entry outlives the page-table entry that it came from: flush, or know that somebody has, before the type changes.")

    def do_descriptors(self):
        frame = self.pick(lambda frame: not any(frame.entries.values())) if self.random.random() < 0.7 else None
        mfn = frame.mfn if frame and self.model.descriptors is None else None
        if frame and frame.refs == 1:
            self.machine.write(frame.mfn, {})
        self.order(f"take frame {mfn:#x} for descriptors" if mfn else "give the descriptors' frame back", self.model.set_descriptors, (mfn,), (DESCRIPTORS, mfn or 0))
        self.compare_all()


class Pages(OrdersCase):
    """Frames given back and taken again, in use or not."""

    wants = {"give": 6, "take": 5, "map": 4, "pin": 2, "unpin": 1, "entry": 1}

    def recount(self, target):
        allocator_in_order(target, super().recount(target))

    def last_orders(self):
        """All that can be taken, and one page more."""
        while self.homeless and self.model.free:
            self.do_take()
        self.never("a page beyond the reservation", (TAKE, self.machine.pool[0][1]))


class Counts(OrdersCase):
    """Many uses of few frames."""

    wants = {"map": 8, "pin": 4, "unpin": 3, "entry": 8, "full": 1}
    bad = ("level",)


class Strangers(OrdersCase):
    """Tables of all levels; some name frames that are not the domain's."""

    wants = {"pin": 8, "unpin": 3, "entry": 10, "map": 3}
    bad = ("stranger",)


class Flags(OrdersCase):
    """Tables of all levels; some have flags that may not stand there."""

    wants = {"pin": 8, "unpin": 3, "entry": 10, "map": 3}
    bad = ("flags",)


class Linear(OrdersCase):
    """Tables that name tables of their own level."""

    wants = {"pin": 8, "unpin": 4, "entry": 10}
    linear = 0.5
    levels = (1, 2, 2, 2, 2, 2, 3, 4, 4, 4)


class Pins(OrdersCase):
    """Trees pinned, unpinned, given back while they are in use, and left behind at the end."""

    wants = {"pin": 8, "unpin": 7, "entry": 4, "give": 2, "take": 2}
    leaves_limbo = False


class Types(OrdersCase):
    """Writable, table, descriptors, and the TLB entries of the life before."""

    wants = {"store": 4, "pin": 4, "unpin": 5, "map": 5, "entry": 3, "descriptors": 3}
    bad = ("level",)
    count = 200

    def last_orders(self):
        """The hypervisor's page that the domain shares, empty, so that only what it is forbids to make it a table."""
        super().last_orders()
        shared = frametable.vcpus(self.machine.target)[0][1]
        kept, va = self.machine.words(shared), self.machine.shared_info
        self.machine.obey(MAPPING, va, 0, INVLPG)
        for level in range(L1, L4 + 1):
            self.machine.write(shared, {})
            self.never(f"pin the shared page, frame {shared:#x}, as L{level}", (EXTENDED, level - 1, shared))
        self.machine.write(shared, dict(enumerate(kept)))
        answer, _ = self.machine.obey(MAPPING, va, shared << 12 | P | US | RW | A | D, INVLPG)
        self.check(answer == 0, "the shared page can be mapped again", f"answer {answer}")
