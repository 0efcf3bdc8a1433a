#!/usr/bin/python3
"""The reports of kernel/debug: panics, backtraces, crash reports, the audit, the keys, the watch over stuck CPUs.

    test_debug.py [TEST...]      names of test methods; default all

Each test boots a machine whose hypervisor is told to fail (`test=NAME`, kernel/debug/selftest.c), or whose guest fails, and
reads what comes out on the serial line. Symbols are not believed: the address that stands beside each is looked up in the
ELF file's own symbol table. The last line is `N passed, N failed`.
"""

import concurrent.futures
import pathlib
import re
import struct
import sys
import time
import unittest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))

from check import format_summary  # noqa: E402  (the path comes first)
from koanrun import paths  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

LIMIT_SECONDS = 120
CALL = re.compile(r"\(koan\)   #(\d+) +([0-9a-f]{16}) (\S+)\+0x([0-9a-f]+)$")


def symbols_of(path):
    """name -> list of addresses, from an ELF file's symbol table."""
    data = pathlib.Path(path).read_bytes()
    sections_at, = struct.unpack_from("<Q", data, 0x28)
    count, = struct.unpack_from("<H", data, 0x3C)
    sections = [struct.unpack_from("<IIQQQQII", data, sections_at + 64 * i) for i in range(count)]
    found = {}
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            end = data.index(b"\0", names + name)
            found.setdefault(data[names + name:end].decode(), []).append(value)
    return found


def boot(options="", guest="hello", cmdline="", cpus=None, privileged=False, **more):
    """Run a machine with one guest to its end. cpus: the host CPUs that the guest may have."""
    folder = paths.BUILD / ("tests/guests" if guest in ("unknown_hypercall", "nmi") else "guests")
    with Machine("koan", [Module(folder / guest, guest, mem=16, cmdline=cmdline, cpus=cpus, privileged=privileged)], options,
                 timeout=LIMIT_SECONDS, mem=256, **more) as machine:
        machine.wait()
    return machine


class Report(unittest.TestCase):
    """What every test here needs."""

    def has(self, machine, pattern):
        """The first line that matches; fails with the whole output."""
        for line in machine.output:
            if re.search(pattern, line):
                return line
        self.fail(f"no line matches {pattern!r} in:\n" + "\n".join(machine.output))
        return ""

    def backtrace(self, machine, elf=paths.KOAN_ELF):
        """The functions of the first backtrace, after its addresses have been checked against the ELF file."""
        symbols = symbols_of(elf)
        start = next((i for i, line in enumerate(machine.output) if line.startswith("(koan) backtrace:")), None)
        self.assertIsNotNone(start, "no backtrace in:\n" + "\n".join(machine.output))
        names = []
        for number, line in enumerate(machine.output[start + 1:]):
            match = CALL.match(line)
            if not match:
                break
            self.assertEqual(int(match[1]), number, line)
            self.assertIn(int(match[2], 16) - int(match[4], 16), symbols.get(match[3], []), f"wrong symbol: {line}")
            names.append(match[3].partition(".")[0])  # the compiler names its variants NAME.constprop.0
        return names

    def in_order(self, names, wanted):
        """The wanted functions are there, innermost first, others between them or not."""
        rest = iter(names)
        self.assertTrue(all(name in rest for name in wanted), f"{wanted} are not in this order in {names}")


class Panics(Report):
    """The hypervisor fails: exit status, message, place."""

    def panic(self, name, message, functions, caller="debug_selftest", **more):
        """Boot with test=NAME and check the report."""
        machine = boot(f"test={name}", **more)
        self.has(machine, r"^\(koan\) PANIC: " + message)
        self.in_order(self.backtrace(machine), functions + [caller])
        self.assertEqual(machine.ending.kind, "panic", "\n".join(machine.output))
        return machine

    def test_panic(self):
        machine = self.panic("panic", "test=panic: this was asked for$", ["selftest_panic_inner", "selftest_panic"], smp=4)
        self.has(machine, r"CPU 0, running no guest, locks held: none")
        for cpu in (1, 2, 3):
            self.has(machine, rf"^\(koan\) CPU {cpu} was in (\w+\+0x|a guest)")

    def test_assert(self):
        source = (TREE / "kernel/debug/selftest.c").read_text().splitlines()
        line = next(i for i, text in enumerate(source, 1) if "assert(sink == 12345)" in text)
        self.panic("assert", rf"kernel/debug/selftest\.c:{line}: assertion failed: sink == 12345$", ["selftest_assert"])

    def test_fault(self):
        machine = self.panic("fault", r"page fault in selftest_fault\+0x[0-9a-f]+ at address ffff80fffffff000 "
                             r"\(error 0x2: write in supervisor mode, no page there\)", ["selftest_fault"])
        self.has(machine, r"rip e008:")

    def test_invalid_instruction(self):
        self.panic("ud", r"exception 6 \(#UD invalid opcode\) in selftest_ud\+0x", ["selftest_ud"])

    def test_double_fault(self):
        self.panic("df", r"double fault in selftest_recurse\+0x.*a stack has overflowed into its guard page",
                   ["selftest_recurse"] * 20, "selftest_recurse")

    def test_lock_order(self):
        levels = dict(re.findall(r"\b(LOCK_\w+) = (\d+),", (paths.TREE / "kernel/x86/lock.h").read_text(encoding="utf-8")))
        wanted = f"lock .* of level {int(levels['LOCK_DOMAIN']):#x} taken while levels {int(levels['LOCK_ALLOC']):#x} are held"
        self.panic("lockorder", wanted, ["lock_order_panic", "selftest_lockorder"])

    def test_fault_inside_a_panic(self):
        machine = boot("test=nested")
        self.has(machine, r"PANIC: test=nested")
        self.has(machine, r"PANIC inside the report of a panic: page fault in \w+\+0x[0-9a-f]+ at address ffff80fffffff")
        self.assertEqual(machine.ending.kind, "panic")


class Screen(Report):
    """A server without a serial cable: the screen must show the panic, whose beginning has scrolled away."""

    def test_panic_on_the_screen(self):
        folder = paths.BUILD / "guests"
        with Machine("koan", [Module(folder / "hello", "hello", mem=16)], "test=panic console=com1,vga end=halt", timeout=LIMIT_SECONDS,
                     mem=256, qmp=True) as machine:
            for line in machine.lines():
                if line.startswith("(koan) The hypervisor has stopped"):
                    break
            for _ in range(100):   # the serial line has it first
                rows = self.text_screen(machine)
                shown = "\n".join(rows)
                if "The hypervisor has stopped" in shown:
                    break
                time.sleep(0.1)
        self.assertEqual(len(rows), 25)
        for wanted in (r"backtrace:", r"#0 .*selftest_panic_inner\+0x", r"#1 .*selftest_panic\+0x", r"CPU 0, running no guest",
                       r"The hypervisor has stopped: test=panic: this was asked for"):
            self.assertRegex(shown, wanted)

    @staticmethod
    def text_screen(machine):
        """The 25 lines of VGA text memory."""
        words = []
        for line in machine.qmp.monitor("xp /2000xh 0xb8000").splitlines():
            words += [int(word, 16) for word in line.partition(":")[2].split()]
        text = "".join(chr(word & 0xFF) if 32 <= word & 0xFF < 127 else " " for word in words)
        return [text[i:i + 80] for i in range(0, len(text), 80)]


class GoesOn(Report):
    """Reports after which the machine goes on to a clean end."""

    def clean(self, machine):
        self.assertEqual(machine.ending.kind, "clean", "\n".join(machine.output))

    def test_nmi_passed_on_to_dom0(self):
        machine = boot("test=nmi", "nmi", "hardware", privileged=True)
        self.has(machine, r"^\(nmi\) RESULT [0-9a-f]+ PASS nmi")
        self.clean(machine)

    def test_nmi_from_the_hardware(self):
        machine = boot("test=nmi")
        self.has(machine, r"^\(koan\) CPU 0 got an NMI from the hardware .*, in selftest_nmi$")
        self.in_order(self.backtrace(machine), ["selftest_nmi", "debug_selftest"])
        self.clean(machine)

    def test_stuck_cpu(self):
        machine = boot("test=stuck", smp=2, cpus="0")  # the guest waits for the stuck one: the machine doesn't end meanwhile
        self.has(machine, r"^\(koan\) CPU 0 has been stuck in the hypervisor for 5 seconds, in \w+$")
        self.in_order(self.backtrace(machine), ["selftest_stuck", "debug_selftest"])
        self.has(machine, r"test=stuck: going on")
        self.clean(machine)

    def test_audit_finds_what_is_wrong(self):
        machine = boot("test=audit audit=end")
        self.assertIn("(koan) test=audit: clean before", machine.output)
        broken = [line for line in machine.output if line.startswith("(koan) test=audit: broken on purpose:")]
        self.assertGreaterEqual(len(broken), 12, "\n".join(machine.output))
        for line in broken:
            found = machine.output[machine.output.index(line) + 1:]
            self.assertRegex(found[0], r"^\(koan\) audit: (frame 0x[0-9a-f]+ \(|the |domain )", line)
        self.assertIn("(koan) test=audit: clean after", machine.output)
        self.clean(machine)

    def test_audit_after_a_domain(self):
        machine = boot("audit=end trace=never test=nonsense")
        self.has(machine, r"option trace=never: no such value")
        self.has(machine, r"option test=nonsense: no such test")
        line = self.has(machine, r"^\(koan\) audit: hello: clean \(\d+ frames\)$")
        frames = int(re.search(r"\((\d+) frames", line)[1])
        self.assertTrue(0.9 * 256 * 256 < frames <= 256 * 256, f"a machine of 256 MiB, but {line}")
        self.clean(machine)


class Crash(Report):
    """A guest crashes: who, why, where."""

    def test_crash_report(self):
        machine = boot("", guest="crasher")
        elf = paths.BUILD / "guests" / "crasher"
        self.has(machine, r"^\(koan\) crasher crashed: ")
        self.has(machine, r"^\(koan\) crasher \(domain \d+, vCPU 0\) was in guest kernel mode at [0-9a-f]+ write_through\+0x")
        self.has(machine, r"last fault address 00000000dead0000")
        self.has(machine, r"code around rip: .*<[0-9a-f]{2}>")
        self.in_order(self.backtrace(machine, elf), ["write_through", "lose_the_way", "walk_in_the_dark", "main"])
        self.assertEqual(machine.ending.kind, "crashed")


def boot_waiting(then, options="", **more):
    """Run a guest that waits for a word that never comes; once it does, call THEN with the machine."""
    module = Module(paths.BUILD / "tests/guests/unknown_hypercall", "waiter", mem=16, cmdline="nonce=123456789abcdef0")
    with Machine("koan", [module], options, timeout=LIMIT_SECONDS, mem=256, **more) as machine:
        for line in machine.lines():
            if "RESULT " in line:
                then(machine)
    return machine


class MachineCheck(Report):
    """QEMU injects a machine check: an error that the processor could not correct."""

    def test_machine_check(self):
        machine = boot_waiting(lambda m: m.qmp.monitor("mce 0 1 0xb200000000000000 5 0 0"), qmp=True)
        self.has(machine, r"^\(koan\) PANIC: machine check on CPU 0: ")
        self.has(machine, r"^\(koan\) machine-check bank 1: status b200000000000000")
        self.has(machine, r"CPU 0, running waiter \(domain 1, vCPU 0\)")
        self.assertEqual(machine.ending.kind, "panic", "\n".join(machine.output))


class Keys(Report):
    """The hypervisor's keys, while a guest runs."""

    def test_keys(self):
        machine = boot_waiting(lambda m: m.write(b"\x1d" + b"hdrmatZq"), "trace=switch,type,domain")  # Ctrl-]: to the hypervisor
        self.has(machine, r"^\(koan\)   d +domains and their vCPUs")
        self.has(machine, r"^\(koan\) domain 1 waiter: unprivileged, (4096|\d+) of 4096 pages, 1 vCPUs")
        self.has(machine, r"vCPU 0 on CPU 0: running, in guest kernel mode")
        self.has(machine, r"CPU 0, running waiter \(domain 1, vCPU 0\), locks held: none")
        self.has(machine, r"\d+ frames: \d+ of guests, \d+ free")
        self.has(machine, r"audit: all domains: clean")
        self.has(machine, r"d1v0 +refused with -38 at hypercall/dispatch.c:\d+, value 0x[0-9a-f]+")  # -ENOSYS
        self.has(machine, r" cpu 0 +- +domain +0x1 0$")
        self.has(machine, r" cpu 0 +- +type +0x[0-9a-f]+ 0x4$")  # the first L4
        self.has(machine, r" cpu 0 +- +switch +0x1 0$")
        self.has(machine, r"key Z does nothing")
        self.assertEqual(machine.ending.kind, "clean", "\n".join(machine.output))


def all_tests(suite):
    """The single tests of nested suites."""
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from all_tests(part)
        else:
            yield part


def run_one(test):
    """Run one test by itself; returns its name and what went wrong."""
    result = unittest.TestResult()
    test.run(result)
    return test.id().split(".")[-1], [text for _, text in result.failures + result.errors]


def main(names):
    """Run them, two machines at a time, and end in the line that `make check` adds up."""
    tests = [test for test in all_tests(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
             if not names or test.id().split(".")[-1] in names]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, wrong in pool.map(run_one, tests):
            print(f"{name}: {'FAIL' if wrong else 'ok'}", flush=True)
            for text in wrong:
                print(text, flush=True)
            failed += bool(wrong)
    print(format_summary(len(tests) - failed, failed, 0))
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
