"""Guest images: what is taken, and the words of what is refused."""

import gzip
import lzma
import pathlib
import struct
import subprocess
import tempfile
import unittest
from unittest import mock

from koanrun import images, paths
from koanrun.errors import UsageError


def elf(machine=62, bits=2, order=1, size=200):
    """An ELF header that says what the arguments say, and zeros after it."""
    head = b"\x7fELF" + bytes([bits, order, 1]) + bytes(9) + struct.pack("<HH", 2, machine)
    return head.ljust(size, b"\0")


def bzimage(payload, protocol=0x20F, sectors=3, offset=0x40, length=None):
    """A bzImage by the boot protocol's document: set-up sectors, then the protected-mode part."""
    data = bytearray((sectors + 1) * 512 + offset)
    data[0x1F1] = sectors
    data[0x1FE:0x200] = b"\x55\xaa"
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", data, 0x206, protocol)
    struct.pack_into("<II", data, 0x248, offset, len(payload) if length is None else length)
    return bytes(data) + payload


def size_of(data):
    """The size word that ends a payload."""
    return struct.pack("<I", len(data))


class Images(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        patch = mock.patch.object(paths, "CACHE", self.folder / "cache")
        patch.start()
        self.addCleanup(patch.stop)

    def file(self, data, name="guest"):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def refused(self, data, words):
        path = self.file(data)
        with self.assertRaisesRegex(UsageError, words) as caught:
            images.elf_of(path)
        self.assertIn(str(path), str(caught.exception))

    def test_elf_as_it_is(self):
        path = self.file(elf())
        self.assertEqual(images.elf_of(path), path)

    def test_wrong_elf(self):
        self.refused(elf(bits=1), "ELF class 1")
        self.refused(elf(order=2), "encoding 2")
        self.refused(elf(machine=183), "machine 183")
        self.refused(elf()[:40], "cut short")

    def test_what_is_no_image(self):
        self.refused(b"", "empty")
        self.refused(b"#!/bin/sh\n", "neither ELF nor bzImage")
        self.refused(gzip.compress(elf()), "bare gzip file")
        with self.assertRaisesRegex(UsageError, "No such file"):
            images.elf_of(self.folder / "nothing")
        with self.assertRaisesRegex(UsageError, "directory"):
            images.elf_of(self.folder)

    def test_bzimage_of_each_packing(self):
        kernel = elf(size=5000)
        # Linux packs LZ4 in the legacy format (lz4 -l) and appends the size, but for gzip, whose trailer has it.
        lz4 = subprocess.run(["lz4", "-l", "-c"], input=kernel, stdout=subprocess.PIPE, check=True).stdout
        for name, payload in (("gzip", gzip.compress(kernel)), ("xz", lzma.compress(kernel) + size_of(kernel)),
                              ("lz4", lz4 + size_of(kernel))):
            with self.subTest(name):
                out = images.elf_of(self.file(bzimage(payload), name))
                self.assertEqual(out.read_bytes(), kernel)
                self.assertEqual(out.parent, paths.CACHE)
                # The second time it comes from the cache: no tool is started.
                with mock.patch.object(images, "unpack", side_effect=AssertionError("unpacked again")):
                    self.assertEqual(images.elf_of(self.folder / name), out)

    def test_no_set_up_sectors_means_four(self):
        kernel = elf(size=300)
        payload = lzma.compress(kernel) + size_of(kernel)
        data = bytearray(bzimage(payload, sectors=4))
        data[0x1F1] = 0
        self.assertEqual(images.elf_of(self.file(bytes(data))).read_bytes(), kernel)

    def test_damaged_bzimages(self):
        packed = lzma.compress(elf()) + size_of(elf())
        self.refused(bzimage(packed, protocol=0x207), "207")
        self.refused(bzimage(packed, length=len(packed) + 1), "bzimage: ")
        self.refused(bzimage(packed, length=0xFFFFFFFF), "bzimage: ")
        self.refused(bzimage(b"BZh9" + bytes(100)), "bzimage: ")
        self.refused(bzimage(packed[:-4] + struct.pack("<I", 7)), "the header says 7")
        self.refused(bzimage(packed[:40] + bytes(len(packed) - 44) + size_of(elf())), "damaged")
        self.refused(bzimage(lzma.compress(b"no kernel") + size_of(b"no kernel")), "packed kernel is no ELF")


if __name__ == "__main__":
    unittest.main()
