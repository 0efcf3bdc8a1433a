"""Debian's real Xen 4.17, the referee: fetched and unpacked below build/xen, never installed."""

import gzip
import os
import pathlib
import shutil
import subprocess

from koanrun import paths, qemu
from koanrun.errors import UsageError

PACKAGE = "xen-hypervisor-4.17-amd64"
FOLDER = paths.BUILD / "xen"
IMAGE = FOLDER / "xen-4.17-amd64"
# sync_console is not among them: under -icount it waits through a countdown.
OPTIONS = "console=com1 com1=115200 dom0=pv"


def download(folder):
    """The package's file in FOLDER, fetched by apt."""
    paths.need_tool("dpkg-deb", "dpkg")
    done = subprocess.run([paths.need_tool("apt-get", "apt"), "download", PACKAGE], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)
    found = sorted(folder.glob(f"{PACKAGE}_*.deb"))
    if done.returncode != 0 or not found:
        raise UsageError(f"apt-get download {PACKAGE} failed:\n{done.stdout.strip()}\n"
                         f"Go on line and `apt-get update`, or put {PACKAGE}_*.deb into {FOLDER}/ and start again.")
    return found[-1]


def fetch():
    """The path of the unpacked hypervisor; at first use it is fetched."""
    if IMAGE.is_file():
        return IMAGE
    FOLDER.mkdir(parents=True, exist_ok=True)
    work = paths.work_dir("xen-")
    try:
        given = sorted(FOLDER.glob(f"{PACKAGE}_*.deb"))
        package = given[-1] if given else download(work)
        subprocess.run(["dpkg-deb", "-x", str(package), str(work / "tree")], check=True)
        packed = sorted((work / "tree" / "boot").glob("xen-4.17*.gz"))
        if not packed:
            raise UsageError(f"{package}: holds no boot/xen-4.17*.gz; take {PACKAGE} from Debian 12")
        aside = IMAGE.with_suffix(f".{os.getpid()}")
        aside.write_bytes(gzip.decompress(packed[0].read_bytes()))
        aside.rename(IMAGE)
        (FOLDER / "version").write_text(version_of(package) + "\n", encoding="ascii")
    except (subprocess.CalledProcessError, OSError, EOFError) as error:
        raise UsageError(f"{PACKAGE}: could not be unpacked ({error}); remove {FOLDER} and start again") from error
    finally:
        paths.remove_dir(work)
    return IMAGE


def version_of(package):
    """The package's version, for tables that say what was measured."""
    return subprocess.run(["dpkg-deb", "-f", str(package), "Version"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def version():
    """The version of what fetch() gave, or '?'."""
    try:
        return (FOLDER / "version").read_text(encoding="ascii").strip()
    except OSError:
        return "?"


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
