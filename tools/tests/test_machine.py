"""A whole run of koanrun, from boot image to ending, with a stub in Koan's place (stub.asm)."""

import pathlib
import subprocess
import tempfile
import unittest

from koanrun.errors import UsageError
from koanrun.machine import Machine, Module

HERE = pathlib.Path(__file__).resolve().parent
LOAD_AT = 0x100000
# A broken runner shall not hang the tests; no verdict hangs on this.
LIMIT_SECONDS = 60


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "guest").write_bytes((b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + b"\x3e\0").ljust(300, b"\0"))

    def stub(self, end):
        out = self.folder / "stub"
        subprocess.run(["nasm", "-f", "elf32", f"-DEND={end}", "-o", f"{out}.o", HERE / "stub.asm"], check=True)
        subprocess.run(["ld", "-m", "elf_i386", f"-Ttext={LOAD_AT:#x}", "--section-start=.header=0xff000",
                        "-o", out, f"{out}.o"], check=True)
        return out

    def machine(self, end, **more):
        more.setdefault("timeout", LIMIT_SECONDS)
        return Machine("koan", [Module(self.folder / "guest", "one", 32, cmdline=more.pop("cmdline", ""))], "audit=end",
                       mem=64, koan_elf=self.stub(end), **more)

    def test_codes_become_statuses_and_lines_arrive(self):
        for end, status in ((0x10, 0), (0x13, 3)):
            with self.machine(end, cmdline="a  b $c ;d {e}") as machine:
                self.assertEqual(list(machine.lines()),
                                 ["(koan) stub", "(koan) line: audit=end console=com1 end=exit",
                                  "(koan) line: name=one mem=32M vcpus=1 console=yes -- a  b $c ;d {e}"])
            self.assertEqual(machine.ending.status, status)
            self.assertFalse(machine.work.exists(), "the run's folder is still there")

    def test_a_triple_fault_is_a_reset(self):
        with self.machine(1) as machine:
            self.assertEqual((machine.wait().kind, machine.ending.status), ("reset", 3))

    def test_a_hang_ends_at_the_budget_of_instructions(self):
        with self.machine(0, icount=True, budget=500_000_000) as machine:
            self.assertEqual((machine.wait().kind, machine.ending.status), ("budget", 124))
        self.assertIsNotNone(machine.process.poll(), "the emulator still runs")

    def test_a_hang_ends_at_the_limit_of_time(self):
        with self.machine(0, timeout=3) as machine:
            self.assertEqual((machine.wait().kind, machine.ending.status), ("timeout", 124))
        self.assertIsNotNone(machine.process.poll(), "the emulator still runs")

    def test_leaving_the_block_kills_the_emulator(self):
        with self.machine(0) as machine:
            self.assertIsNone(machine.process.poll())
        self.assertIsNotNone(machine.process.poll())
        self.assertEqual(machine.ending.kind, "stopped")

    def test_memory_is_seen_from_outside(self):
        ram = self.folder / "ram"
        with self.machine(0, ram_file=ram) as machine:
            for line in machine.lines():
                if "name=one" in line:
                    break
            # The stub's own first word stands where it was loaded and the one that it wrote behind it.
            self.assertIn(b"Koan", ram.read_bytes()[LOAD_AT:LOAD_AT + 0x10000])

    def test_what_qemu_refuses_is_told(self):
        with self.machine(0x10, cpu="no-such-model") as machine:
            machine.wait()
        self.assertEqual(machine.ending.status, 2)
        self.assertIn("no-such-model", machine.ending.detail)

    def test_a_guest_that_is_not_there(self):
        with self.assertRaisesRegex(UsageError, "nothing-here"):
            Machine("koan", [Module("nothing-here")], koan_elf=self.stub(0x10)).start()


if __name__ == "__main__":
    unittest.main()
