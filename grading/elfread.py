"""A small reader of 64-bit ELF files: segments to load, symbols by name and by address. The file is a stranger's: every
offset in it is checked, and a file that is no good is an ElfError."""

import bisect
import hashlib
import pathlib
import struct

PT_LOAD, SHT_SYMTAB, STT_FUNC, STB_GLOBAL = 1, 2, 2, 1


class ElfError(Exception):
    """The file is no 64-bit ELF file that can be used."""


class Elf:
    """One file, read whole."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.path = pathlib.Path(path)
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ElfError(f"{path}: no 64-bit little-endian ELF file")
        self.entry, = self._unpack("<Q", 24)
        self.segments = self._segments()
        self.symbols = {}      # name -> address; a global one wins, so that no static function can pass for another file's
        self.sizes = {}
        self.places = {}       # name -> where its source stands, as far as anybody has asked
        self.all = {}          # name -> every address, for static names that two files use
        self._read_symbols()
        functions = sorted((address, name) for name, address in self.symbols.items() if name in self._functions)
        self._starts = [address for address, _ in functions]
        self._names = [name for _, name in functions]

    @property
    def digest(self):
        """Of the whole file: a replay wants the very same image."""
        return hashlib.sha256(self.data).hexdigest()

    def _unpack(self, form, offset):
        try:
            return struct.unpack_from(form, self.data, offset)
        except struct.error as error:
            raise ElfError(f"{self.path}: cut short at byte {offset}") from error

    def _bytes(self, offset, size):
        if offset + size > len(self.data):
            raise ElfError(f"{self.path}: {size} bytes at {offset} reach beyond its end")
        return self.data[offset:offset + size]

    def _segments(self):
        """(address, file bytes, size in memory) of what is loaded."""
        at, = self._unpack("<Q", 32)
        size, count = self._unpack("<HH", 54)
        found = []
        for index in range(count):
            kind, _, offset, address, _, in_file, in_memory = self._unpack("<IIQQQQQ", at + index * size)
            if kind == PT_LOAD:
                found.append((address, self._bytes(offset, in_file), in_memory))
        if not found:
            raise ElfError(f"{self.path}: nothing in it is to be loaded")
        return found

    def _section(self, index):
        at, = self._unpack("<Q", 40)
        size, = self._unpack("<H", 58)
        return self._unpack("<IIQQQQIIQQ", at + index * size)

    def _read_symbols(self):
        self._functions, seen_globals = set(), set()
        count, = self._unpack("<H", 60)
        for index in range(count):
            _, kind, _, _, offset, size, link, *_ = self._section(index)
            if kind != SHT_SYMTAB:
                continue
            _, _, _, _, names_at, names_size, *_ = self._section(link)
            names, table = self._bytes(names_at, names_size), self._bytes(offset, size)
            for name, info, _, section, value, length in struct.iter_unpack("<IBBHQQ", table[:size // 24 * 24]):
                text = names[name:].split(b"\0", 1)[0].decode("ascii", "replace") if name < names_size else ""
                if not text or section == 0:
                    continue
                self.all.setdefault(text, []).append(value)
                if text in self.symbols and not (info >> 4 == STB_GLOBAL and text not in seen_globals):
                    continue
                if info >> 4 == STB_GLOBAL:
                    seen_globals.add(text)
                self.symbols[text], self.sizes[text] = value, length
                if info & 15 == STT_FUNC or section < 0xff00 and info >> 4 == 1:
                    self._functions.add(text)

    def offset_of(self, name):
        """Where the bytes of a symbol stand in the file; None if it has no such symbol or no bytes for it."""
        at, = self._unpack("<Q", 32)
        size, count = self._unpack("<HH", 54)
        address = self.symbols.get(name)
        for index in range(count if address is not None else 0):
            kind, _, offset, start, _, in_file, _ = self._unpack("<IIQQQQQ", at + index * size)
            if kind == PT_LOAD and start <= address < start + in_file:
                return offset + address - start
        return None

    def symbol_at(self, address):
        """name+0x12 of the function that holds the address, or the address alone."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0 or address - self._starts[index] > 0x10000:
            return f"{address:#x}"
        offset = address - self._starts[index]
        return self._names[index] + (f"+{offset:#x}" if offset else "")
