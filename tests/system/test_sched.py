#!/usr/bin/python3
"""Scheduling measured with real guests, from outside: shares follow weights under each policy, caps hold, who wakes is served soon,
and an idle machine lets its host sleep.

    test_sched.py

The machine counts instructions as nanoseconds (icount), so shares are the same on every host. Each guest says how long it ran, by its
run-state times; the sum must be the machine's time. The idle test looks at the emulator's CPU time in the host's process table, with a bound
that is far from both sides. The last line is `N passed, N failed`.
"""

import os
import pathlib
import re
import sys
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))

from check import format_summary  # noqa: E402  (the path comes first)
from koanrun import paths  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

SPIN = paths.BUILD / "guests" / "spin"
IDLE_PART = 0.02   # of a host CPU
LIMIT_SECONDS = 300
FROM_MS, UNTIL_MS = 200, 800
TURN_US = 10000        # a share may be off by a turn at the beginning and one at the end; a heavier one's turn is longer
RAN = re.compile(r"(?:\((\w+)\) )?ran (\d+) us of (\d+) us, woke at most (\d+) us late")


def spin(name, options="", cmdline="", vcpus=1, privileged=False):
    """A spin guest with scheduling options of its boot module."""
    return Module(SPIN, name, 16, vcpus, privileged=privileged, options=options, cmdline=f"from={FROM_MS} until={UNTIL_MS} {cmdline}")


def run(policy, modules, smp=1, icount=True):
    """name -> (us that it ran, us in all, most us late)."""
    with Machine("koan", modules, f"sched={policy}", smp=smp, icount=icount, timeout=LIMIT_SECONDS) as machine:
        machine.wait()
    found = {}
    for line in machine.output:
        match = RAN.search(line)
        if match:
            found[match[1] or modules[0].name] = tuple(int(word) for word in match.groups()[1:])
    if machine.ending.kind != "clean" or len(found) != len(modules):
        raise RuntimeError(f"the machine did not end as it should: {machine.ending.kind}, {sorted(found)}")
    return found


def off(what, got, wanted, part=0.01):
    """A complaint if `got` is not within two turns and that part of `wanted`."""
    if abs(got - wanted) > part * wanted + 2 * TURN_US:
        yield f"{what}: {got} us, not {wanted:.0f} within {part:.0%} and two turns"


def shares(policy, weights, equal=False):
    """Guests that never sleep, one for each weight, on one CPU."""
    found = run(policy, [spin(f"w{n}", f"weight={weight}") for n, weight in enumerate(weights)])
    whole = (UNTIL_MS - FROM_MS) * 1000
    for n, weight in enumerate(weights):
        part = 1 / len(weights) if equal else weight / sum(weights)
        yield from off(f"{policy} weight {weight}", found[f"w{n}"][0], whole * part)
    yield from off(f"{policy}, all together", sum(ran for ran, _, _ in found.values()), whole)


def cap():
    """A domain with a cap of 25 percent, alone."""
    found = run("credit", [spin("capped", "cap=25")])
    yield from off("cap=25", found["capped"][0], (UNTIL_MS - FROM_MS) * 250)


def put_weight(policy):
    """Three of the same weight, until the first, privileged, gives the second twice as much through domctl."""
    modules = [spin("w0", cmdline="put=1 weight=512", privileged=True), spin("w1"), spin("w2")]
    found = run(policy, modules)
    whole = (UNTIL_MS - FROM_MS) * 1000
    for name, part in (("w0", 1 / 4), ("w1", 1 / 2), ("w2", 1 / 4)):
        yield from off(f"{policy}, {name} when the weight of w1 was put", found[name][0], whole * part)


def put_cap():
    """One is given a cap of 40 percent through domctl, by one that has none. Each has a CPU of its own."""
    modules = [spin("free", "cpus=0", cmdline="put=1 cap=40", privileged=True), spin("capped", "cpus=1")]
    found = run("credit", modules, smp=2)
    whole = (UNTIL_MS - FROM_MS) * 1000
    yield from off("the one that was given a cap of 40", found["capped"][0], whole * 40 / 100)
    yield from off("the one that gave it", found["free"][0], whole)


def wakes_soon():
    """Beside three that never sleep, one that works for 100 us every 5 ms."""
    modules = [spin(f"hog{n}") for n in range(3)] + [spin("brief", cmdline="work=100 rest=5000")]
    _, _, late = run("credit", modules)["brief"]
    if late > 1000:
        yield f"woke up to {late} us late"


def machine_shares(policy, weights, cpus, part):
    """Fewer CPUs than guests that never sleep: each has its share of all of them together, wherever it was placed at first."""
    found = run(policy, [spin(f"g{n}", f"weight={weight}") for n, weight in enumerate(weights)], smp=cpus)
    whole = (UNTIL_MS - FROM_MS) * 1000 * cpus
    for n, weight in enumerate(weights):
        yield from off(f"{policy}, weight {weight} of {weights} on {cpus} CPUs", found[f"g{n}"][0], whole * weight / sum(weights), part)


def affinity():
    """Two on CPU 1, one on CPU 0."""
    modules = [spin("a", "cpus=1"), spin("b", "cpus=1"), spin("c", "cpus=0")]
    found = run("credit", modules, smp=2)
    whole = (UNTIL_MS - FROM_MS) * 1000
    yield from off("alone on CPU 0", found["c"][0], whole)
    for name in "ab":
        yield from off("one of two on CPU 1", found[name][0], whole / 2)


def cpu_seconds(pid):
    """User and system time of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle():
    """A domain that sleeps on a machine of two CPUs: the emulator, too."""
    modules = [Module(SPIN, "sleeper", 16, cmdline="from=60000 until=60001")]
    with Machine("koan", modules, "", smp=2, timeout=LIMIT_SECONDS) as machine:
        for line in machine.lines():
            if "domain 1" in line:
                break
        time.sleep(2)   # it has gone to sleep by then
        for _ in range(3):   # the host's own business may disturb one of them; a machine that ticks or spins uses 100 % in each
            before, start = cpu_seconds(machine.process.pid), time.monotonic()
            time.sleep(6)
            part = (cpu_seconds(machine.process.pid) - before) / (time.monotonic() - start)
            if part < IDLE_PART:
                break
        machine.stop()
    print(f"an idle machine uses {part:.2%} of a host CPU")
    if part >= IDLE_PART:
        yield f"an idle machine uses {part:.1%} of a host CPU; less than {IDLE_PART:.0%} is wanted"


CASES = {
    "credit: shares": lambda: shares("credit", [256, 512, 1024]),
    "bvt: shares": lambda: shares("bvt", [256, 512, 1024]),
    "rr: shares": lambda: shares("rr", [256, 512, 1024], equal=True),
    "credit: cap": cap,
    "credit: weight at run time": lambda: put_weight("credit"),
    "bvt: weight at run time": lambda: put_weight("bvt"),
    "credit: cap at run time": put_cap,
    "credit: waking": wakes_soon,
    "credit: three on two": lambda: machine_shares("credit", [256] * 3, 2, 0.01),
    "credit: weights on two": lambda: machine_shares("credit", [256, 256, 512, 512], 2, 0.02),
    "bvt: three on two": lambda: machine_shares("bvt", [256] * 3, 2, 0.02),
    "bvt: weights on two": lambda: machine_shares("bvt", [256, 256, 512, 512], 2, 0.02),
    "bvt: seven on four": lambda: machine_shares("bvt", [256] * 7, 4, 0.03),
    "rr: three on two": lambda: machine_shares("rr", [256] * 3, 2, 0.03),
    "rr: seven on four": lambda: machine_shares("rr", [256] * 7, 4, 0.04),
    "affinity": affinity,
    "idle": idle,
}


def main():
    """Run those that are asked for, or all."""
    passed = failed = 0
    for name, case in CASES.items():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        try:
            found = list(case())
        except RuntimeError as error:
            found = [str(error)]
        for complaint in found:
            print(f"{name}: {complaint}")
        print(f"{'FAIL' if found else 'ok  '} {name}")
        passed, failed = passed + (not found), failed + bool(found)
    print(format_summary(passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
