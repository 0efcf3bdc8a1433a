"""How a run ended: codes, statuses and Xen's words."""

import unittest

from koanrun import endings

# The words of a real Xen 4.17 console, as seen in runs.
XEN_CRASH = "(XEN) Hardware Dom0 crashed: rebooting machine in 5 seconds."
XEN_CLEAN = "(XEN) Hardware Dom0 shutdown: rebooting machine"
XEN_HALT = "(XEN) Hardware Dom0 halted: halting machine"


class Koan(unittest.TestCase):
    def test_statuses_of_qemu(self):
        # isa-debug-exit: status = code * 2 + 1; koan-run's statuses are those of its --help.
        for status, kind, out in ((33, "clean", 0), (35, "crashed", 1), (37, "bad-image", 2), (39, "panic", 3)):
            ending = endings.of_koan_in_qemu(status)
            self.assertEqual((ending.kind, ending.status), (kind, out))

    def test_a_reset_is_the_hypervisors_fault(self):
        self.assertEqual(endings.of_koan_in_qemu(0).status, 3)

    def test_an_emulator_that_did_not_start(self):
        ending = endings.of_koan_in_qemu(1, "qemu: no such CPU")
        self.assertEqual((ending.kind, ending.status, ending.detail), ("emulator", 2, "qemu: no such CPU"))
        self.assertEqual(endings.of_koan_in_qemu(-9).kind, "emulator")
        self.assertEqual(endings.of_koan_in_qemu(None).kind, "emulator")

    def test_a_code_that_koan_has_not_is_no_success(self):
        for status in (3, 31, 41, 255):
            self.assertNotEqual(endings.of_koan_in_qemu(status).status, 0, status)

    def test_bochs(self):
        for line, status in (("(koan) KOAN-END 10", 0), ("KOAN-END 0x11", 1), ("KOAN-END 12", 2), ("KOAN-END 13", 3)):
            self.assertEqual(endings.of_koan_in_bochs(["(koan) hello", line]).status, status)
        self.assertEqual(endings.of_koan_in_bochs(["(koan) hello"]).kind, "reset")
        self.assertEqual(endings.of_koan_in_bochs([]).kind, "emulator")

    def test_a_guest_cannot_end_a_run_in_bochs(self):
        # A guest's line has its prefix; only Koan's own line counts.
        self.assertEqual(endings.of_koan_in_bochs(["(hello) KOAN-END 10"]).kind, "reset")

    def test_limits(self):
        self.assertEqual(endings.Ending("timeout").status, 124)
        self.assertEqual(endings.Ending("budget").status, 124)


class Xen(unittest.TestCase):
    def test_words(self):
        for line, kind in ((XEN_CRASH, "crashed"), (XEN_CLEAN, "clean"), (XEN_HALT, "clean")):
            self.assertEqual(endings.of_xen(["(XEN) Xen version 4.17", line]).kind, kind)

    def test_a_panic_outranks_a_crash(self):
        lines = ["(XEN) Panic on CPU 0:", "(XEN) FATAL TRAP: vec 14", XEN_CRASH]
        self.assertEqual(endings.of_xen(lines).status, 3)

    def test_an_image_that_xen_cannot_build(self):
        lines = ["(XEN) Panic on CPU 0:", "(XEN) Could not construct domain 0"]
        self.assertEqual(endings.of_xen(lines).status, 2)

    def test_a_guest_cannot_speak_for_xen(self):
        self.assertIsNone(endings.of_xen(["Hardware Dom0 shutdown: rebooting machine"]))

    def test_nothing_said_yet(self):
        self.assertIsNone(endings.of_xen(["(XEN) Xen version 4.17"]))


if __name__ == "__main__":
    unittest.main()
