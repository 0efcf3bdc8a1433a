#!/usr/bin/python3
"""Koan's GDB commands, tested by running GDB on a machine that stands still, on its dump, and on rubbish.

One machine with two guests is stopped where one of them asks for its shutdown. What the commands say is compared with what
others know: QEMU's own walk of the page tables, the guest's code bytes, the numbers that the machine was started with. The dump of the
same machine must show the same. The last line is `N passed, N failed`.
"""

import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import debug  # noqa: E402  (the path comes first)
from check import format_summary, run_suite  # noqa: E402
from koanrun import paths  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

LIMIT_SECONDS = 120
GUESTS = [("hello", 16), ("counter", 24)]
MARK = "=== "
# Shown from the live machine and from its dump alike.
COMMANDS = ["koan domains", "koan vcpus", "koan vcpus hello", "koan cpus", "koan trap frame", "koan trap frame hello.0",
            "koan walk koan_main", "koan frame 0", "koan trace 5"]


def run_gdb(*arguments, program=paths.KOAN_ELF):
    """One GDB in batch mode; returns what it printed."""
    command = ["gdb", "-q", "-nx", "-batch", "-iex", "set pagination off", "-iex", "set confirm off"]
    command += [str(program)] if program else []
    command += ["-ex", f"source {HERE / 'koan.py'}"]
    for argument in arguments:
        command += ["-ex", argument]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=LIMIT_SECONDS, check=False)
    return done.stdout


def marked(commands):
    """Each command behind a line that names it."""
    return [word for command in commands for word in (f"echo {MARK}{command}\\n", command)]


def split(output):
    """command -> its output."""
    parts = re.split(rf"^{MARK}(.*)\n", output, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


class Session:
    """The machine, what GDB said of it, and its dump; made once for all tests."""

    output = {}      # command -> text, from the live machine
    dumped = {}      # the same from the dump
    raw = ""

    @classmethod
    def make(cls):
        """Boot to the first guest's shutdown, ask, and dump."""
        if cls.raw:
            return
        port = debug.free_port()
        modules = [Module(paths.BUILD / "guests" / name, name, mem=mem) for name, mem in GUESTS]
        with Machine("koan", modules, mem=256, gdb=f"tcp:127.0.0.1:{port}", qmp=True, timeout=LIMIT_SECONDS) as machine:
            attach = [f"target remote 127.0.0.1:{port}"]
            first = attach + ["koan domains", "hbreak domain_shutdown", "continue"]
            # GDB leaves the machine as it stands: stopped.
            cls.raw = run_gdb(*first, f"echo {MARK}stopped\\n", "bt 5", *marked(COMMANDS), *cls.walk_commands(), "disconnect")
            target = machine.work / "core"
            machine.qmp.command("stop")
            debug.write_core(machine.qmp, target)
            cls.dumped = split(run_gdb(f"core-file {target}", *marked(COMMANDS)))
        cls.output = split(cls.raw)

    @staticmethod
    def walk_commands():
        """Walk the guest's rip and its start info both ways; the addresses come from the trap frame."""
        code = ("python import re; text = gdb.execute('koan trap frame', to_string=True); "
                "rip = int(re.search(r'rip (0x[0-9a-f]+)', text)[1], 16); "
                "gdb.execute('set $guest_rip = %d' % rip); "
                "print('GUEST-RIP %#x' % rip); "
                "print('CODE ' + bytes(gdb.selected_inferior().read_memory(rip - 2, 2)).hex()); "
                "print('WALK ' + gdb.execute('koan walk $guest_rip', to_string=True)); "
                "print('QEMU ' + gdb.execute('monitor gva2gpa %#x' % rip, to_string=True))")
        return [f"echo {MARK}walks\\n", code]


class Live(unittest.TestCase):
    """The commands on a stopped machine."""

    def setUp(self):
        Session.make()

    def out(self, command):
        """What a command printed."""
        self.assertIn(command, Session.output, Session.raw)
        return Session.output[command]

    def test_before_koan_runs(self):
        """Stopped at the machine's first instruction there is nothing to see, and that is what is said."""
        before = Session.raw.split(MARK, 1)[0]
        self.assertRegex(before, r"koan domains: cannot read memory .*0x[0-9a-f]+\)?: Koan may not have got that far")
        self.assertNotIn("Traceback", Session.raw)

    def test_stop_and_backtrace(self):
        text = self.out("stopped")
        self.assertRegex(text, r"#0 +domain_shutdown \(")
        self.assertRegex(text, r"syscall_\w+ \(\) at kernel/x86/entry\.asm:\d+")
        self.assertNotIn("warning:", text)

    def test_domains(self):
        lines = self.out("koan domains").strip().splitlines()
        self.assertEqual(len(lines), len(GUESTS), lines)
        for line, (name, mem) in zip(lines, GUESTS):
            self.assertRegex(line, rf"^domain \d+ {name}: unprivileged, (\d+) of {mem * 256} pages, 1 vCPUs")

    def test_vcpus(self):
        text = self.out("koan vcpus")
        for name, _ in GUESTS:
            self.assertRegex(text, rf"(?m)^{name}\.0: (running|runnable) on CPU 0, guest kernel mode$")
        self.assertEqual(text.count("kernel L4 0x"), len(GUESTS))
        self.assertNotIn("counter", self.out("koan vcpus hello"))

    def test_cpus(self):
        self.assertRegex(self.out("koan cpus"), r"^CPU 0: runs (hello|counter)\.0, locks held: none, CR3 0x[0-9a-f]+000,")

    def test_trap_frame(self):
        text = self.out("koan trap frame")
        self.assertRegex(text, r"SYSCALL \(vector 0x[0-9a-f]+\), interrupted ring 3 \(guest\)")
        self.assertRegex(Session.output["walks"], r"(?m)^CODE 0f05$")  # rip stands behind a SYSCALL instruction
        self.assertRegex(text, r"rax 0x000000000000001d")              # sched_op, number 29

    def test_walk_against_qemu(self):
        walks = self.out("walks")
        ours = re.search(r"= machine address (0x[0-9a-f]+), in a page", walks)
        qemus = re.search(r"gpa: (0x[0-9a-f]+)", walks)
        self.assertTrue(ours and qemus, walks)
        self.assertEqual(int(ours[1], 16), int(qemus[1], 16))
        self.assertRegex(walks, r"-> frame 0x[0-9a-f]+: owner domain \d+ \((hello|counter)\), type L3")

    def test_walk_of_hypervisor_code(self):
        self.assertRegex(self.out("koan walk koan_main"), r"owner the hypervisor, .*\n= machine address 0x[0-9a-f]+, in a")

    def test_frame(self):
        text = self.out("koan frame 0")
        self.assertRegex(text, r"^frame 0x0 \(machine address 0x0\): owner ")

    def test_dump_shows_the_same(self):
        for command in COMMANDS:
            live, dumped = Session.output.get(command), Session.dumped.get(command)
            self.assertTrue(dumped, f"{command} says nothing of the dump")
            self.assertEqual(live, dumped, command)


class Rubbish(unittest.TestCase):
    """Whatever is typed, a line comes back, and GDB lives."""

    def test_without_a_program(self):
        text = run_gdb("koan domains", "koan frame 1", "koan walk 0", "koan trap frame", "koan trace", "echo ALIVE\\n", program=None)
        self.assertNotIn("Traceback", text)
        self.assertEqual(len(re.findall(r"^koan \w+: ", text, re.M)), 5, text)
        self.assertIn("ALIVE", text)

    def test_without_a_machine(self):
        commands = ["koan domains", "koan vcpus", "koan vcpus nobody", "koan cpus", "koan frame", "koan frame x+", "koan frame -1",
                    "koan frame 99999999999999999999999", "koan walk", "koan walk 0x800000000000", "koan walk 0 in", "koan walk 0 in nobody",
                    "koan walk 0 on hello", "koan trap frame 1", "koan trap frame a b c", "koan trace x", "koan", "koan nonsense", "koan domains x"]
        text = run_gdb(*marked(commands), "echo ALIVE\\n")
        self.assertNotIn("Traceback", text)
        self.assertNotIn("Python Exception", text)
        self.assertIn("ALIVE", text)
        said = split(text)
        for command in commands:
            self.assertTrue(said.get(command, "").strip(), f"{command} says nothing:\n{text}")

    def test_help_and_completion(self):
        text = run_gdb("help koan", "help koan walk", "complete koan ", "complete koan tr", "complete koan trap ", "complete koan walk 0 ")
        for name in ("domains", "vcpus", "cpus", "frame", "walk", "trap", "trace"):
            self.assertRegex(text, rf"(?m)^koan {name} -- [A-Z].*\.$")
            self.assertRegex(text, rf"(?m)^koan {name}$")
        self.assertRegex(text, r"(?m)^koan trap frame$")
        self.assertRegex(text, r"(?m)^koan walk 0 in$")
        self.assertIn("koan walk VA in DOMAIN", text)


def main():
    """Run them all and end in the line that `make check` adds up."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    counts = run_suite(suite, verbosity=2)
    print(format_summary(*counts))
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
