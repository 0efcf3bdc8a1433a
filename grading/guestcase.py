"""A test of kind `guest`: one of the tree's test guests (tests/guests/NAME.c) as the only domain of a machine.

The guest is stopped by its own code's addresses, not by what is printed. Its verdict is read from its result page, found through
the guest's page tables. It counts only with the fresh nonce in it and under a seal whose key stands in this run's image alone
(seal.py), and if the guest's code is what the grader gave. Then the frame table is recounted from outside, at the guest's verdict and
once more when the domain is gone. A kernel that would forge a verdict has to find the key in its guest and compute the seal, and
then its frames still have to be in order.
"""

import struct

import frametable
from case import Case

RESULT = struct.Struct("<QQQIIQQ")   # struct test_result in guests/lib/test.h
MAGIC = 0x747365546E616F4B
PASS, ERROR, SKIP, CRASH = 1, 3, 4, 5
RELEASE_OFFSET = 40
MAX_LOOKS = 200
LOOKS_FOR_TRACES = ("fresh_memory",)   # guests that look at what others have left in memory
TRACED = 24 << 8   # pages at each end of memory
TRACE = 64         # bytes, anywhere in a page: nobody knows where to scrub
AUDIT_HINT = "Recount by hand: 1 for the allocation, 1 for each entry that maps it, 1 for each pin and base pointer; type_refs for the uses that need the type."


class GuestCase(Case):
    """spec.run names the guest's source."""

    def run(self):
        name = self.setting.spec.name_of_guest
        nonce = self.random.getrandbits(63) | 1
        text = f"name={name} mem=16M vcpus=1 console=yes -- nonce={nonce:x} end=poweroff"
        with self.boot(guests=[(name, text)], options="audit=end") as machine:
            if name in LOOKS_FOR_TRACES:
                self.leave_traces(machine)
            guest = machine.guests[name]
            says, result = guest.symbols["print"], guest.symbols["test_result"]
            verdict = self.until_verdict(machine, says, guest.symbols["guest_panic"], result, name)
            data = machine.read(result, 4096)
            magic, _, seen_nonce, _, _, answer, _ = RESULT.unpack_from(data)
            said = data[RESULT.size:].split(b"\0")[0].decode("utf-8", "replace")
            self.check((magic, seen_nonce) == (MAGIC, nonce), "a verdict with this run's nonce", f"{seen_nonce:#x}", said)
            self.check_seal(machine, name, data[:-8], int.from_bytes(data[-8:], "little"))
            self.check_code(machine, name)
            # With the reference it can be set up (`make check-labs`), so it is the submission that refuses what it needs.
            self.check(verdict not in (ERROR, SKIP), f"tests/guests/{name}.c can be set up: what it asks for is allowed", said, self.place_in_guest(said))
            self.check(verdict in (PASS, CRASH), f"what tests/guests/{name}.c checks", said, self.place_in_guest(said))
            frametable.audit(machine, AUDIT_HINT)
            place = machine.mapping(result)
            struct.pack_into("<Q", machine.ram, place.pa + result % place.size + RELEASE_OFFSET, nonce)
            machine.run_to("machine_end", expected="the domain ends and the machine with it")
            code = machine.gdb.registers()["rdi"] & 0xFF
            wanted = 0x11 if verdict == CRASH else 0x10
            self.check(code == wanted, f"the machine ends with code {wanted:#x}", f"{code:#x}", machine.last_line())
            frames = frametable.audit(machine, AUDIT_HINT)
            left = [number for number, frame in enumerate(frames) if frame.owner < machine.numbers["OWNER_LIMBO"]]
            self.check(not left, "no frame is the domain's when it is gone", f"{len(left)} are, the first {left[0]:#x}" if left else "",
                       "", "Teardown has to come by each reference that the domain held.")

    def place_in_guest(self, said):
        """FILE:LINE of the check that failed, if what the guest says begins with one."""
        place = said.split(": ")[0]
        return f"tests/guests/{place}" if place.startswith(f"{self.setting.spec.name_of_guest}.c:") else place

    def leave_traces(self, machine):
        """Memory as a warm boot finds it, not zero as the emulator has it: the free pages that a small domain may get, from either end."""
        first, last = -(-machine.layout.core_end >> 12), len(machine.ram) >> 12
        trace = self.random.randbytes(TRACE)
        for page in (*range(first, first + TRACED), *range(last - TRACED, last)):
            at = (page << 12) + self.random.randrange(4096 - TRACE + 1)
            machine.ram[at:at + TRACE] = trace

    def until_verdict(self, machine, says, panics, result, name):
        """Run from line to line of the guest until its verdict stands."""
        for _ in range(MAX_LOOKS):
            at = machine.run_to(says, panics, "machine_end", expected=f"{name} comes to its verdict")
            if at == "machine_end":
                machine.settle()
                self.fail(f"{name} comes to its verdict", "the machine ended before", machine.last_line())
            if at == panics:
                self.fail(f"{name} runs", "it gave up", machine.last_line())
            verdict = machine.u32(result + 24)
            if verdict:
                return verdict
        self.fail(f"{name} comes to its verdict", f"nothing of it in {MAX_LOOKS} lines")
