"""A kernel that writes into its guest to have a verdict: the result page is sealed, and the guest's code is the grader's."""

import random
import struct
import subprocess
import tempfile
import unittest

import labfile
import seal
from elfread import Elf
from guestcase import GuestCase
from target import Failed
from whole import BUDGET, TREE, Whole

VERSION = "kernel/hypercall/version.c"
WRONG = "#define VERSION (4 << 16 | 17)", "#define VERSION (4 << 16 | 18)"
HEAD = "s64 hc_xen_version(u64 cmd, u64 arg, u64 a3, u64 a4, u64 a5, u64 a6)\n{\n"


class Forging(Whole):
    """The guest `version` on a kernel that answers wrongly."""

    TEST = labfile.Test("version", "guest", "tests/guests/version.c", instructions=BUDGET)
    FILES = [VERSION]

    def wrong(self, code=""):
        text = (self.base / VERSION).read_text(encoding="utf-8")
        self.assertIn(HEAD, text, "mend this test")
        return self.grade({VERSION: (text, text.replace(*WRONG).replace(HEAD, HEAD + code))})

    def test_the_reference_passes(self):
        self.assertEqual(self.grade({}).total, 10)

    def test_the_wrong_answer_fails(self):
        self.gains_nothing(self.wrong(), "version.c:17: xen_version(XENVER_version, NULL) answers 262162, not 262161")

    def test_a_guest_that_is_made_to_agree(self):
        """test_fail() becomes test_verdict(VERDICT_PASS, "ok"), by way of the direct map, where nothing is read-only."""
        guest = Elf(self.base / "build/grader/version")
        at, verdict = guest.symbols["test_fail"], guest.symbols["test_verdict"]
        base, data, _ = guest.segments[0]
        text = base + data.index(b"ok\0")
        jump = b"\xbf\x01\0\0\0" + b"\x48\xc7\xc6" + struct.pack("<I", text & 0xFFFFFFFF) + b"\x31\xc0\xe9"
        jump += struct.pack("<i", verdict - at - len(jump) - 4)
        code = f"""
            static const u8 jump[] = {{ {", ".join(map(str, jump))} }};
            asm volatile("mov %%cr0, %%rax; and $0xfffeffff, %%eax; mov %%rax, %%cr0" : : : "rax");
            memcpy((void *){at:#x}, jump, sizeof(jump));
        """
        result = self.gains_nothing(self.wrong(code), "other bytes")
        self.assertIn("code of the guest", result.expected)

    def test_a_page_that_was_written_into(self):
        """As by a kernel that has waited for a tick of the clock."""
        page = bytes(4088)
        case = GuestCase(None, random.Random(1), "1")
        case.setting = type("Setting", (), {"spec": self.TEST})
        machine = type("Machine", (), {"keys": {"version": b"0123456789abcdef"}})
        case.check_seal(machine, "version", page, seal.siphash(b"0123456789abcdef", page))
        with self.assertRaisesRegex(Failed, "under its seal"):
            case.check_seal(machine, "version", page[:24] + b"\1" + page[25:], seal.siphash(b"0123456789abcdef", page))

    def test_each_run_has_a_key_of_its_own(self):
        guest = Elf(self.base / "build/grader/version")
        first, again = (seal.with_key(guest, random.Random(number)) for number in (1, 2))
        self.assertNotEqual(first[1], again[1])
        self.assertEqual([data.count(key) for data, key in (first, again)], [1, 1])
        self.assertEqual(len(first[0]), len(guest.data))


class Seal(unittest.TestCase):
    """Both sides compute SipHash-2-4."""

    KEY = bytes(range(16))

    def test_the_papers_example(self):
        self.assertEqual(seal.siphash(self.KEY, bytes(range(15))), 0xA129CA6149BE45E5)

    def test_the_guests_side(self):
        """guests/lib/seal.c on this machine, with the paper's key in it as it stands."""
        sizes = (0, 1, 7, 8, 15, 4088)
        source = '#include <stdio.h>\n#include "seal.h"\nint main(void)\n{\n    static u8 bytes[4096];\n    for (int i = 0; i < 4096; i++)\n' \
                 "        bytes[i] = (u8)i;\n" + "".join(f'    printf("%lx\\n", seal(bytes, {size}));\n' for size in sizes) + "    return 0;\n}\n"
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        program = f"{folder.name}/seal"
        subprocess.run(["gcc", "-DKOAN_HOST", f"-I{TREE}/kernel", f"-I{TREE}/guests/lib", "-x", "c", "-o", program, "-", str(TREE / "guests/lib/seal.c")],
                       input=source, text=True, check=True)
        said = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
        data = bytes(i & 255 for i in range(4096))
        self.assertEqual([int(word, 16) for word in said], [seal.siphash(self.KEY, data[:size]) for size in sizes])


if __name__ == "__main__":
    unittest.main()
