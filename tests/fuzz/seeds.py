#!/usr/bin/env python3
"""Writes the first inputs of the host fuzzers below the directory named on the command line.

Each is made by hand here, small and valid, so that the fuzzer begins behind the first checks: ELF images with notes
as Linux, GRUB, NetBSD and Mini-OS have them, bzImages of each compression, Multiboot2 information, instructions,
command lines. No binary stands in the source tree.
"""
import os
import struct
import sys

PT_LOAD, PT_NOTE, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOTE = 1, 4, 1, 2, 3, 7


def note(kind, desc):
    """One ELF note of owner Xen."""
    if isinstance(desc, int):
        desc = struct.pack("<Q", desc)
    padded = desc + b"\0" * (-len(desc) % 4)
    return struct.pack("<III", 4, len(desc), kind) + b"Xen\0" + padded


def elf(entry, loads, notes=b"", sections=()):
    """An image: loads are (paddr, memsz), sections (name, type, link, bytes)."""
    count = len(loads) + (1 if notes else 0)
    body, headers, at = b"", b"", 64 + 56 * count
    for paddr, memsz in loads:
        headers += struct.pack("<IIQQQQQQ", PT_LOAD, 7, at + len(body), 0, paddr, 16, memsz, 4096)
        body += b"\x90" * 16
    if notes:
        headers += struct.pack("<IIQQQQQQ", PT_NOTE, 4, at + len(body), 0, 0, len(notes),
                               len(notes), 4)
        body += notes
    names, table = b"\0", b"\0" * 64
    for name, kind, link, data in sections:
        table += struct.pack("<IIQQQQIIQQ", len(names), kind, 0, 0, at + len(body), len(data),
                             link, 0, 1, 24 if kind == SHT_SYMTAB else 0)
        names += name.encode() + b"\0"
        body += data
    table += struct.pack("<IIQQQQIIQQ", 0, SHT_STRTAB, 0, 0, at + len(body), len(names), 0, 0, 1, 0)
    body += names
    number = len(table) // 64
    head = b"\x7fELF\2\1\1" + b"\0" * 9
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, entry, 64, at + len(body), 0, 64, 56, count,
                        64, number, number - 1)
    return head + headers + body + table


def elf_seeds():
    kernel = 0xFFFFFFFF80000000
    linux = (note(6, b"linux\0") + note(7, b"2.6\0") + note(5, b"xen-3.0\0") + note(3, kernel) +
             note(15, 0x8000000000) + note(1, kernel + 0x1000010) +
             note(10, b"!writable_page_tables|pae_pgdir_above_4gb") +
             note(17, struct.pack("<I", 0x8801)) + note(8, b"generic\0") +
             note(16, struct.pack("<I", 1)) + note(12, 0xFFFF800000000000))
    usual = note(5, b"xen-3.0\0") + note(8, b"generic\0")
    netbsd = usual + note(3, kernel) + note(4, kernel) + note(2, kernel + 0x201000)
    legacy = (b"GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0x0,ELF_PADDR_OFFSET=0x0,"
              b"HYPERCALL_PAGE=0x2,LOADER=generic\0")
    symbols = b"\0" * 24 + struct.pack("<IBBHQQ", 1, 2, 0, 1, 0, 0x100)
    return {
        "linux": elf(0x1000000, [(0x1000000, 0x200000), (0x1200000, 0x34000)], linux),
        "grub": elf(0, [(0, 0x41E1F0), (0x41E1F0, 0x1000)], usual + note(3, 0) + note(1, 0)),
        "netbsd": elf(kernel + 0x200010, [(kernel + 0x200000, 0x10000)],
                      sections=[("notes", SHT_NOTE, 0, netbsd)]),
        "minios": elf(0x10, [(0, 0x50000)],
                      sections=[("__xen_guest", SHT_PROGBITS, 0, legacy),
                                ("sym", SHT_SYMTAB, 3, symbols),
                                ("str", SHT_STRTAB, 0, b"\0start\0")]),
    }


def bzimage_seeds():
    seeds = {}
    for name, magic in (("gzip", b"\x1f\x8b\x08"), ("lz4", b"\x02\x21\x4c\x18"),
                        ("xz", b"\xfd7zXZ\0"), ("elf", b"\x7fELF"), ("zstd", b"\x28\xb5\x2f\xfd")):
        head = bytearray(0x600)
        head[0x1F1] = 1
        struct.pack_into("<H", head, 0x1FE, 0xAA55)
        struct.pack_into("<4sH", head, 0x202, b"HdrS", 0x20F)
        struct.pack_into("<II", head, 0x248, 0x200, 0x40)
        seeds[name] = bytes(head) + magic.ljust(0x3C, b"\xaa") + struct.pack("<I", 0x1000)
    return seeds


def plan_seeds():
    def numbers(base, size, p2m, pages, ramdisk, flags):
        return struct.pack("<QQQQQQBB", base, size, p2m, pages, ramdisk, 0x1000, flags, 0)

    kernel = 0xFFFFFFFF80000000
    return {
        "linux": numbers(kernel, 0x3E00000, 0x8000000000, 65536, 5 << 20, 3),
        "minios": numbers(0, 0x4F123, 0, 8192, 0, 4),
        "netbsd": numbers(kernel, 0x900000, 0, 32768, 1 << 20, 4),
        "large": numbers(0xFFFF880000000000, 0x1000, 0x1000, 1 << 40, 0, 2),
    }


def multiboot2_tag(kind, data):
    tag = struct.pack("<II", kind, 8 + len(data)) + data
    return tag + b"\0" * (-len(tag) % 8)


def multiboot2_seeds():
    memory = struct.pack("<II", 24, 0)
    for base, length, kind in ((0, 0x9FC00, 1), (0xF0000, 0x10000, 2), (0x100000, 0x7EF0000, 1),
                               (0x7FF0000, 0x10000, 3), (0x8000, 0x2000, 2)):
        memory += struct.pack("<QQII", base, length, kind, 0)
    tags = (multiboot2_tag(1, b"console=com1 com1=115200,8n1\0") + multiboot2_tag(2, b"GRUB\0") +
            multiboot2_tag(3, struct.pack("<II", 0x200000, 0x300000) +
                           b"name=a mem=64M -- x=1 y=\"z\"\0") +
            multiboot2_tag(6, memory) + multiboot2_tag(15, b"RSD PTR " + b"\0" * 28) +
            multiboot2_tag(8, struct.pack("<QIIIBBH", 0xB8000, 160, 80, 25, 16, 2, 0)) +
            multiboot2_tag(0, b""))
    return {"whole": struct.pack("<II", 8 + len(tags), 0) + tags}


def insn_seeds():
    texts = ["488907", "f0480fb10f", "f08027fb", "480fba3701", "4883041901", "66c7070000", "0f22d8",
             "0f30", "e461", "f36c", "0f011f", "65488b", "a3f0debc9a78563492", "67893c25000000ff",
             "410fc39c8d00010000", "0f0b78656e0fa2", "4887442408", "48cf", "cd80"]
    return {text: bytes.fromhex(text) for text in texts}


def parse_seeds():
    return {"module": b"name=hello mem=64M vcpus=1 console=yes -- root=/dev/xvda ro",
            "quotes": b"a=\"b c\" d=\"\" e=\"open", "numbers": b"a=0x10k b=18446744073709551616 c=2G"}


def main():
    kinds = {"elf": elf_seeds, "bzimage": bzimage_seeds, "plan": plan_seeds,
             "multiboot2": multiboot2_seeds, "insn": insn_seeds, "parse": parse_seeds}
    for kind, make in kinds.items():
        folder = os.path.join(sys.argv[1], kind)
        os.makedirs(folder, exist_ok=True)
        for name, data in make().items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
