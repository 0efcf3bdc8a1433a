#!/usr/bin/python3
"""A storm of events at one domain is paid for by who sends and who gets it: the others keep their share of the CPU within 5 %.

    test_storm.py

Two domains compute on one CPU while a third sends events to a fourth as fast as it can. What they get is held against the same machine without
the storm, in which these two compute as well: sender and target may use what is theirs, but no more, and what the hypervisor does for them must
be theirs, too. Time is counted in instructions (icount), so the shares are the same on every machine. The same for each policy.
The last line is `N passed, N failed`.
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
STORMS = {"target": "role=a peer=4", "sender": "role=b peer=3"}  # domains 3 and 4
KEPT = 0.95   # of a worker's share without the storm, at least
SHARE_LINE = re.compile(r"\((work\d)\) share (\d+)$")
POLICIES = ("rr", "bvt", "credit")


def shares(policy, storm):
    """What each worker says it had, in thousandths, and the machine."""
    roles = {name: "role=work" for name in (*WORKERS, *STORMS)} | (STORMS if storm else {})
    modules = [Module(STORM, name, mem=16, cmdline=f"{role} tenths=5") for name, role in roles.items()]
    with Machine("koan", modules, f"audit=end sched={policy}", timeout=LIMIT_SECONDS, icount=True) as machine:
        machine.wait()
    found = (SHARE_LINE.match(line) for line in machine.output)
    return {match[1]: int(match[2]) for match in found if match}, machine


def complaints(policy):
    """What is wrong under a policy, and the shares without and with the storm."""
    calm, calm_machine = shares(policy, storm=False)
    seen, machine = shares(policy, storm=True)
    wrong = [f"{name} had {seen.get(name, 0)} thousandths, and {calm.get(name, 0)} without the storm" for name in WORKERS
             if not 0 < KEPT * calm.get(name, 0) <= seen.get(name, 0)]
    wrong += [f"the end is {ending.kind}" for ending in (calm_machine.ending, machine.ending) if ending.kind != "clean"]
    if not any(re.match(r"\(sender\) sent \d{4,}", line) for line in machine.output):
        wrong.append("there was no storm")
    return wrong, f"without the storm {calm}, with it {seen}"


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
