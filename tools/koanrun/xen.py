"""Debian's real Xen 4.17, the referee: fetched and unpacked below build/xen, never installed."""

import gzip
import pathlib
import shutil

from koanrun import debian, paths, qemu
from koanrun.errors import UsageError

PACKAGE = "xen-hypervisor-4.17-amd64"
FOLDER = paths.BUILD / "xen"
IMAGE = FOLDER / "xen-4.17-amd64"
# sync_console is not among them: under -icount it waits through a countdown.
OPTIONS = "console=com1 com1=115200 dom0=pv"


def fetch():
    """The path of the unpacked hypervisor; at first use it is fetched."""
    if not IMAGE.is_file():
        with debian.unpacked(PACKAGE, FOLDER) as tree:
            packed = sorted((tree / "boot").glob("xen-4.17*.gz"))
            if not packed:
                raise UsageError(f"{PACKAGE}: holds no boot/xen-4.17*.gz; take the package of Debian 12")
            try:
                debian.keep(gzip.decompress(packed[0].read_bytes()), IMAGE)
            except (OSError, EOFError) as error:
                raise UsageError(f"{packed[0].name} of {PACKAGE}: {error}; remove {FOLDER} and start again") from error
    return IMAGE


def version():
    """The version of what fetch() gave, or '?'."""
    return debian.version(FOLDER)


def boot_arguments(module, ramdisk, options, work):
    """-kernel, -append, -initrd: the guest is the first module, its ramdisk the second.

    QEMU splits a module's entry at its first space, so both get plain names below WORK.
    """
    entries = []
    for name, source, cmdline in (("dom0", module.path, module.cmdline), ("ramdisk", ramdisk, "")):
        if source is None:
            continue
        link = pathlib.Path(work) / name
        shutil.copyfile(source, link)
        entries.append(qemu.comma(f"{link} {cmdline}".rstrip()))
    if " " in str(work):
        raise UsageError(f"{work}: QEMU can't take a folder with a space here; move the tree")
    append = f"{OPTIONS} {options}".rstrip()
    return ["-kernel", str(fetch()), "-append", append, "-initrd", ",".join(entries)]
