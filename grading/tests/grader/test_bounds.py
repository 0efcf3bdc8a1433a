"""What a stranger's file may cost and see while it is compiled: every attempt ends by itself, small and blind."""

import os
import pathlib
import tempfile
import time
import unittest

import sandbox

TREE = pathlib.Path(__file__).resolve().parents[3]
DISK = 200 << 20   # of all that an attempt may leave
BOMB = "#define A0 x x x x x x x x\n" + "".join(f"#define A{n} " + f"A{n - 1} " * 8 + "\n" for n in range(1, 12)) + "int A11;\n"


class Compiling(unittest.TestCase):
    """gcc on one file, in the sandbox."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def compile(self, text, *more):
        (self.folder / "a.c").write_text(text)
        return sandbox.run(["gcc", "-O2", "-c", *more, "a.c"], self.folder)

    def is_bounded(self, text):
        start = time.monotonic()
        done = self.compile(text)
        self.assertTrue(done.status or done.limit, done)
        self.assertNotEqual(done.limit, "wall", "an attempt of the student's must end by a limit of its own")
        size = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        self.assertLess(size, DISK)
        return done, time.monotonic() - start

    def test_an_honest_file(self):
        self.assertEqual(self.compile("int a;\n").status, 0)

    def test_a_huge_object(self):
        self.is_bounded('asm(".data\\n.fill 0x40000000, 1, 1");\n')

    def test_a_huge_table(self):
        self.is_bounded("char a[1ul << 40] = { 1 };\n")

    def test_a_file_without_end(self):
        self.is_bounded('#include "/dev/zero"\n')

    def test_macros_that_grow(self):
        self.is_bounded(BOMB)

    def test_an_inclusion_of_itself(self):
        self.is_bounded('#include "a.c"\n')

    def test_what_would_wait_for_somebody(self):
        for name in ("/dev/stdin", "/dev/tty", "/dev/console", "/proc/kmsg", "/dev/ptmx", "/proc/self/fd/0", "/proc/self/fd/1"):
            with self.subTest(name):
                self.is_bounded(f'#include "{name}"\nint a = ;\n')

    def test_a_flood_of_messages(self):
        done = sandbox.run(["yes"], self.folder)
        self.assertIn("MiB of output", done.limit)
        self.assertLessEqual(len(done.output), sandbox.OUTPUT)


class Sight(unittest.TestCase):
    """What can be seen and reached from inside."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(dir=TREE / os.environ.get("BUILD", "build"))
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def inside(self, script):
        return sandbox.run(["sh", "-c", script], self.folder).output

    def test_the_tree_is_not_there(self):
        for path in (TREE, TREE / "kernel", TREE / "grading/target.py", pathlib.Path.home(), pathlib.Path("/etc/passwd"), self.folder):
            with self.subTest(path=path):
                self.assertEqual(self.inside(f"test -e '{path}' && echo seen").strip(), "")

    def test_the_top_is_only_the_system(self):
        self.assertEqual(set(self.inside("ls /").split()) - {"bin", "dev", "etc", "lib", "lib64", "proc", "sbin", "submission", "tmp", "usr"}, set())
        self.assertEqual(set(self.inside("ls /etc").split()) - {"alternatives"}, set())

    def test_no_network_and_no_other_process(self):
        self.assertEqual(self.inside("tail -n +3 /proc/net/dev | cut -d: -f1").split(), ["lo"])
        numbers = [int(word) for word in self.inside("ls /proc").split() if word.isdigit()]
        self.assertLess(len(numbers), 6)

    def test_no_word_of_the_environment(self):
        os.environ["KOAN_SECRET_SEED"] = "4711"
        self.addCleanup(os.environ.pop, "KOAN_SECRET_SEED")
        said = self.inside("env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'")
        self.assertNotIn("4711", said)
        self.assertNotIn(str(TREE), said)

    def test_the_system_is_read_only(self):
        self.assertIn("status 1", self.inside("touch /usr/x 2>/dev/null; echo status $?"))

    def test_a_machine_gets_no_more(self):
        """The words before QEMU name no folder but its own."""
        words = sandbox.prefix(self.folder)
        binds = [words[at + 1] for at, word in enumerate(words) if word in ("--bind", "--ro-bind", "--ro-bind-try")]
        self.assertEqual(set(binds), {"/usr", "/etc/alternatives", str(self.folder)})


class Probe(unittest.TestCase):
    """Where there is no sandbox, it says why."""

    def setUp(self):
        self.addCleanup(setattr, sandbox, "_probed", sandbox._probed)
        sandbox._probed = None

    def test_it_works_here(self):
        self.assertEqual(sandbox.probe(), "")

    def fake(self, script):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        path = pathlib.Path(holder.name, "bwrap")
        path.write_text(script)
        path.chmod(0o755)
        self.addCleanup(os.environ.__setitem__, "PATH", os.environ["PATH"])
        os.environ["PATH"] = holder.name

    def test_what_is_missing(self):
        for said, word in (("bwrap: setting up uid map: Permission denied", "apparmor_restrict_unprivileged_userns"),
                           ("bwrap: No permissions to create a new namespace, likely because the kernel does not allow", "seccomp=unconfined"),
                           ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"),
                           ("bwrap: Creating new namespace failed: No space left on device", "max_user_namespaces"),
                           ("bwrap: something new", "something new")):
            with self.subTest(said):
                sandbox._probed = None
                self.fake(f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
                self.assertIn(word, sandbox.probe())
                self.assertIn(said, sandbox.probe())

    def test_no_bubblewrap(self):
        self.fake("")
        os.environ["PATH"] = "/nowhere"
        self.assertIn("bubblewrap", sandbox.probe())


if __name__ == "__main__":
    unittest.main()
