#!/usr/bin/python3
"""What is typed reaches the guest that has the focus, through its console ring, and what it says comes back by the ring.

    test_console.py

Two guests that echo lines, on one CPU and on two; they may use no console_io, so the ring is the only way. And a privileged guest that takes
the ring of one of them over: from then on the hypervisor serves it no more. The last line is `N passed, N failed`.
"""

import pathlib
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))

from check import run_cases  # noqa: E402  (the path comes first)
from koanrun import paths  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

LIMIT_SECONDS = 120
ECHO = paths.BUILD / "guests" / "echo"
TAKEOVER = paths.BUILD / "guests" / "takeover"
FOCUS = b"\x1d"  # Ctrl-]: the focus moves on

# What is typed when that line is seen: each step waits for the answer to the one before.
LONG = "x" * 68
STEPS = [
    ({"(alpha) say something", "(beta) say something"}, b"hello\r"),
    ({"(alpha) you said: hello"}, FOCUS),
    ({"(koan) input goes to beta"}, LONG.encode() + b"\n"),
    ({f"(beta) you said: {LONG}"}, b"quit\n"),
    ({"(koan) beta powered off"}, b""),
    ({"(koan) input goes to alpha"}, b"quit\n"),
]


def complaints(smp):
    """What is wrong with the conversation."""
    modules = [Module(ECHO, name, mem=16, console=False) for name in ("alpha", "beta")]
    steps = list(STEPS)
    waiting = set(steps[0][0])
    with Machine("koan", modules, "audit=end", timeout=LIMIT_SECONDS, smp=smp) as machine:
        for line in machine.lines():
            waiting.discard(line)
            while steps and not waiting:
                machine.write(steps.pop(0)[1])
                waiting = set(steps[0][0]) if steps else set()
    if steps:
        yield f"never seen: {', '.join(sorted(waiting))}"
    if any(line.startswith("(alpha) you said") and "hello" not in line and "quit" not in line for line in machine.output):
        yield "alpha got what was typed for beta"
    if machine.ending.kind != "clean":
        yield f"the end is {machine.ending.kind}"
    yield from (line for line in machine.output if "(koan) audit:" in line and "clean" not in line)


# What must be seen when the ring is taken over, in this order: its guest's first words by way of the hypervisor, the others only from the one who
# took it.
TAKEN = [
    "(alpha) say something",
    "(takeover) the other end of its port is domain 0's now",
    "(takeover) it says: you said: hello",
    "(takeover) it says: you said: quit",
    "(takeover) it has closed its end",
]


def takeover(smp):
    """What is wrong when a privileged domain takes the ring over."""
    modules = [Module(TAKEOVER, "takeover", mem=16, privileged=True, cmdline="of=1"), Module(ECHO, "alpha", mem=16, console=False)]
    with Machine("koan", modules, "audit=end", timeout=LIMIT_SECONDS, smp=smp) as machine:
        machine.wait()
    seen = [line for line in machine.output if line.startswith(("(alpha) ", "(takeover) "))]
    if seen != TAKEN:
        yield f"said: {seen}"
    if machine.ending.kind != "clean":
        yield f"the end is {machine.ending.kind}"
    yield from (line for line in machine.output if "(koan) audit:" in line and "clean" not in line)


def main():
    """Run both on one CPU and on two."""
    return run_cases((f"{name}, {smp} CPU(s)", case(smp), "") for name, case in (("echo", complaints), ("takeover", takeover)) for smp in (1, 2))


if __name__ == "__main__":
    sys.exit(main())
