#!/usr/bin/python3
"""Run the fuzz guest (guests/fuzz): random hypercalls and page-table stores from a printed seed.

    run.py --check                 a few fixed seeds and a fresh one, on each kind of machine (make check-fuzz-guest)
    run.py --time SECONDS          fresh seeds until the time is over (make fuzz TIME=SECONDS)
    run.py --machine KIND --seed HEX [--ops HEX]     one run again, with all its lines

A run passes if the hypervisor did not panic or hang, every recount of the frame table was clean and, where time is counted in
instructions, no tick had to wait for a million of them or more. That the guest crashes itself is no failure,
nor that one of its vCPUs is left behind, asleep or in a loop: random steps may do that to it.

Runs on one CPU in QEMU repeat exactly. The others don't: the seed is the same, what comes in between is not.
"""

import argparse
import dataclasses
import pathlib
import random
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))

from check import run_main, sum_up  # noqa: E402  (the path comes first)
from koanrun import paths  # noqa: E402
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

GUEST = paths.BUILD / "guests" / "fuzz"
MOST_WAIT = 1_000_000       # instructions
BUDGET = 60_000_000_000     # instructions: a run on one CPU that takes more has hung
LIMIT_SECONDS = 900         # the same where instructions are not counted; a minute is usual, on a busy machine five
MACHINE_MIB, GUEST_MIB = 256, 24
MACHINE_MIB_PER_GUEST = 32  # beyond three guests
SHOWN_LINES = 60            # of a run that failed

WAIT_LINE = re.compile(r"\(koan\) the longest wait of a tick's work was (\d+) ns")
DONE_LINE = re.compile(r"\((fuzz\d+)\) fuzz: (vcpu \d+): (?:0x([0-9a-f]+) done|all done)")
LEFT_LINE = re.compile(r"\((fuzz\d+)\) fuzz: (vcpu \d+): left behind at 0x([0-9a-f]+)")
AUDIT_LINE = re.compile(r"\(koan\) audit: (.*)")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A machine to fuzz on. `ops` are for each vCPU; `privileged` is the number of the privileged guest, or None."""

    smp: int = 1
    guests: int = 1
    vcpus: int = 1      # of each guest
    privileged: int | None = None
    options: str = ""
    ops: int = 0x3000
    emulator: str = "qemu"

    @property
    def icount(self):
        return self.smp == 1 and self.emulator == "qemu"


# Many ticks interrupt long calls at many places; an audit takes longer than the time between them.
KINDS = {
    "one": Kind(options="audit=end hz=10000"),
    "dom0": Kind(privileged=0, options="audit=end hz=10000"),
    "audit": Kind(options="audit=tick hz=1000"),
    "pair": Kind(guests=2, vcpus=2, ops=0x1800, privileged=1, options="audit=tick hz=2000"),
    "smp": Kind(smp=2, guests=3, privileged=1, options="audit=tick hz=100"),
    "bochs": Kind(emulator="bochs", guests=2, privileged=1, options="audit=end hz=1000", ops=0x1000),
    "screen": Kind(options="audit=end hz=10000 console=com1,vga"),
    "two": Kind(smp=4, guests=2, vcpus=2, ops=0xc00, privileged=1, options="audit=tick hz=100"),
    "crowd": Kind(smp=4, guests=8, vcpus=2, ops=0xc00, privileged=3, options="audit=tick hz=100"),
}
# The check's seeds: fixed ones, and fresh ones where it says None.
CHECK = [("one", 0x1), ("dom0", 0x2), ("audit", None), ("pair", None), ("smp", None), ("two", None)]


@dataclasses.dataclass
class Result:
    """How a run went."""

    failure: str    # "": it passed
    done: dict      # operations that each vCPU of each guest says it has done, to the last full 0x800
    left: int       # vCPUs left behind
    wait: int       # the longest, in ns; -1: not said
    ending: str
    lines: list


def seed_of(guest, seed):
    """Each guest of a machine has a seed of its own."""
    return (seed + guest * 0x1000003) & 0xFFFFFFFFFFFFFFFF


def modules(kind, seed, ops):
    """The guests."""
    return [Module(GUEST, f"fuzz{i}", GUEST_MIB, kind.vcpus, privileged=kind.privileged == i,
                   cmdline=f"seed={seed_of(i, seed):x} ops={ops:x}") for i in range(kind.guests)]


def failure_of(kind, machine, wait):
    """What is wrong with a run that has ended, or ""."""
    if machine.ending.kind not in ("clean", "crashed"):
        return str(machine.ending)
    audits = [found[1] for found in map(AUDIT_LINE.match, machine.output) if found]
    bad = [audit for audit in audits if not re.search(r": clean \(\d+ frames\)$", audit)]
    if bad:
        return f"audit: {bad[0]}"
    if len(audits) < kind.guests:
        return f"{len(audits)} audits at the ends of {kind.guests} domains"
    if wait < 0:
        return "no line about the longest wait"
    if kind.icount and wait >= MOST_WAIT:
        return f"a tick's work waited for {wait:,} instructions; less than {MOST_WAIT:,} is wanted"
    return ""


def run(kind, seed, ops=None, show=False):
    """One machine from start to end."""
    ops = ops or kind.ops
    mem = MACHINE_MIB + max(0, kind.guests - 3) * MACHINE_MIB_PER_GUEST
    machine = Machine("koan", modules(kind, seed, ops), kind.options, mem=mem, smp=kind.smp, icount=kind.icount, emulator=kind.emulator,
                      timeout=None if kind.icount else LIMIT_SECONDS, budget=BUDGET if kind.icount else None)
    done = {(f"fuzz{i}", f"vcpu {n}"): 0 for i in range(kind.guests) for n in range(kind.vcpus)}
    wait, left = -1, 0
    with machine:
        for line in machine.lines():
            if show:
                print(line, flush=True)
            found = DONE_LINE.match(line)
            if found:
                done[found[1], found[2]] = int(found[3], 16) if found[3] else ops
            left += bool(LEFT_LINE.match(line))
            found = WAIT_LINE.match(line)
            if found:
                wait = int(found[1])
    return Result(failure_of(kind, machine, wait), done, left, wait, str(machine.ending), machine.output)


def report(name, seed, result, seconds):
    """A line about a run; of a failed one its last lines and how to repeat it."""
    kind = KINDS[name]
    unit = "instructions" if kind.icount else "ns"
    done = " ".join(f"{n:#x}" for n in result.done.values()) + (f" ({result.left} vCPUs left behind)" if result.left else "")
    print(f"{'ok  ' if not result.failure else 'FAIL'} {name:6} seed {seed:016x}: operations {done}; longest wait {result.wait:,} {unit}; "
          f"{result.ending}; {seconds:.0f} s", flush=True)
    if result.failure:
        print("\n".join("     " + line for line in result.lines[-SHOWN_LINES:]))
        print(f"     {result.failure}\n     again: make && {pathlib.Path(__file__).relative_to(paths.TREE)} --machine {name} --seed {seed:x}")


def timed(name, seed):
    """Run and report; True if it passed."""
    start = time.monotonic()
    result = run(KINDS[name], seed)
    report(name, seed, result, time.monotonic() - start)
    return not result.failure


def fresh_seed():
    """Not repeatable, so it is printed."""
    return random.SystemRandom().getrandbits(64) | 1


def check():
    """All of CHECK. Returns how many passed and failed."""
    results = [timed(name, seed or fresh_seed()) for name, seed in CHECK]
    return results.count(True), results.count(False)


def fuzz(seconds, names):
    """Fresh seeds on all kinds of machine in turn, to the first failure or the end of the time."""
    end = time.monotonic() + seconds
    passed = 0
    while time.monotonic() < end:
        for name in names:
            if not timed(name, fresh_seed()):
                return passed, 1
            passed += 1
            if time.monotonic() >= end:
                break
    return passed, 0


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="the fuzz guest on Koan; see the head of this file")
    parser.add_argument("--check", action="store_true", help="the short run of make check")
    parser.add_argument("--time", type=float, metavar="SECONDS", help="fresh seeds for so long")
    parser.add_argument("--machine", metavar="KIND", help="with --seed: " + ", ".join(KINDS) + "; with --time: some of them, with commas")
    parser.add_argument("--seed", type=lambda text: int(text, 16), metavar="HEX")
    parser.add_argument("--ops", type=lambda text: int(text, 16), metavar="HEX", help="operations of each vCPU")
    return parser.parse_args()


def main():
    """The exit status says whether all passed."""
    given = options()
    names = given.machine.split(",") if given.machine else list(KINDS)
    if set(names) - set(KINDS):
        raise UsageError(f"--machine {given.machine}: one of {', '.join(KINDS)}")
    if given.seed is not None:
        result = run(KINDS[names[0]], given.seed, given.ops, show=True)
        print(result.failure or "passed")
        passed, failed = (0, 1) if result.failure else (1, 0)
    elif given.time is not None:
        passed, failed = fuzz(given.time, names)
    else:
        passed, failed = check()
    return sum_up([(passed, failed)])


if __name__ == "__main__":
    run_main("fuzz guest", main)
