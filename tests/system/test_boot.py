#!/usr/bin/python3
"""Boots with modules that cannot be domains: each is refused, and the others run as if it had not been there.

    test_boot.py

The last line is `N passed, N failed`.
"""

import pathlib
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))

from check import run_cases  # noqa: E402  (the path comes first)
from koanrun import paths  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

LIMIT_SECONDS = 120
HELLO = paths.BUILD / "guests" / "hello"
PLACES = 32  # BOOT_MODULES_MAX


def boot(modules, smp):
    """Run a machine with these modules to its end; the audit counts all frames after each domain."""
    with Machine("koan", modules, "audit=end", timeout=LIMIT_SECONDS, smp=smp) as machine:
        machine.wait()
    return machine


def complaints(machine, runs, refused):
    """What is wrong with a boot in which the domains RUNS ran, and REFUSED were refused."""
    lines = machine.output
    for name in runs:
        if f"(koan) {name} powered off" not in lines:
            yield f"{name} did not run to its end"
    for name in refused:
        if not any(line.startswith(f"(koan) {name}: refused: ") for line in lines):
            yield f"{name} was not refused"
    if machine.ending.kind != ("bad-image" if refused else "clean"):
        yield f"the end is {machine.ending.kind}"


def too_big_first(smp):
    """The first domain has more memory than there is. Its end must not be taken for that of the last one."""
    return complaints(boot([Module(HELLO, "big", mem=4000), Module(HELLO, "small", mem=16)], smp), ["small"], ["big"])


def more_than_fit(smp):
    """Twelve domains where seven have room."""
    names = [f"guest{i}" for i in range(12)]
    machine = boot([Module(HELLO, name, mem=64) for name in names], smp)
    runs = [name for name in names if f"(koan) {name} powered off" in machine.output]
    if len(runs) != 7:
        yield f"{len(runs)} domains ran to their ends, not 7"
    yield from complaints(machine, runs, [name for name in names if name not in runs])


def more_than_can_be_used(smp):
    """Two modules more than there are places for: how many are left out is said, and the machine doesn't end as if all had run."""
    names = [f"guest{i}" for i in range(PLACES + 2)]
    machine = boot([Module(HELLO, name, mem=8) for name in names], smp)
    if sum(line.startswith("(koan) boot modules left out: 2 ") for line in machine.output) != 1:
        yield "it doesn't say that two modules were left out"
    for name in names[PLACES:]:
        if f"(koan) {name} powered off" in machine.output:
            yield f"{name} ran"
    if machine.ending.kind != "bad-image":
        yield f"the end is {machine.ending.kind}"
    yield from (f"{name} did not run to its end" for name in names[:PLACES] if f"(koan) {name} powered off" not in machine.output)


TESTS = (too_big_first, more_than_fit, more_than_can_be_used)


def main():
    """Run them on one CPU and on two."""
    return run_cases((f"{test.__name__}, {smp} CPU(s)", test(smp), "") for test in TESTS for smp in (1, 2))


if __name__ == "__main__":
    sys.exit(main())
