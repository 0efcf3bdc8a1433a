"""The builder's ramdisk, and what its last words mean."""

import pathlib
import tempfile
import unittest

from koanrun import domu
from koanrun.errors import UsageError
from koanrun.machine import Module


class Pack(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def test_entries_point_at_the_files_which_are_put_in_once(self):
        image, ramdisk = self.file("image", b"I" * 5000), self.file("ramdisk", b"R" * 10)
        packed = domu.pack([Module(image, "one", 16, 2, "r", cmdline="a b"), Module(image, "two", 32),
                            Module(ramdisk, "r", kind="ramdisk")])
        self.assertEqual(domu.HEADER.unpack_from(packed), (domu.MAGIC, 2))
        one = domu.ENTRY.unpack_from(packed, domu.HEADER.size)
        two = domu.ENTRY.unpack_from(packed, domu.HEADER.size + domu.ENTRY.size)
        self.assertEqual((one[0].rstrip(b"\0"), one[5:8], one[8].rstrip(b"\0")), (b"one", (16 * 256, 2, 1), b"a b"))
        self.assertEqual(packed[one[1]:one[1] + one[2]], b"I" * 5000)
        self.assertEqual(packed[one[3]:one[3] + one[4]], b"R" * 10)
        self.assertEqual((two[1:5], two[7]), ((one[1], 5000, 0, 0), 2))

    def test_too_much_is_refused(self):
        image = self.file("image", b"I")
        with self.assertRaises(UsageError):
            domu.pack([Module(image, "long", cmdline="x" * 1024)])
        with self.assertRaises(UsageError):
            domu.pack([Module(image, f"g{i}") for i in range(65)])


class Endings(unittest.TestCase):
    def test_the_last_word_counts_and_no_domain_can_say_it(self):
        words = "builder: all domains have ended: "
        self.assertEqual(domu.ending_kind([words + "a guest crashed", "x"]), "crashed")
        self.assertEqual(domu.ending_kind([words + "all shut down cleanly"]), "clean")
        self.assertIsNone(domu.ending_kind([f"(guest) {words}all shut down cleanly"]))
