#!/usr/bin/python3
"""What two domains cost each other, in instructions: guests/pingpong on Koan and on real Xen 4.17, made by the builder guest on both.

    pair.py             measure both, print the rows, and put them into build/bench.json behind bench.py's
    pair.py --record    the same, and keep Xen's figures in tests/bench/xen.json
    pair.py --check     measure Koan only and hold each row against Xen's kept figure; last line `N passed, N failed`

As in bench.py, a tick of the TSC is an instruction, and the guests' own side is in the figures. NAME_N is the row NAME with N domains in the machine,
of which all but two sleep: that must cost nothing.
"""

import argparse
import json
import pathlib
import re
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from koanrun import paths, xen  # noqa: E402  (the path comes first)
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

GUEST = paths.BUILD / "guests" / "pingpong"
RESULT = paths.BUILD / "bench.json"
RECORDED = paths.TREE / "tests" / "bench" / "xen.json"
CPU = "max,-smap"
MACHINE_MIB = 768
LIMIT_SECONDS = 400
BAR = 0.5     # Koan's part of Xen's instructions, at most
GROWTH = 1.02 # of a row with many domains over the same with two, at most: the sleeping ones cost nothing
ROUNDS = 64   # in a batch of guests/pingpong
CROWDS = (2, 10, 100, 1000)
CHECKED_CROWDS = (2, 100)
ROW_LINE = re.compile(r"BENCH (\w+) (\d+)$")
STAMP_LINE = re.compile(r"STAMPS (\w+) (\w) (\d+) (\d+)$")


def stamps(lines):
    """name -> instructions from a's stamp to b's, the middle one of the batches."""
    sums = {}
    for line in lines:
        match = STAMP_LINE.search(line)
        if match:
            sums.setdefault(match[1], {})[match[2], int(match[3])] = int(match[4])
    middle = {}
    for name, of in sums.items():
        batches = [of["b", batch] - of["a", batch] for who, batch in of if who == "a"]
        middle[name] = round(statistics.median(batches) / ROUNDS)
    return middle


def boot(side, smp, crowd, word):
    """One machine: name -> instructions of a round."""
    modules = [Module(GUEST, "ping", 16, cmdline=f"role=a peer=2{word}"), Module(GUEST, "pong", 16, cmdline=f"role=b peer=1{word}")]
    with Machine(side, modules, cpu=CPU, smp=smp, mem=MACHINE_MIB, icount=True, timeout=LIMIT_SECONDS, domu=True,
                 builder=f"crowd={crowd}" if crowd else "") as machine:
        machine.wait()
    if machine.ending.kind != "clean":
        raise UsageError(f"pingpong on {side}: {machine.ending}; its last lines:\n" + "\n".join(machine.output[-12:]))
    found = (ROW_LINE.search(line) for line in machine.output)
    return {match[1]: int(match[2]) for match in found if match} | stamps(machine.output)


def measure(side, crowds):
    """All rows of this side."""
    rows = boot(side, 2, 0, " beside")
    for number in crowds:
        here = boot(side, 1, number - 2, "")
        rows |= here if number == 2 else {f"{name}_{number}": cost for name, cost in here.items()}
    return rows


def show(koan, on_xen):
    """The table; its rows as build/bench.json has them."""
    rows = [{"name": name, "koan": cost, "xen": on_xen[name], "ratio": round(cost / on_xen[name], 3)} for name, cost in koan.items()]
    for row in rows:
        print(f"{row['name']:26}{row['koan']:>10}{row['xen']:>10}{row['ratio']:>10}")
    return rows


def check():
    """`make check-bench`: the exit status."""
    koan, on_xen = measure("koan", CHECKED_CROWDS), json.loads(RECORDED.read_text(encoding="utf-8"))["pairs"]
    missing = sorted(set(koan) - set(on_xen))
    if missing:
        raise UsageError(f"no kept figures of Xen's for {', '.join(missing)}; run: make bench-record")
    show(koan, on_xen)
    return judge(koan, on_xen)


def judge(koan, on_xen):
    """Every bar, as a test: the exit status. What a row costs doesn't grow with the domains that sleep."""
    tests = [(f"{name}: {cost} instructions, Xen {on_xen[name]}", 0 < cost <= BAR * on_xen[name]) for name, cost in koan.items()]
    for name, cost in koan.items():
        plain, _, number = name.rpartition("_")
        if number.isdecimal():
            tests.append((f"{name}: {cost} instructions, with two domains {koan[plain]}", cost <= GROWTH * koan[plain]))
    failures = [text for text, right in tests if not right]
    for text in failures:
        print(f"not so: {text}")
    print(f"{len(tests) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


def bench(record):
    """`make bench`: the exit status."""
    xen.fetch()
    koan, on_xen = measure("koan", CROWDS), measure("xen", CROWDS)
    rows = show(koan, on_xen)
    if RESULT.exists():
        data = json.loads(RESULT.read_text(encoding="utf-8"))
        data["rows"] = [row for row in data["rows"] if row["name"] not in koan] + rows
        RESULT.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if record:
        kept = json.loads(RECORDED.read_text(encoding="utf-8"))
        kept["pairs"] = on_xen
        RECORDED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return judge(koan, on_xen)


def main():
    """The exit status."""
    parser = argparse.ArgumentParser(description="see the head of this file")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    return check() if given.check else bench(given.record)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UsageError as error:
        print(f"pair: {error}\n0 passed, 1 failed")
        sys.exit(2)
