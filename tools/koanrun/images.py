"""Guest images: what a file is, and the ELF inside a bzImage.

Koan itself loads 64-bit x86 ELF files. A bzImage is unpacked here, once, into build/cache: the
hypervisor's own reader (build/tools/bzimage, kernel/lib/bzimage.c) says where the packed kernel
is, the command-line tool of its compression unpacks it.
"""

import hashlib
import os
import pathlib
import struct
import subprocess

from koanrun import paths
from koanrun.errors import UsageError

ELF_MAGIC = b"\x7fELF"
ELFCLASS64, ELFDATA2LSB, EM_X86_64 = 2, 1, 62
BZ_BOOT_FLAG_AT, BZ_MAGIC_AT = 0x1FE, 0x202

# First bytes of a file that is packed but no bzImage -> what the user may do about it.
BARE = [(b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"\x02\x21\x4c\x18", "lz4"), (b"\x28\xb5\x2f\xfd", "zstd")]
# What build/tools/bzimage calls a format -> the command that unpacks it, and its package.
UNPACK = {"gzip": (["gzip", "-dc"], "gzip"), "lz4": (["lz4", "-dc"], "lz4"), "xz": (["xz", "-dc", "--single-stream"], "xz-utils"),
          "elf": None}


def read_head(path):
    """The first page of a guest image, or a refusal."""
    path = pathlib.Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a guest image that can be read") from error
    if not head:
        raise UsageError(f"{path}: the file is empty; name a 64-bit PV kernel (ELF or bzImage)")
    return head


def is_bzimage(head):
    """The boot sector's mark and the header's magic."""
    return (len(head) >= 0x260 and head[BZ_BOOT_FLAG_AT:BZ_BOOT_FLAG_AT + 2] == b"\x55\xaa"
            and head[BZ_MAGIC_AT:BZ_MAGIC_AT + 4] == b"HdrS")


def check_elf(path, head):
    """Refuse an ELF file that no 64-bit PV guest can be; notes and segments are Koan's to judge."""
    if len(head) < 64:
        raise UsageError(f"{path}: ELF header cut short after {len(head)} bytes; the file is damaged")
    if head[4] != ELFCLASS64:
        raise UsageError(f"{path}: ELF class {head[4]}, not {ELFCLASS64} (64-bit); only 64-bit PV kernels run")
    if head[5] != ELFDATA2LSB:
        raise UsageError(f"{path}: ELF data encoding {head[5]}, not {ELFDATA2LSB} (little endian)")
    machine = struct.unpack_from("<H", head, 18)[0]
    if machine != EM_X86_64:
        raise UsageError(f"{path}: ELF machine {machine}, not {EM_X86_64} (x86-64); build it for x86-64")


def kind(path):
    """'elf' or 'bzimage'; anything else is refused with what was found."""
    head = read_head(path)
    if head.startswith(ELF_MAGIC):
        check_elf(path, head)
        return "elf"
    if is_bzimage(head):
        return "bzimage"
    for magic, name in BARE:
        if head.startswith(magic):
            raise UsageError(f"{path}: a bare {name} file; unpack it first: {name} -dc {path} > guest")
    raise UsageError(f"{path}: neither ELF nor bzImage (first bytes {head[:4].hex(' ')}); "
                     "name a 64-bit PV kernel image")


def locate(path):
    """(format, packed bytes, size when unpacked) of the kernel inside a bzImage."""
    tool = paths.need_file(paths.BUILD / "tools" / "bzimage", "build it: make")
    done = subprocess.run([tool, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise UsageError(f"{done.stderr.strip() or path}; the file is no bzImage that can be used")
    name, offset, length, size = done.stdout.split()
    with open(path, "rb") as file:
        file.seek(int(offset))
        return name, file.read(int(length)), int(size)


def unpack(path):
    """The ELF image inside a bzImage."""
    name, packed, size = locate(path)
    if UNPACK[name] is None:
        return packed
    command, package = UNPACK[name]
    paths.need_tool(command[0], package)
    done = subprocess.run(command, input=packed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if len(done.stdout) != size:
        why = done.stderr.decode(errors="replace").strip() or "no complaint"
        raise UsageError(f"{path}: {command[0]} made {len(done.stdout)} bytes of the packed kernel, the header says "
                         f"{size} ({why}); the file is damaged")
    return done.stdout


def elf_of(path):
    """The path of an ELF file to hand to Koan: PATH itself, or what a bzImage holds, from build/cache."""
    path = pathlib.Path(path)
    if kind(path) == "elf":
        return path
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    cached = paths.CACHE / f"{path.name}-{digest}.elf"
    if not cached.is_file():
        elf = unpack(path)
        if not elf.startswith(ELF_MAGIC):
            raise UsageError(f"{path}: the packed kernel is no ELF file (begins {elf[:4].hex(' ')}); it can't be a PV guest")
        check_elf(path, elf[:64])
        paths.CACHE.mkdir(parents=True, exist_ok=True)
        # Written aside and renamed: two runs at a time never see half a file.
        aside = cached.with_suffix(f".{os.getpid()}")
        aside.write_bytes(elf)
        aside.rename(cached)
    return cached
