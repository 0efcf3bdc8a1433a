#!/usr/bin/python3
"""`make run`: Koan with the guests of the demo, side by side.

    demo.py GUEST...              names below build/guests
    demo.py --iso FILE GUEST...   only write the demo's boot image, for a server, a USB stick or another emulator

On a terminal the console is interactive. Otherwise the demo plays to its end, and the status is
0 only if it went as it should: every guest spoke, and none crashed but `crasher`, whose job it is.
"""

import os
import pathlib
import sys

from koanrun import console, endings, paths
from koanrun.errors import UsageError
from koanrun.machine import Machine, Module

# Far more than the demo takes; it ends a demo that hangs where nobody watches.
LIMIT_SECONDS = 300
CRASHES = {"crasher"}


def demo_machine(names, options="console=com1,vga"):
    """The demo's machine. On a terminal it has no limit."""
    modules = [Module(paths.need_file(paths.BUILD / "guests" / name, "build it: make"), name) for name in names]
    return Machine("koan", modules, options, mem=512, timeout=None if sys.stdin.isatty() else LIMIT_SECONDS)


def write_iso(target, names):
    """The boot image; it takes its final name when it is whole."""
    aside = pathlib.Path(f"{target}.{os.getpid()}")
    try:
        # A real machine has no emulator to leave.
        demo_machine(names, "console=com1,vga end=halt").boot_iso(aside)
        aside.rename(target)
    finally:
        aside.unlink(missing_ok=True)


def faults(machine, names):
    """What did not go as it should."""
    expected = "crashed" if CRASHES & set(names) else "clean"
    found = [f"{name}: said nothing" for name in names
             if not any(line.startswith(f"({name}) ") for line in machine.output)]
    if machine.ending.kind != expected:
        found.append(f"the machine ended as `{machine.ending}`, not `{expected}`")
    return found


def main(names):
    """Play the demo; returns the exit status."""
    try:
        if names[:1] == ["--iso"]:
            write_iso(names[1], names[2:])
            return 0
        machine = demo_machine(names)
        console.run(machine, quiet=True)
    except UsageError as error:
        print(f"make run: {error}", file=sys.stderr)
        return endings.BAD_USE
    except KeyboardInterrupt:
        return 0 if sys.stdin.isatty() else 130
    wrong = faults(machine, names)
    for fault in wrong:
        print(f"make run: {fault}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.stdin = sys.stdin or open(os.devnull, encoding="ascii")
    # One stream: here the hypervisor's lines are part of the show, in their order.
    sys.stderr = sys.stdout
    sys.exit(main(sys.argv[1:]))
