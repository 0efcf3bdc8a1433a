#!/usr/bin/python3
"""`make frames`: who owns each frame of a machine, and as what it is used, as one self-contained page.

    frames.py [--out build/frames.html] [--svg FILE] [--at SYMBOL] [--mem MIB] GUEST...   boots Koan with the guests, stops it, draws
    frames.py [--out ...] [--svg FILE] --core build/dump.core                             draws what `make dump` has written

A guest is a name below build/guests or build/tests/guests, or a path; NAME=32M gives it that much memory. The machine is stopped
at the first call of SYMBOL (domain_end: the moment when the first domain ends, and still has all that it had), or, if it
doesn't come there, after some hundred million instructions. The frame table is read from outside, through the page tables;
nothing in the hypervisor helps.
"""

import argparse
import mmap
import pathlib
import random
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "grading")]

import frames_page  # noqa: E402  (the path comes first)
import frametable  # noqa: E402
import layout  # noqa: E402
import paging  # noqa: E402
from elfread import Elf, ElfError  # noqa: E402
from koanrun import paths  # noqa: E402
from koanrun.errors import UsageError  # noqa: E402
from problem import Problem  # noqa: E402
from target import Failed, Infrastructure, Target  # noqa: E402

PATIENCE = 300_000_000   # instructions
MEGABYTE = 1 << 20
# struct QEMUCPUState of a dump: version and size, 18 registers, 10 segments of 24 bytes, then cr0 to cr4.
NOTE_CR3 = 8 + 18 * 8 + 10 * 24 + 3 * 8


class Core:
    """A machine's memory in an ELF core, as `make dump` writes it: as much of target.Target as reading frames needs."""

    def __init__(self, path, elf, numbers):
        self.elf, self.numbers = elf, numbers
        with open(path, "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if data[:6] != b"\x7fELF\x02\x01":
            raise UsageError(f"{path}: is no core file; `make dump` writes one")
        parts, self._cr3 = self._read(data)
        self.mem = max(pa + len(part) for pa, part in parts)
        self.ram = bytearray(self.mem)
        for pa, part in parts:
            self.ram[pa:pa + len(part)] = part

    @staticmethod
    def _read(data):
        """(physical address, bytes) of each piece, and CR3 of the first CPU."""
        parts, cr3 = [], None
        at, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        for index in range(count):
            kind, _, offset, _, pa, length = struct.unpack_from("<IIQQQQ", data, at + index * size)
            if kind == 1 and pa < 1 << 32:
                parts.append((pa, data[offset:offset + length]))
            while kind == 4 and length >= 12 and cr3 is None:
                name, body, _ = struct.unpack_from("<III", data, offset)
                start = offset + 12 + (name + 3 & -4)
                if data[offset + 12:offset + 12 + name] == b"QEMU\0":
                    cr3, = struct.unpack_from("<Q", data, start + NOTE_CR3)
                length -= start + (body + 3 & -4) - offset
                offset = start + (body + 3 & -4)
        if cr3 is None or not parts:
            raise UsageError("the core holds no memory or no CPU of QEMU's")
        return parts, cr3

    def cr3(self, _=0):
        return self._cr3

    def symbol(self, name):
        return self.elf.symbols[name]

    read, u64, u32, variable, place = Target.read, Target.u64, Target.u32, Target.variable, Target.place
    guests = {}

    def mapping(self, va, cr3=None):
        return paging.translate(self.ram, cr3 or self._cr3, va)


def names_of(target):
    """Domain id -> its name."""
    n, cr3 = target.numbers, target.cr3()
    found = {}
    for domain in frametable.domains(target, cr3):
        text = target.read(domain + n["struct domain.name"], n["struct domain.name.size"], cr3).split(b"\0")[0]
        found[target.u32(domain + n["struct domain.id"], cr3) & 0xFFFF] = text.decode("ascii", "replace")
    return found


def find(name):
    """The file of a guest."""
    for path in (paths.BUILD / "guests" / name, paths.BUILD / "tests/guests" / name, pathlib.Path(name)):
        if path.is_file():
            return path
    raise UsageError(f"guest {name}: there is none in {paths.BUILD}/guests or {paths.BUILD}/tests/guests; build it (make), or name a file")


def module(word, at):
    """(bytes, text) of NAME or NAME=32M."""
    name, _, mem = word.partition("=")
    path = find(name)
    return path.read_bytes(), f"name={path.name}{at if at > 1 else ''} mem={mem or '16M'} vcpus=1 console=yes"


def boot(options, elf, numbers):
    """The machine, run to the place that is wanted; (frames, names, where it stands)."""
    seen = {}
    modules = []
    for word in options.guests:
        base = word.partition("=")[0]
        seen[base] = seen.get(base, 0) + 1
        modules.append(module(word, seen[base]))
    if options.at not in elf.symbols:
        raise UsageError(f"--at {options.at}: the hypervisor has no such function")
    with Target(elf, numbers, random.Random(1), modules=modules, mem=options.mem, budget=PATIENCE) as machine:
        try:
            machine.run_to(options.at)
            where = f"stopped at {options.at}()"
        except Failed as failed:
            if "instructions" not in failed.seen:
                raise
            where = f"stopped after {PATIENCE:,} instructions"
        return frametable.read(machine), names_of(machine), where


def main(arguments):
    """Write the page; returns the exit status."""
    parser = argparse.ArgumentParser(prog="frames.py", allow_abbrev=False)
    parser.add_argument("--out", default=str(paths.BUILD / "frames.html"))
    parser.add_argument("--svg")
    parser.add_argument("--at", default="domain_end")
    parser.add_argument("--mem", type=int, default=128)
    parser.add_argument("--core")
    parser.add_argument("guests", nargs="*")
    options = parser.parse_args(arguments)
    try:
        elf = Elf(paths.need_file(paths.BUILD / "koan.elf", "build it: make"))
        paths.BUILD.mkdir(parents=True, exist_ok=True)
        numbers = layout.compute(HERE.parent, keep=None)
        if options.core:
            core = Core(options.core, elf, numbers)
            frames, names, where = frametable.read(core), names_of(core), f"from {pathlib.Path(options.core).name}"
        else:
            options.guests = options.guests or ["hello", "user"]
            frames, names, where = boot(options, elf, numbers)
    except (UsageError, Problem, ElfError, OSError, Infrastructure) as error:
        print(f"make frames: {error}", file=sys.stderr)
        return 2
    except Failed as failed:
        print(f"make frames: {failed.seen}; {failed.where}".rstrip("; "), file=sys.stderr)
        return 1
    picture = frames_page.Picture(frames, names, numbers, where)
    pathlib.Path(options.out).write_text(picture.page(), encoding="utf-8")
    if options.svg:
        pathlib.Path(options.svg).write_text(picture.svg(alone=True), encoding="utf-8")
    print(picture.summary())
    print(f"the picture: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
