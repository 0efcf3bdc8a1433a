#!/usr/bin/python3
"""What two domains cost each other, in instructions: guests/pingpong on Koan and, through the builder guest, on real Xen 4.17.

    pair.py             measure both, print the rows, and put them into build/bench.json behind bench.py's

As in bench.py, a tick of the TSC is an instruction, and the guests' own side is in the figures.
"""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from koanrun import paths, xen  # noqa: E402  (the path comes first)
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

GUEST = paths.BUILD / "guests" / "pingpong"
RESULT = paths.BUILD / "bench.json"
CPU = "max,-smap"
LIMIT_SECONDS = 400
ROW_LINE = re.compile(r"BENCH (\w+) (\d+)$")


def measure(side):
    """name -> instructions of a round."""
    modules = [Module(GUEST, "ping", 16, cmdline="role=a peer=2"), Module(GUEST, "pong", 16, cmdline="role=b peer=1")]
    with Machine(side, modules, cpu=CPU, icount=True, timeout=LIMIT_SECONDS, domu=side == "xen") as machine:
        machine.wait()
    if machine.ending.kind != "clean":
        raise UsageError(f"pingpong on {side}: {machine.ending}; its last lines:\n" + "\n".join(machine.output[-12:]))
    found = (ROW_LINE.search(line) for line in machine.output)
    return {match[1]: int(match[2]) for match in found if match}


def main():
    """The exit status."""
    xen.fetch()
    koan, on_xen = measure("koan"), measure("xen")
    rows = [{"name": name, "koan": cost, "xen": on_xen[name], "ratio": round(cost / on_xen[name], 3)} for name, cost in koan.items()]
    for row in rows:
        print(f"{row['name']:26}{row['koan']:>10}{row['xen']:>10}{row['ratio']:>10}")
    if RESULT.exists():
        data = json.loads(RESULT.read_text(encoding="utf-8"))
        data["rows"] = [row for row in data["rows"] if row["name"] not in koan] + rows
        RESULT.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return 0 if rows else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UsageError as error:
        print(f"pair: {error}")
        sys.exit(2)
