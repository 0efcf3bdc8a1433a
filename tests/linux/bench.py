#!/usr/bin/python3
"""What operations of Debian's stock Linux cost without a hypervisor, on real Xen (as its dom0), and on Koan (as a domU), in instructions.

    bench.py            measure all three, print the table, add the rows to build/bench.json (schema 2: rows with `native`)
    bench.py --record   the same, and keep native's and Xen's figures in tests/linux/bench.json
    bench.py --check    measure Koan only and hold each row against the kept figures; last line `N passed, N failed`
    bench.py --where    count on all three sides where the instructions of each row ran (where.c), and keep what Linux itself does more

The kernel is linux-image-amd64, one CPU, `mitigations=off`, `-icount shift=0`: a tick of the TSC is an instruction. `norandmaps`: addresses that are
drawn anew in each boot need a page table more now and then, and a figure has two values. The rows are those of bench.c. The bar: of what a hypervisor adds to a row, Koan adds at most half of what Xen adds. Boot to init stands beside them without a bar.

Part of what is added runs in Linux, not in the hypervisor: a kernel under this ABI translates frame numbers and calls functions where it has single
instructions else. No hypervisor can change that, and in the rows of OVER_HALF it alone is nearly half of what Xen adds. There the
hypervisor's own instructions are judged (`hypervisor_ratio`), by a stricter bar.
"""

import argparse
import json
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import answers  # noqa: E402  (the path comes first)
from check import run_main, sum_up  # noqa: E402
from koanrun import linux, paths, xen  # noqa: E402
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

SCHEMA = 2           # of build/bench.json with these rows in it
BAR = 0.5            # Koan's overhead over native, as a part of Xen's
OVER_HALF = {"linux_mmap_64k": 0.33}  # rows where Linux's own part leaves no room: bar for hypervisor_ratio
FLAVOUR = "full"
SIDES = ("native", "xen", "koan")
ROWS = ("null_system_call", "page_fault", "fork_exit_wait", "fork_exec_wait", "pipe_ping_pong", "mmap_64k")
BOOT = "boot_to_init_ms"
RESULT = paths.BUILD / "bench.json"
PREFIX = "linux_"
PLUGIN = paths.BUILD / "linux" / "programs" / "where.so"
RECORDED = paths.TREE / "tests" / "linux" / "bench.json"
GUEST_MIB, MACHINE_MIB = 256, 768
LIMIT_SECONDS = 600
# Without SMEP Xen refills the return stack at every entry; SMAP doesn't work with QEMU's ring-3 IRETQ.
CPU = {"native": "max,-smap", "xen": "max,-smap", "koan": "max,-smap"}


def measure(side, *, where=False):
    """One boot: name -> instructions. With `where` besides: name -> those outside the hypervisor."""
    seed = random.getrandbits(62)
    words = "console=ttyS0" if side == "native" else "console=hvc0 earlyprintk=xen"
    guest = Module(linux.kernel(FLAVOUR), "linux", GUEST_MIB, 1, "ramdisk", cmdline=f"{words} mitigations=off norandmaps bench={seed:x}")
    # A machine of its own must not have more memory than a guest: its size is in the costs of a boot.
    with Machine(side, [guest, Module(linux.ramdisk(), "ramdisk", kind="ramdisk")],
                 f"dom0_mem={GUEST_MIB}M,max:{GUEST_MIB}M" if side == "xen" else "", cpu=CPU[side],
                 mem=GUEST_MIB if side == "native" else MACHINE_MIB, icount=True, timeout=LIMIT_SECONDS,
                 extra=["-plugin", str(paths.need_file(PLUGIN, "make bench-linux-where"))] if where else []) as machine:
        machine.wait()
    said = dict(found.groups() for found in (re.search(r"\bLINUX bench (\w+) (\w+)", line) for line in machine.output) if found)
    if machine.ending.kind != "clean" or said.pop("seed", None) != answers.word(answers.mix(seed, 0)) or set(said) != {*ROWS, BOOT}:
        raise UsageError(f"the bench in Linux on {side}: {machine.ending}; its last lines:\n" + "\n".join(machine.output[-12:]))
    figures = {name: int(value) for name, value in said.items()}
    return (figures, outside(machine.complaint, figures)) if where else figures


def outside(lines, figures):
    """From the plugin's lines: name -> instructions of a round outside the hypervisor, in the shortest try."""
    tries = [[int(word) for word in found] for found in re.findall(r"^where (\d+) (\d+) (\d+) (\d+)$", lines, re.MULTILINE)]
    result = {}
    for number, name in enumerate(ROWS):
        best = min((counts[1:] for counts in tries if counts[0] == number), key=sum)
        rounds = round(sum(best) / figures[name])
        result[name] = round((best[0] + best[1]) / rounds)
    return result


def part(row):
    """Koan's overhead over native, as a part of Xen's."""
    return round((row["koan"] - row["native"]) / (row["xen"] - row["native"]), 3)


def hypervisor_part(name, row, own):
    """The same without what Linux itself does more."""
    koan, theirs = (row[side] - row["native"] - own[side][name] for side in ("koan", "xen"))
    return round(koan / theirs, 3)


def make_rows(figures, own):
    """The rows of the result, one a name. own: what Linux itself does more than native, on each hypervisor."""
    rows = {name: {"name": PREFIX + name, **{side: figures[side][name] for side in SIDES}} for name in ROWS}
    return [{**row, "linux_itself": own["koan"][name], "overhead_ratio": part(row),
             "hypervisor_ratio": hypervisor_part(name, row, own)} for name, row in rows.items()]


def show(rows, figures):
    """The table."""
    columns = (*SIDES, "linux_itself", "overhead_ratio", "hypervisor_ratio")
    print(f"{'instructions a round':26}" + "".join(f"{column:>16}" for column in columns))
    for row in rows:
        print(f"{row['name']:26}" + "".join(f"{row[column]:>16}" for column in columns))
    print(f"{BOOT:26}" + "".join(f"{figures[side][BOOT]:>16}" for side in SIDES))


def add_to_result(rows, figures):
    """The rows into build/bench.json, beside those of tests/bench/bench.py if that has been run."""
    try:
        data = json.loads(RESULT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        data = {"unit": "instructions", "versions": {"xen": xen.version()}, "rows": [], "without_ratio": {}}
    kept = [row for row in data["rows"] if not row["name"].startswith(PREFIX)]
    rows = [{**row, "ratio": round(row["koan"] / row["xen"], 3)} for row in rows]
    data |= {"schema": SCHEMA, "versions": data["versions"] | {"linux": linux.version(FLAVOUR)}, "rows": kept + rows,
             BOOT: {side: figures[side][BOOT] for side in SIDES}}
    RESULT.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def bench(record):
    """All three sides: the exit status."""
    figures = {side: measure(side) for side in SIDES}
    own = kept_figures()["linux_itself"]
    rows = make_rows(figures, own)
    add_to_result(rows, figures)
    if record:
        keep({"kernel": linux.version(FLAVOUR), "xen_version": xen.version(), **{side: figures[side] for side in ("native", "xen")},
              "linux_itself": own})
    show(rows, figures)
    print(f"written: {RESULT.relative_to(paths.TREE)}")
    return judge(rows)


def where():
    """Count where the instructions run, and keep what Linux itself does more: the exit status."""
    counted = {side: measure(side, where=True) for side in SIDES}
    print(f"{'instructions a round':26}" + "".join(f"{side + what:>20}" for side in SIDES for what in ("", ", Linux's")))
    for name in ROWS:
        print(f"{PREFIX + name:26}" + "".join(f"{figures[name]:>20}{others[name]:>20}" for figures, others in counted.values()))
    native = counted["native"][1]
    keep(kept_figures() | {"linux_itself": {side: {name: counted[side][1][name] - native[name] for name in ROWS} for side in ("xen", "koan")}})
    return 0


def kept_figures():
    """What stands in tests/linux/bench.json."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def keep(figures):
    """Put it there."""
    RECORDED.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def slow(row):
    """Why this row misses its bar, or None."""
    column, bar = ("hypervisor_ratio", OVER_HALF[row["name"]]) if row["name"] in OVER_HALF else ("overhead_ratio", BAR)
    return None if 0 < row[column] <= bar else f"not so: {row['name']}: {column} is {row[column]}, bar {bar}"


def check():
    """Koan against the kept figures: the exit status."""
    kept = kept_figures()
    figures = {"native": kept["native"], "xen": kept["xen"], "koan": measure("koan")}
    rows = make_rows(figures, kept["linux_itself"])
    show(rows, figures)
    return judge(rows)


def judge(rows):
    """Every row's bar, as a test: the exit status."""
    failures = list(filter(None, map(slow, rows)))
    print("\n".join(failures), end="\n" if failures else "")
    return sum_up([(len(rows) - len(failures), len(failures))])


def main():
    """The exit status."""
    parser = argparse.ArgumentParser(description="see the head of this file")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--where", action="store_true")
    given = parser.parse_args()
    if given.where:
        return where()
    return check() if given.check else bench(given.record)


if __name__ == "__main__":
    run_main("bench-linux", main)
