#!/usr/bin/python3
"""`make matrix`: Koan on many machines. On each, the guest `hello` must come to its clean end.

    matrix.py [--quick] [--only WORD]

Not the full product of machine, CPUs, CPU model, memory and firmware but a set in which every
value stands at least once, and those that go badly together stand together: much memory with
UEFI, many CPUs with little memory, an old CPU model with several CPUs.

A model must also be one that TCG gives in full: a warning of QEMU about a missing feature is a
failure of the row, since the row would not show what it says.
"""

import argparse
import dataclasses
import sys
import time

from check import format_summary
from koanrun import paths
from koanrun.errors import UsageError
from koanrun.machine import Machine, Module


@dataclasses.dataclass(frozen=True)
class Row:
    """One machine."""

    machine: str
    smp: int
    cpu: str
    mem: int
    firmware: str = "bios"
    emulator: str = "qemu"
    quick: bool = False

    def __str__(self):
        where = "bochs" if self.emulator == "bochs" else f"qemu {self.machine}"
        model = self.cpu.split(",")[0]
        return f"{where:9} {self.firmware:5} smp {self.smp:<3} {self.mem:>6} MiB  {model}"


# Intel and AMD models, old and new, less what QEMU 7.2's TCG can't do (it would warn and leave it out by itself),
# and less SMAP, with which this TCG faults falsely on a ring-3 iretq.
NEHALEM = "Nehalem"
HASWELL = "Haswell-noTSX,-invpcid,-pcid,-tsc-deadline,-x2apic"
OPTERON = "Opteron_G3,-misalignsse"
EPYC = ("EPYC,-3dnowprefetch,-fxsr-opt,-misalignsse,-nrip-save,-osvw,-rdseed,-sha-ni,-topoext,-xsavec,-smap")
MAX = "max,-smap"

ROWS = [
    Row("pc", 1, "qemu64", 128, quick=True),
    Row("q35", 2, MAX, 512, "uefi", quick=True),
    Row("pc", 4, NEHALEM, 4096),
    Row("q35", 8, OPTERON, 16384, quick=True),
    Row("pc", 8, EPYC, 128),
    Row("q35", 1, HASWELL, 4096, "uefi"),
    Row("pc", 2, EPYC, 16384, "uefi"),
    Row("q35", 4, "qemu64", 128),
    Row("pc", 1, HASWELL, 512),
    Row("q35", 2, NEHALEM, 128),
    Row("pc", 8, MAX, 512, "uefi"),
    Row("q35", 32, MAX, 1024),
    Row("pc", 1, "corei7_skylake_x", 512, emulator="bochs", quick=True),
    Row("pc", 4, "corei7_skylake_x", 128, emulator="bochs"),
]
LIMIT_SECONDS = 240
GREETING = "Hello!"


def judge(row, limit):
    """(why it failed or None, seconds)."""
    guest = paths.need_file(paths.BUILD / "guests" / "hello", "build it: make")
    machine = Machine("koan", [Module(guest, "hello", mem=32)], "audit=end", mem=row.mem, smp=row.smp,
                      cpu=row.cpu if row.emulator == "qemu" else None, machine=row.machine,
                      firmware=row.firmware, emulator=row.emulator, timeout=limit)
    start = time.monotonic()
    with machine:
        ending = machine.wait()
    seconds = time.monotonic() - start
    if ending.kind != "clean":
        last = machine.output[-1:] or machine.preamble[-1:] or ["nothing on the serial line"]
        return f"{ending}; last line: {last[0]}", seconds
    if row.emulator == "qemu" and "warning" in machine.complaint:
        return machine.complaint.splitlines()[0], seconds
    if not any(line.startswith(f"(hello) {GREETING}") for line in machine.output):
        return f"the guest did not say {GREETING}", seconds
    if not any(f"CPUs: {row.smp} of {row.smp} started" in line for line in machine.output):
        return f"not all of the {row.smp} CPUs were started", seconds
    return None, seconds


def main(arguments):
    """Run the rows, print the table, end in the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few rows that differ most")
    parser.add_argument("--only", metavar="WORD", default="", help="the rows with this word in them")
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, metavar="S", help="seconds for a row")
    options = parser.parse_args(arguments)
    rows = [row for row in ROWS if (row.quick or not options.quick) and options.only in str(row)]
    failed = 0
    for row in rows:
        try:
            why, seconds = judge(row, options.limit)
        except UsageError as error:
            why, seconds = str(error), 0.0
        failed += why is not None
        print(f"  {row!s:56} {seconds:6.1f} s  {'ok' if why is None else 'FAILED: ' + why}", flush=True)
    print(format_summary(len(rows) - failed, failed))
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
