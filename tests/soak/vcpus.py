#!/usr/bin/python3
"""Eight domains of four vCPUs on four CPUs, again and again: vcpus.py SECONDS, or vcpus.py check: once, and shorter.

Each is tests/guests/racing.c: its vCPUs race for the same page tables, ports and grants, so that flushes, IPIs and lock waits cross all CPUs, and more
vCPUs want to run than there are CPUs. A round passes if every domain says PASS, every recount of the frame table was clean, those at each
tenth tick as those at the ends, and the machine ends by itself.
"""

import pathlib
import random
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import check  # noqa: E402  (the path comes first)
from koanrun import paths  # noqa: E402
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

GUEST = paths.BUILD / "tests" / "guests" / "racing"
DOMAINS, VCPUS, CPUS = 8, 4, 4
MACHINE_MIB, GUEST_MIB = 512, 16
ROUNDS, CHECK_ROUNDS = 0x8000, 0x800   # of each vCPU's race
LIMIT_SECONDS = 900   # a round that takes longer has hung
SHOWN_LINES = 40      # of a round that failed
PASS_LINE = re.compile(r"\(race\d\) RESULT [0-9a-f]+ PASS racing")
AUDIT_LINE = re.compile(r"\(koan\) audit: .*")
CLEAN = re.compile(r": clean \(\d+ frames\)$")


def complaints(ending, lines):
    """What is wrong with a round."""
    audits = [line for line in lines if AUDIT_LINE.match(line)]
    passed = sum(bool(PASS_LINE.match(line)) for line in lines)
    found = [line for line in audits if not CLEAN.search(line)]
    if ending.kind != "clean":
        found.append(str(ending))
    if passed != DOMAINS:
        found.append(f"{passed} of {DOMAINS} domains say PASS")
    if len(audits) < DOMAINS:
        found.append(f"{len(audits)} recounts at the ends of {DOMAINS} domains")
    return found


def one_round(seed, rounds):
    """(complaints, lines)."""
    modules = [Module(GUEST, f"race{i}", GUEST_MIB, VCPUS, cmdline=f"end=poweroff rounds={rounds:x} seed={seed + i:x}") for i in range(DOMAINS)]
    with Machine("koan", modules, "audit=tick", mem=MACHINE_MIB, smp=CPUS, timeout=LIMIT_SECONDS) as machine:
        machine.wait()
        return complaints(machine.ending, machine.output), machine.output


def main(arguments):
    """Rounds until the time is over, or one fails; the exit status."""
    short = arguments == ["check"]
    if len(arguments) != 1 or not (short or arguments[0].isdecimal()):
        raise UsageError("vcpus.py SECONDS, or vcpus.py check")
    end, passed, failed = time.monotonic() + (0 if short else int(arguments[0])), 0, 0
    while not failed and (not passed or time.monotonic() < end):
        start = time.monotonic()
        seed = random.getrandbits(48)
        wrong, lines = one_round(seed, CHECK_ROUNDS if short else ROUNDS)
        passed, failed = passed + (not wrong), bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} seed {seed:x}: {DOMAINS} domains of {VCPUS} vCPUs on {CPUS} CPUs; {time.monotonic() - start:.0f} s", flush=True)
        if wrong:
            print("\n".join("     " + line for line in [*lines[-SHOWN_LINES:], *wrong]))
    return check.sum_up([(passed, int(failed))])


if __name__ == "__main__":
    check.run_main("vcpus.py", main, sys.argv[1:])
