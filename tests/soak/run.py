#!/usr/bin/python3
"""The long tests that are the short ones once more: run.py repeat N -- COMMAND..., run.py bochs.

    repeat    runs the command N times and adds up the last lines, `N passed, N failed`; shows the output of the runs that failed
    bochs     the test guests in Bochs, which is stricter than QEMU: there a SYSRET to a non-canonical address, say, faults in
              ring 0 with the guest's stack, as on an Intel CPU

In Bochs the RAM can't be looked into from outside, so a test's verdict is the line that it prints (the runs in QEMU have read it from memory:
tests/conformance.py). That the hypervisor lives, and that its recount of the frame table is clean after each domain, Koan says itself.
"""

import pathlib
import re
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TREE / "tools"), str(TREE / "tests")]

import check  # noqa: E402  (the path comes first)
import conformance  # noqa: E402
from koanrun import paths  # noqa: E402
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

SHARE = 12             # tests in one boot
MACHINE_MIB, GUEST_MIB = 512, 16
LIMIT_SECONDS = 600    # a boot that takes longer has hung
RESULT_LINE = re.compile(r"\((\w+)\) RESULT [0-9a-f]+ ([A-Z]+) \1: ?(.*)")
SIDE = "koan"          # whose known differences hold in Bochs, too


def repeat(times, command):
    """The command again and again. Returns (passed, failed)."""
    total = [0, 0]
    for number in range(1, times + 1):
        done = subprocess.run(command, cwd=TREE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
        counts, complaint = check.judge(f"round {number}", done.returncode, done.stdout)
        if counts[1]:
            print(done.stdout, end="")
        print(f"round {number} of {times}: {complaint or check.format_summary(*counts)}", flush=True)
        total = [total[0] + counts[0], total[1] + counts[1]]
    return total


def boot_in_bochs(names):
    """One boot. Returns (ending, lines)."""
    modules = [Module(paths.BUILD / "tests" / "guests" / name, name, GUEST_MIB, cmdline="end=poweroff") for name in names]
    with Machine("koan", modules, "audit=end", mem=MACHINE_MIB, emulator="bochs", timeout=LIMIT_SECONDS) as machine:
        for _ in machine.lines():
            pass
        return machine.ending, machine.output


def outcome_of(name, ending, lines):
    """(verdict, reason) of one test, as conformance.py counts them."""
    verdict, text = "SILENT", str(ending)
    for line in lines:
        found = RESULT_LINE.match(line)
        if found and found[1] == name:
            verdict, text = found[2], found[3]
    crashed = any(line.startswith(f"(koan) {name} crashed") for line in lines)
    if ending.kind not in ("clean", "crashed"):
        return "DIED", f"{ending} (the test itself: {verdict})"
    if crashed != (verdict == "CRASH"):
        return "FAIL", f"{verdict}, and its domain was {'' if crashed else 'not '}ended by the hypervisor"
    if not any(line.startswith(f"(koan) audit: {name}: clean") for line in lines):
        return "FAIL", f"no clean audit at its end (the test itself: {verdict})"
    return ("PASS" if crashed else verdict), text


def bochs(names):
    """All test guests, some at a time. Returns (passed, failed)."""
    differences = conformance.read_differences()
    total = [0, 0]
    for start in range(0, len(names), SHARE):
        share = names[start:start + SHARE]
        ending, lines = boot_in_bochs(share)
        for name in share:
            verdict, text = outcome_of(name, ending, lines)
            wanted = differences.get((name, SIDE), ("PASS",))[0]
            good = verdict in (wanted, "SKIP")
            total[not good] += 1
            print(f"{'ok  ' if good else 'FAIL'} {name} in Bochs: {verdict}{'' if good else ': ' + text}", flush=True)
        if ending.kind not in ("clean", "crashed"):
            print("\n".join("     " + line for line in lines[-60:]))
    return total


def main(arguments):
    """The exit status says whether all passed."""
    what = arguments[0] if arguments else ""
    if what == "repeat" and len(arguments) > 3 and arguments[2] == "--":
        passed, failed = repeat(int(arguments[1]), arguments[3:])
    elif what == "bochs":
        passed, failed = bochs(arguments[1:] or sorted(path.stem for path in (TREE / "tests" / "guests").glob("*.c")))
    else:
        raise UsageError("repeat N -- COMMAND..., or bochs [TEST...]")
    return check.sum_up([(passed, failed)])


if __name__ == "__main__":
    check.run_main("soak", main, sys.argv[1:])
