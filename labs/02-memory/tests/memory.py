"""Guests of the grader's own, with layouts that are fresh in each run. They say by notes in their memory what to look at
(tests/guests/grader.h); the frame table and the page tables are then read and recounted from outside.
"""

import struct

import frametable
from case import Case
from target import Failed

NOTES_MAX = 512
IS_TABLE, NO_TABLE, NOT_REFUSED, ATTEMPT, GIVEN_BACK, FRESH, MINE, BROKEN = 1, 2, 3, 4, 5, 6, 7, 9
AUDIT_HINT = ("Recount this frame by hand: refs is 1 for the allocation, 1 for each entry that maps it, 1 for each pin and base pointer; type_refs counts "
              "those uses of them that need the type. What gives a reference up must be the mirror of what took it.")
ATTEMPTS = ("its own page table, mapped writable", "a frame of somebody else's", "a pin of a page that is mapped writable", "an L1 pinned as an L2",
            "somebody else's frame pinned as an L4", "a superpage", "a slot of the hypervisor's", "an unpin without a pin", "a page beyond the reservation")


def m2p(machine, mfn):
    """One entry of the machine-to-physical table."""
    return machine.u64(machine.numbers["M2P_VA"] + 8 * mfn)


def allocator_in_order(machine, frames):
    """The allocator's four numbers (kernel/mm/alloc.h) against the frames that they are about."""
    numbers, places = machine.numbers, machine.elf.all.get("stats", [])
    if len(places) != 1:
        raise Failed("a variable `stats` in kernel/mm/alloc.c", f"{len(places)} of that name", "", "Keep what the handout gives you.")
    field = {name: machine.u64(places[0] + numbers[f"struct alloc_stats.{name}"]) for name in ("total", "free", "promised", "koan")}
    promised = 0
    for domain in frametable.domains(machine, machine.cr3()):
        pages, most = (machine.u64(domain + numbers[f"struct domain.mem.{name}"]) for name in ("pages", "max_pages"))
        promised += max(0, most - pages)
    free = sum(frame.owner == numbers["OWNER_FREE"] for frame in frames)
    for name, wanted in (("free", free), ("promised", promised)):
        if field[name] != wanted:
            raise Failed(f"stats.{name} {wanted}, as the frame table and the domains' reservations say", str(field[name]), "",
                         "Each way that a frame goes changes the numbers that it is part of: look at its way back, too.")


class NotesCase(Case):
    """Runs `guest` to its checkpoints; at each one the notes are looked at and everything is recounted."""

    guest = ""
    steps = 1
    least = 1    # notes that a step has to have
    leaves_limbo = True   # may frames be in limbo when the domain is gone? (Only who asks for its end asks for that.)

    def run(self):
        nonce, seed = (self.random.getrandbits(63) | 1 for _ in range(2))
        text = f"name=grader mem={self.random.randrange(12, 20)}M vcpus=1 console=yes -- nonce={nonce:x} seed={seed:x}"
        with self.boot(guests=[(self.guest, text)]) as machine:
            elf = machine.guests[self.guest]
            at = {"checkpoint": elf.symbols["checkpoint"], "guest_panic": elf.symbols["guest_panic"]}
            for step in range(1, self.steps + 1):
                place = machine.run_to(*at.values(), "machine_end", expected=f"the guest {self.guest} comes to step {step}")
                if place != at["checkpoint"]:
                    machine.settle()
                    self.fail(f"the guest {self.guest} comes to step {step}", "it or the machine gave up", machine.last_line())
                seen, _, count = struct.unpack("<3Q", machine.read(elf.symbols["notes"], 24))
                self.check(seen == nonce and self.least <= count <= NOTES_MAX, "the notes of this run", f"nonce {seen:#x}, {count} notes")
                rows = list(struct.iter_unpack("<3Q", machine.read(elf.symbols["notes"] + 24, 24 * count)))
                frames = frametable.audit(machine, AUDIT_HINT)
                self.look_around(machine, frames)
                for kind, mfn, value in rows:
                    self.look(machine, frames, kind, mfn, value)
            machine.run_to("machine_end", expected="the guest ends, and the machine after it")
            frames = frametable.audit(machine, AUDIT_HINT)
            limbo = self.leaves_limbo
            left = [number for number, frame in enumerate(frames) if frame.owner < machine.numbers["OWNER_LIMBO"] + (not limbo)]
            self.check(not left, "no frame belongs to the domain when it is gone", f"{len(left)} do", self.source("memory_release"),
                       "Teardown must come by every reference: pins, base pointers, descriptor tables, then the allocation itself.")

    def look_around(self, machine, frames):
        """More to look at at a checkpoint."""

    def owner(self, machine):
        """The domain id of the only guest."""
        domains = frametable.vcpus(machine)
        self.check(len(domains) == 1, "one domain", str(len(domains)))
        return domains[0][0]

    def look(self, machine, frames, kind, mfn, value):
        """One note."""
        if kind == BROKEN:
            self.fail("a request that the ABI allows is granted", f"it was refused (frame {mfn:#x}, {value:#x})", "",
                      "`make run` with the trace ring shows which check refused it (kernel/debug/README.md).")
        if kind in (IS_TABLE, NO_TABLE, GIVEN_BACK, FRESH, MINE):
            self.check(mfn < len(frames), "a frame of RAM", f"{mfn:#x}")
            getattr(self, {IS_TABLE: "is_table", NO_TABLE: "no_table", GIVEN_BACK: "given_back", FRESH: "fresh", MINE: "mine"}[kind])(
                machine, frames[mfn], mfn, value)
        if kind == NOT_REFUSED:
            self.fail(f"{ATTEMPTS[value]} is refused", f"it was granted (frame {mfn:#x})", self.source("validate_l1") if value < 2 else "",
                      "Ask before the first reference is taken: whose frame is it, as what is it used, is there a conflicting use?")

    def is_table(self, _, frame, mfn, level):
        self.check(frame.type == level and frame.type_refs > 0, f"frame {mfn:#x} is an L{level} in use", str(frame), "",
                   "A table is a table as long as somebody refers to it as one.")

    def no_table(self, _, frame, mfn, level):
        self.check(not (frame.type == level and frame.type_refs > 0), f"frame {mfn:#x} is no L{level} in use any more", str(frame), "",
                   "When the last reference of a table goes, so does its type, and with it what its entries held.")

    def given_back(self, machine, frame, mfn, _):
        self.check(frame.owner != self.owner(machine), f"frame {mfn:#x}, given back, is the domain's no more", str(frame))
        seen = m2p(machine, mfn)
        self.check(seen == machine.numbers["INVALID_M2P"], f"no page for frame {mfn:#x}, given back, in the machine-to-physical table", f"{seen:#x}", "",
                   "A guest that reads the table must find no page where its frame was.")

    def fresh(self, machine, frame, mfn, _):
        self.check(frame.owner == self.owner(machine), f"frame {mfn:#x}, just given, is the domain's", str(frame))
        data = machine.ram[mfn << 12:(mfn + 1) << 12]
        self.check(not any(data), f"frame {mfn:#x} comes clean to its new owner", f"{4096 - data.count(0)} bytes that are not 0", "",
                   "What the last owner wrote is nobody else's business: scrub before use.")

    def mine(self, machine, frame, mfn, value):
        self.check(frame.owner == self.owner(machine), f"frame {mfn:#x} is still the domain's", str(frame))
        seen, = struct.unpack_from("<Q", machine.ram, mfn << 12)
        self.check(seen == value, f"frame {mfn:#x} still holds what its owner wrote, {value:#x}", f"{seen:#x}")


class Trees(NotesCase):
    """Trees of page tables, pinned, changed and unpinned; some are still pinned at the end."""

    guest, steps = "grade_tables", 3
    leaves_limbo = False


class Hostile(NotesCase):
    """Requests that must be refused, at random places."""

    guest, least = "grade_hostile", 90


class Reservation(NotesCase):
    """Frames given back and taken again, clean."""

    guest, steps, least = "grade_reservation", 2, 8

    def look_around(self, machine, frames):
        allocator_in_order(machine, frames)


class Start(Case):
    """Before any guest runs: what the allocator was given, and what the first domain has of it. Needs exercise 2.1 only."""

    def run(self):
        pages = self.random.randrange(8, 20) << 8
        text = f"name=first mem={pages >> 8}M vcpus=1 console=yes -- nonce=1"
        with self.boot(guests=[("grade_reservation", text)]) as machine:
            given = self._give(machine)
            self.check(given, "frames to give to the allocator", "none")
            frames = frametable.read(machine)
            wrong = [mfn for mfn in sorted(given) if frames[mfn].owner != machine.numbers["OWNER_FREE"] and frames[mfn].owner != machine.numbers["OWNER_KOAN"]]
            self.check(not wrong, "each frame that was given is free, or already the hypervisor's", f"frame {wrong[0]:#x}: {frames[wrong[0]]}" if wrong else "")
            allocator_in_order(machine, frames)
            machine.run_to("memory_pin_built_l4", "type_get", "writable_get_slow", expected="the first domain has its pages",
                           hint="Start-up asks for many pages before it comes there: `make run` says how far it gets.")
            frames = frametable.read(machine)
            allocator_in_order(machine, frames)
            domain, = frametable.domains(machine, machine.cr3())
            ident = machine.u32(domain + machine.numbers["struct domain.id"]) & 0xFFFF
            self._owned(machine, [mfn for mfn, frame in enumerate(frames) if frame.owner == ident], frames, pages, given)

    def _give(self, machine):
        """The frames of all calls of alloc_give, each with what a last owner could have left at both its ends and anywhere else."""
        given = set()
        self.mark = self.random.randbytes(16)
        while machine.run_to("alloc_give", "cpuid_init", expected="start-up gives memory to the allocator") == "alloc_give":
            registers = machine.gdb.registers()
            frames = range(max(1, registers["rdi"]), registers["rdi"] + registers["rsi"])
            self.check(given.isdisjoint(frames), "each frame is given to the allocator once", f"frames {frames[0]:#x} to {frames[-1]:#x} come again" if frames else "",
                       self.source("alloc_give"), "Start-up gives each range once: does alloc_give() come to its end?")
            given.update(frames)
            for mfn in frames:
                for at in (0, 4080, self.random.randrange(4080)):
                    machine.ram[(mfn << 12) + at:(mfn << 12) + at + 16] = self.mark
        return given

    def _owned(self, machine, own, frames, pages, given):
        private = [mfn for mfn in own if not frames[mfn].flags & machine.numbers["FRAME_SHARED"]]
        self.check(len(private) == pages, f"the domain has its {pages} frames", str(len(private)))
        self.check(set(own) <= given, "each of them came from the allocator", f"{len(set(own) - given)} did not")
        dirty = [mfn for mfn in own if self.mark in machine.ram[mfn << 12:(mfn + 1) << 12]]
        self.check(not dirty, "no frame of it holds what was there before", f"frame {dirty[0]:#x} and {len(dirty) - 1} more do" if dirty else "",
                   self.source("alloc_domain_page"), "What the last owner wrote is nobody else's business: scrub before use.")
        loose = [mfn for mfn in own if not frames[mfn].refs]
        self.check(not loose, "each frame of it has the allocation's reference", f"frame {loose[0]:#x}: {frames[loose[0]]}" if loose else "")
