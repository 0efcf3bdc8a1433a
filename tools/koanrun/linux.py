"""Debian's stock Linux kernels, and a ramdisk for them: fetched below build/linux, never installed.

    kernel("cloud"), kernel("full")    the bzImage of linux-image-cloud-amd64 or linux-image-amd64, unmodified
    ramdisk()                          busybox-static, our static programs of tests/linux and /init, as a cpio archive
"""

import dataclasses
import subprocess

from koanrun import debian, paths
from koanrun.errors import UsageError

FOLDER = paths.BUILD / "linux"
POINTERS = {"cloud": "linux-image-cloud-amd64", "full": "linux-image-amd64"}
BUSYBOX = FOLDER / "busybox" / "busybox"
INIT = paths.TREE / "tests" / "linux" / "init.sh"
PROGRAMS = FOLDER / "programs"   # of tests/linux/build.mk
RAMDISK = FOLDER / "ramdisk.cpio"
DIRECTORY, FILE, LINK, DEVICE = 0o040755, 0o100755, 0o120777, 0o020600
CONSOLE = (5, 1)                 # the device that init's standard streams are


def kernel(flavour):
    """The kernel image; at first use it is fetched."""
    image = FOLDER / flavour / "vmlinuz"
    if not image.is_file():
        with debian.unpacked(debian.dependency(POINTERS[flavour], "linux-image-"), FOLDER / flavour) as tree:
            images = sorted((tree / "boot").glob("vmlinuz-*"))
            if not images:
                raise UsageError(f"{POINTERS[flavour]}: its package holds no boot/vmlinuz-*; take the package of Debian 12")
            debian.keep(images[0].read_bytes(), image)
    return image


def version(flavour):
    """The version of the package that kernel() has."""
    return debian.version(FOLDER / flavour)


def busybox():
    """The program of busybox-static; at first use it is fetched."""
    if not BUSYBOX.is_file():
        with debian.unpacked("busybox-static", BUSYBOX.parent) as tree:
            program = tree / "bin" / "busybox"
            debian.keep(paths.need_file(program, "take the package busybox-static of Debian 12").read_bytes(), BUSYBOX)
            BUSYBOX.chmod(0o755)
    return BUSYBOX


@dataclasses.dataclass
class Entry:
    """One entry of the archive."""

    name: str
    mode: int
    data: bytes = b""
    device: tuple = (0, 0)


def padded(data):
    """To the next multiple of four."""
    return data + bytes(-len(data) % 4)


def cpio(entries):
    """The archive, format newc (Linux's Documentation/driver-api/early-userspace/buffer-format.rst): the same bytes for the same entries."""
    out = []
    for number, entry in enumerate([*entries, Entry("TRAILER!!!", 0)], 1):
        name = entry.name.encode() + b"\0"
        fields = (number, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        out.append(padded(header + name) + padded(entry.data))
    return b"".join(out)


def ramdisk():
    """The ramdisk, made anew; `make linux-programs` has built what goes in."""
    box = busybox()
    applets = subprocess.run([box, "--list"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    entries = [Entry(name, DIRECTORY) for name in ("bin", "dev", "proc", "sys", "tmp")]
    entries.append(Entry("dev/console", DEVICE, device=CONSOLE))
    entries.append(Entry("init", FILE, INIT.read_bytes()))
    entries.append(Entry("bin/busybox", FILE, box.read_bytes()))
    entries += [Entry(f"bin/{name}", LINK, b"busybox") for name in sorted(applets) if name != "busybox"]
    for name in ("work", "nothing"):
        entries.append(Entry(f"bin/{name}", FILE, paths.need_file(PROGRAMS / name, "build it: make linux-programs").read_bytes()))
    debian.keep(cpio(entries), RAMDISK)
    return RAMDISK
