#!/usr/bin/python3
"""Make the hypervisor's own symbol table, for its backtraces.

    symbols.py --empty OUT.S        a table without entries, for the first link
    symbols.py KOAN.elf OUT.S       the table of that image's code
    symbols.py --check KOAN.elf OUT.S   fail unless OUT.S is what KOAN.elf gives

The image is linked twice: once with an empty table, then with the table made from the first link.
The table lies behind the code (in .rodata), so that the code's addresses are the same in both;
--check makes sure of it.

The format is read by kernel/debug/symbols.c: pairs of (address - start of the image, place of the
name), ascending, and one last pair for the end of the code.
"""

import struct
import sys

SHT_SYMTAB = 2
SHF_EXECINSTR = 4
STT_NOTYPE, STT_FUNC = 0, 2


def read_sections(image):
    """The section headers as tuples (name offset, type, flags, addr, offset, size, link)."""
    offset, = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    return [struct.unpack_from("<IIQQQQI", image, offset + i * size) for i in range(count)]


def read_symbols(image, sections, table):
    """(name, type, section index, value, size) of each symbol."""
    strings = sections[table[6]][4]
    for offset in range(table[4], table[4] + table[5], 24):
        name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", image, offset)
        end = image.index(b"\0", strings + name)
        yield image[strings + name:end].decode("ascii", "replace"), info & 15, section, value, size


def is_wanted(name, kind):
    """Functions, and labels of the assembly files except those inside a function (NASM's .name)."""
    return kind == STT_FUNC or (kind == STT_NOTYPE and name and "." not in name)


def code_symbols(path):
    """([(offset from the image's start, name)], offset of the end of the code)."""
    with open(path, "rb") as file:
        image = file.read()
    if image[:5] != b"\x7fELF\x02":
        sys.exit(f"{path}: not a 64-bit ELF file")
    sections = read_sections(image)
    code = {i: s for i, s in enumerate(sections) if s[2] & SHF_EXECINSTR}
    if not code:
        sys.exit(f"{path}: no section holds code")
    start = min(s[3] for s in code.values())
    end = max(s[3] + s[5] for s in code.values())
    found = {}
    for table in (s for s in sections if s[1] == SHT_SYMTAB):
        for name, kind, section, value, size in read_symbols(image, sections, table):
            if section in code and is_wanted(name, kind):
                # Where several names share an address, the one with a size says more.
                rank = (kind == STT_FUNC, size, name)
                found[value] = max(found.get(value, rank), rank)
    return [(value - start, rank[2]) for value, rank in sorted(found.items())], end - start


def format_table(symbols, end):
    """The table as text for the assembler. Numbers, not relocations: the image may be moved."""
    names, places = bytearray(), []
    for _, name in symbols:
        places.append(len(names))
        names += name.encode() + b"\0"
    lines = ["/* Made by tools/symbols.py. */", '.section .rodata.symbols, "a"', ".balign 4",
             ".global symbols_count", ".hidden symbols_count", "symbols_count:"]
    lines += [f".long {len(symbols) + 1 if symbols else 0}"]
    lines += [".global symbols_table", ".hidden symbols_table", "symbols_table:"]
    lines += [f".long {offset:#x}, {place}" for (offset, _), place in zip(symbols, places)]
    lines += [f".long {end:#x}, 0", ".global symbols_names", ".hidden symbols_names",
              "symbols_names:"]
    lines += [f'.asciz "{name}"' for _, name in symbols]
    lines += ['.section .note.GNU-stack, "", @progbits']
    return "\n".join(lines) + "\n"


def main(arguments):
    """See the head of this file."""
    if len(arguments) == 2 and arguments[0] == "--empty":
        text = format_table([], 0)
    elif len(arguments) == 3 and arguments[0] == "--check":
        with open(arguments[2], encoding="ascii") as file:
            if file.read() == format_table(*code_symbols(arguments[1])):
                return 0
        sys.exit(f"{arguments[1]}: its code moved between the two links, so backtraces would name "
                 "the wrong functions: .rodata.symbols must lie behind the code (kernel/koan.lds)")
    elif len(arguments) == 2:
        text = format_table(*code_symbols(arguments[0]))
    else:
        sys.exit(__doc__)
    with open(arguments[-1], "w", encoding="ascii") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
