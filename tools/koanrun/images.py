"""Guest images: what a file is, and the ELF inside a bzImage.

Koan itself loads 64-bit x86 ELF files; a bzImage (Linux' Documentation/arch/x86/boot.rst) is
unpacked here, once, into build/cache, by the command-line tool of its compression.
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
BZ_BOOT_FLAG_AT, BZ_MAGIC_AT, BZ_VERSION_AT = 0x1FE, 0x202, 0x206
BZ_SECTS_AT, BZ_PAYLOAD_AT = 0x1F1, 0x248
BZ_PAYLOAD_PROTOCOL = 0x208  # payload_offset and payload_length exist since boot protocol 2.08

# First bytes of a payload -> its name, the command that unpacks it, the package of that command.
FORMATS = [
    (b"\x1f\x8b", "gzip", ["gzip", "-dc"], "gzip"),
    (b"\xfd7zXZ\x00", "xz", ["xz", "-dc", "--single-stream"], "xz-utils"),
    (b"\x02\x21\x4c\x18", "lz4", ["lz4", "-dc"], "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd", ["zstd", "-dc"], "zstd"),
]


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
    for magic, name, command, _ in FORMATS:
        if head.startswith(magic):
            raise UsageError(f"{path}: a bare {name} file; unpack it first: {' '.join(command)} {path} > guest")
    raise UsageError(f"{path}: neither ELF nor bzImage (first bytes {head[:4].hex(' ')}); "
                     "name a 64-bit PV kernel image")


def payload_of(path, data):
    """The packed kernel inside a bzImage."""
    version = struct.unpack_from("<H", data, BZ_VERSION_AT)[0]
    if version < BZ_PAYLOAD_PROTOCOL:
        raise UsageError(f"{path}: boot protocol {version:#x}; payload_offset exists since "
                         f"{BZ_PAYLOAD_PROTOCOL:#x}: use a newer kernel")
    sectors = data[BZ_SECTS_AT] or 4
    offset, length = struct.unpack_from("<II", data, BZ_PAYLOAD_AT)
    start = (sectors + 1) * 512 + offset
    if length < 8 or start + length > len(data):
        raise UsageError(f"{path}: the payload (offset {start:#x}, {length:#x} bytes) does not lie inside the "
                         f"file of {len(data):#x} bytes; the file is cut short or damaged")
    return data[start:start + length]


def unpack(path, payload):
    """Unpack a payload; its last four bytes are the size that must come out."""
    expected = struct.unpack("<I", payload[-4:])[0]
    for magic, name, command, package in FORMATS:
        if payload.startswith(magic):
            break
    else:
        raise UsageError(f"{path}: the payload begins {payload[:6].hex(' ')}, which is neither gzip, LZ4, XZ nor "
                         "Zstandard; use a kernel packed by one of these")
    paths.need_tool(command[0], package)
    # Only gzip's own trailer is the size; with the others it stands behind the packed data.
    packed = payload if name == "gzip" else payload[:-4]
    done = subprocess.run(command, input=packed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if len(done.stdout) != expected:
        why = done.stderr.decode(errors="replace").strip() or "no complaint"
        raise UsageError(f"{path}: {command[0]} made {len(done.stdout)} bytes of the payload, the header says "
                         f"{expected} ({why}); the file is damaged")
    return done.stdout


def elf_of(path):
    """The path of an ELF file to hand to Koan: PATH itself, or what a bzImage holds, from build/cache."""
    path = pathlib.Path(path)
    if kind(path) == "elf":
        return path
    data = path.read_bytes()
    cached = paths.CACHE / f"{path.name}-{hashlib.sha256(data).hexdigest()[:16]}.elf"
    if not cached.is_file():
        elf = unpack(path, payload_of(path, data))
        if not elf.startswith(ELF_MAGIC):
            raise UsageError(f"{path}: the payload is no ELF file (begins {elf[:4].hex(' ')}); it can't be a PV guest")
        check_elf(path, elf[:64])
        paths.CACHE.mkdir(parents=True, exist_ok=True)
        # Written aside and renamed: two runs at a time never see half a file.
        aside = cached.with_suffix(f".{os.getpid()}")
        aside.write_bytes(elf)
        aside.rename(cached)
    return cached
