#!/usr/bin/python3
"""A storm of events at one domain is paid for by who sends and who gets it: the others keep their share of the CPU within 5 %.

    test_storm.py

Two domains compute on one CPU while a third sends events to a fourth as fast as it can. Time is counted in instructions (icount), so the
shares are the same on every machine. With three domains that always want the CPU and a fourth that wants it whenever it is woken, each
worker's share is a quarter at least. The same for each policy. The last line is `N passed, N failed`.
"""

import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))

from check import run_cases  # noqa: E402  (the path comes first)
from koanrun import paths  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

LIMIT_SECONDS = 300
STORM = paths.BUILD / "guests" / "storm"
WORKERS = ("work0", "work1")
FAIR = 1000 // 4
LEAST = FAIR * 95 // 100
SHARE_LINE = re.compile(r"\((work\d)\) share (\d+)$")
POLICIES = ("rr", "bvt", "credit")


def shares(policy):
    """What each worker says it had, in thousandths, and how the machine ended."""
    modules = [Module(STORM, name, mem=16, cmdline="role=work tenths=5") for name in WORKERS]
    modules += [Module(STORM, "target", mem=16, cmdline="role=a peer=4 tenths=5"),
                Module(STORM, "sender", mem=16, cmdline="role=b peer=3 tenths=5")]
    with Machine("koan", modules, f"audit=end sched={policy}", timeout=LIMIT_SECONDS, icount=True) as machine:
        machine.wait()
    found = (SHARE_LINE.match(line) for line in machine.output)
    return {match[1]: int(match[2]) for match in found if match}, machine


def complaints(policy):
    """What is wrong under a policy, and the shares."""
    seen, machine = shares(policy)
    wrong = [f"{name} had {seen.get(name, 0)} thousandths, not {LEAST}" for name in WORKERS if seen.get(name, 0) < LEAST]
    if machine.ending.kind != "clean":
        wrong.append(f"the end is {machine.ending.kind}")
    if not any(re.match(r"\(sender\) sent \d{4,}", line) for line in machine.output):
        wrong.append("there was no storm")
    return wrong, seen


def cases():
    """Under each policy."""
    for policy in POLICIES:
        wrong, seen = complaints(policy)
        yield f"storm, sched={policy}", wrong, f" ({seen})"


def main():
    """Run it under each policy."""
    return run_cases(cases())


if __name__ == "__main__":
    sys.exit(main())
