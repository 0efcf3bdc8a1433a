"""koan-run's options: names, memory, refusals; and what stands on the screen."""

import contextlib
import io
import unittest
from unittest import mock

from koanrun import cli, console
from koanrun.errors import UsageError
from koanrun.machine import Machine, Module


def parse(*words):
    return cli.parser().parse_args(list(words))


class Names(unittest.TestCase):
    def test_from_the_file_name(self):
        self.assertEqual(cli.guest_names(["build/guests/hello", "/x/vmlinuz-6.1.0-56-cloud"]),
                         ["hello", "vmlinuz-6-1-0-56-cloud"])

    def test_no_two_alike_and_none_of_koans_own(self):
        names = cli.guest_names(["a/hello", "b/hello", "c/hello", "koan", "x" * 40, "y/" + "x" * 40])
        self.assertEqual(names[:4], ["hello", "hello-2", "hello-3", "koan-2"])
        self.assertEqual(len(set(names)), 6)
        self.assertTrue(all(len(name) <= cli.NAME_LENGTH for name in names))

    def test_hostile_file_names(self):
        for name in cli.guest_names(["a b", "$(id)", "'", "..", "-", "ü", "a=b"]):
            self.assertRegex(name, r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")


class Options(unittest.TestCase):
    def bad_use(self, *words):
        with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as caught:
            parse(*words)
        self.assertEqual(caught.exception.code, 2)
        return said.getvalue()

    def test_bad_use_ends_with_2(self):
        self.bad_use()
        self.bad_use("--on", "vmware", "guest")
        self.bad_use("--machine", "isapc", "guest")
        self.assertIn("'0'", self.bad_use("--mem", "0", "guest"))
        self.assertIn("'-1'", self.bad_use("--smp=-1", "guest"))
        self.assertIn("'soon'", self.bad_use("--timeout", "soon", "guest"))
        self.bad_use("--timeout", "inf", "guest")

    def test_a_missing_guest_ends_with_2_and_names_it(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(cli.main(["no/such/guest"]), 2)
        self.assertIn("no/such/guest", said.getvalue())

    def test_only_the_first_guest_is_dom0(self):
        with mock.patch("koanrun.images.kind", return_value="elf"):
            modules = cli.modules_of(parse("--dom0", "--mem", "32", "--vcpus", "2", "--cmdline", "x", "a", "b"))
        self.assertEqual([m.privileged for m in modules], [True, False])
        self.assertEqual([m.mem for m in modules], [32, 32])
        self.assertEqual(modules[1].keys(), [("name", "b"), ("mem", "32M"), ("vcpus", "2"), ("console", "yes")])

    def test_memory_by_kind_of_image(self):
        with mock.patch("koanrun.images.kind", side_effect=["elf", "bzimage"]):
            self.assertEqual([m.mem for m in cli.modules_of(parse("a", "b"))], [64, 256])

    def test_the_ramdisk_is_a_module_of_its_own(self):
        with mock.patch("koanrun.images.kind", return_value="elf"):
            guest, ramdisk = cli.modules_of(parse("--ramdisk", "file", "a"))
        self.assertIn(("ramdisk", "ramdisk"), guest.keys())
        self.assertEqual(ramdisk.keys(), [("name", "ramdisk"), ("kind", "ramdisk")])


class OptionsForKoan(unittest.TestCase):
    def options(self, text):
        return Machine("koan", [], text).koan_options().split()

    def test_defaults_unless_given(self):
        self.assertEqual(self.options(""), ["console=com1", "end=exit"])
        self.assertEqual(self.options("console=com1,vga audit=end"), ["console=com1,vga", "audit=end", "end=exit"])

    def test_a_budget_needs_icount(self):
        with self.assertRaisesRegex(UsageError, "icount"):
            Machine("koan", [Module("x")], budget=1000)


class Screen(unittest.TestCase):
    def display(self, hypervisor, *guests):
        return console.Display(hypervisor, list(guests), io.StringIO(), io.StringIO())

    def test_one_guest_has_no_prefix(self):
        shown = self.display("koan", "hello")
        shown.line("(koan) boot")
        shown.line("(hello) hi (hello) there")
        self.assertEqual((shown.out.getvalue(), shown.err.getvalue()), ("hi (hello) there\n", "(koan) boot\n"))

    def test_koans_last_word_in_bochs_is_no_guests(self):
        shown = self.display("koan", "hello")
        shown.line("KOAN-END 0x10")
        self.assertEqual((shown.out.getvalue(), shown.err.getvalue()), ("", "KOAN-END 0x10\n"))

    def test_several_guests_keep_theirs(self):
        shown = self.display("koan", "a", "b")
        shown.line("(a) one")
        shown.line("(b) two")
        self.assertEqual(shown.out.getvalue(), "(a) one\n(b) two\n")

    def test_xens_dom0_prints_plain(self):
        shown = self.display("xen", "hello")
        shown.line("(XEN) boot")
        shown.line("hi")
        self.assertEqual((shown.out.getvalue(), shown.err.getvalue()), ("hi\n", "(XEN) boot\n"))

    def test_an_unfinished_line_is_shown_once(self):
        shown = self.display("koan", "sh")
        for partial in ("(s", "(sh) ", "(sh) $", "(sh) $ l"):
            shown.partial(partial)
        self.assertEqual(shown.out.getvalue(), "$ l")
        shown.line("(sh) $ ls")
        self.assertEqual(shown.out.getvalue(), "$ ls\n")

    def test_keys(self):
        keys = console.Keys()
        self.assertEqual(keys.feed(b"ab\x1d\x01\x01c"), b"ab\x1d\x01c")
        self.assertFalse(keys.leave or keys.help)
        self.assertEqual(keys.feed(b"\x01"), b"")
        self.assertEqual(keys.feed(b"h"), b"")
        self.assertTrue(keys.help)
        keys.feed(b"\x01x")
        self.assertTrue(keys.leave)


class SerialLine(unittest.TestCase):
    def test_firmware_and_boot_loader_are_kept_apart(self):
        machine = Machine("koan", [])
        self.assertEqual(machine.take(b"BdsDxe: starting\r\n\x1b[2J\x1b[01;01H(koan) one\r\n(a) t"), ["(koan) one"])
        self.assertEqual(machine.partial, "(a) t")
        self.assertEqual(machine.take(b"wo\n"), ["(a) two"])
        self.assertEqual(machine.preamble, ["BdsDxe: starting"])
        self.assertEqual(machine.output, ["(koan) one", "(a) two"])

    def test_xens_last_words_end_the_run(self):
        machine = Machine("xen", [Module("x")])
        machine.take(b"(XEN) Xen version 4.17\n(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds.\n")
        self.assertEqual(machine.ending.status, 1)


if __name__ == "__main__":
    unittest.main()
