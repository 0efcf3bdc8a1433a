#!/usr/bin/python3
"""What operations of the hypervisor cost, in instructions: one guest on Koan and on real Xen 4.17.

    bench.py            measure both, print the table, write build/bench.json
    bench.py --record   the same, and keep Xen's figures in tests/bench/xen.json
    bench.py --check    measure Koan only and hold each row against Xen's kept figure; last line `N passed, N failed`

Under `-icount shift=0` a tick of the TSC is an instruction, so the figures are the same on every machine. The guest (guests/bench) is the
same binary on both and its own side of each round is in the figures. Flushes and CR3 loads are read out of Koan's memory by symbol,
from outside, while the guest waits between two rows; Xen keeps no such count.
"""

import argparse
import json
import mmap
import pathlib
import random
import re
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from koanrun import paths, qmp, xen  # noqa: E402  (the path comes first)
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

SCHEMA = 1
BAR = 0.5              # Koan's part of Xen's instructions, at most
BOOT_BAR = 60_000_000  # instructions from Koan's entry to the first guest's first, with 512 MiB
GUEST = paths.BUILD / "guests" / "bench"
RESULT = paths.BUILD / "bench.json"
RECORDED = paths.TREE / "tests" / "bench" / "xen.json"
# Without SMEP Xen refills the return stack at every entry; QEMU's ring-3 IRETQ doesn't work with SMAP.
CPU = "max,-smap"
MACHINE_MIB, MORE_MIB, GUEST_MIB = 512, 1536, 32
LIMIT_SECONDS = 240

# struct bench_page in guests/bench/bench.h.
PAGE = struct.Struct("<QQQQQ")
ROW = struct.Struct("<32sQQ")
MAGIC = 0x68636E65426E614B
GO_OFFSET = 24

COUNTERS = {"cr3_loads": "stat_cr3_loads", "flushes": "stat_flushes", "invlpg": "stat_invlpg"}


class Symbols:
    """Addresses in the running hypervisor, from its debug information."""

    def __init__(self, elf):
        expressions = {name: f"(unsigned long)&((struct cpu *)0)->{field}" for name, field in COUNTERS.items()}
        expressions["cpu_size"] = "sizeof(struct cpu)"
        expressions["koan_frames"] = "(unsigned long)&'alloc.c'::stats.koan"
        expressions["boot_start"] = "(unsigned long)&boot_tsc_entry"
        expressions["boot_guest"] = "(unsigned long)&boot_tsc_first_guest"
        self.values = {}
        command = [paths.need_tool("gdb", "gdb"), "-batch", "-nx", "-iex", "set auto-load off", str(elf)]
        for name, expression in expressions.items():
            command += ["-ex", f'printf "{name}=%lu\\n", {expression}']
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
        for name, value in re.findall(r"^(\w+)=(\d+)$", done.stdout, re.M):
            self.values[name] = int(value)
        missing = sorted(set(expressions) - set(self.values))
        if missing:
            raise UsageError(f"{elf}: GDB finds no {', '.join(missing)}: {done.stdout.strip()}")
        layout = (paths.TREE / "kernel" / "x86" / "layout.h").read_text(encoding="utf-8")
        stacks = int(re.search(r"#define STACKS_VA\s+(0x\w+)UL", layout)[1], 16)
        shift = int(re.search(r"#define CPU_BLOCK_SHIFT\s+(\d+)", layout)[1])
        self.cpu = stacks + (1 << shift) - self.values["cpu_size"]  # cpu_of(0) in x86/cpu.h

    def counters(self, monitor):
        """How often CPU 0 has loaded CR3 and flushed so far."""
        return {name: read_u64(monitor, self.cpu + self.values[name]) for name in COUNTERS}


def read_u64(monitor, address):
    """A word at a virtual address of the machine's CPU: the hypervisor is mapped in every address space."""
    return int(re.search(r": (0x[0-9a-f]+)", monitor.monitor(f"x /1gx {address:#x}"))[1], 16)


class Rows:
    """The guest's page in the machine's memory, and the walk through its steps."""

    def __init__(self, ram, nonce):
        self.ram, self.nonce = ram, nonce
        self.start = None   # byte offset of the page
        self.count = 0
        self.done = 0       # steps that have been let through

    def found(self, line):
        """A console line: does it say where the page is?"""
        match = re.search(r"BENCH-PAGE ([0-9a-f]+)", line)
        if self.start is not None or not match:
            return
        start = int(match[1], 16) << 12
        if start + 4096 > len(self.ram):
            raise UsageError("the bench guest names a page beyond the machine's memory")
        magic, nonce, _, _, rows = PAGE.unpack_from(self.ram, start)
        if (magic, nonce) != (MAGIC, self.nonce):
            raise UsageError("the bench guest's page is not where it says")
        self.start, self.count = start, rows

    def waits(self):
        """The step at which the guest waits now, or None."""
        if self.start is None:
            return None
        step = PAGE.unpack_from(self.ram, self.start)[2]
        return step if step > self.done else None

    def release(self, step):
        """Let the guest go on from this step."""
        self.done = step
        struct.pack_into("<Q", self.ram, self.start + GO_OFFSET, (self.nonce + step) & (1 << 64) - 1)

    def results(self):
        """name -> (instructions, rounds)."""
        found = {}
        for number in range(self.count):
            name, instructions, rounds = ROW.unpack_from(self.ram, self.start + PAGE.size + number * ROW.size)
            found[name.split(b"\0")[0].decode("ascii")] = (instructions, rounds)
        return found


class Run:
    """One boot of the bench guest. `rows`: name -> instructions; `counts`: name -> counters of a round (Koan)."""

    def __init__(self, side, mem=MACHINE_MIB, guests=1, steps=None, koan_elf=paths.KOAN_ELF):
        self.side = side
        self.rows, self.counts = {}, {}
        self.boot = self.koan_frames = None
        self.clock = None
        nonce = random.getrandbits(62)
        end = "reboot" if side == "xen" else "poweroff"
        # More guests than one are there for the memory that they take; they wait for ever.
        modules = [Module(GUEST, f"bench{n}" if n else "bench", GUEST_MIB, privileged=side == "koan-dom0",
                          cmdline=f"nonce={nonce:x} end={end}") for n in range(guests)]
        folder = paths.work_dir("bench-")
        try:
            self.machine = Machine("xen" if side == "xen" else "koan", modules, "dom0_mem=64M,max:64M" if side == "xen" else "",
                                   mem=mem, cpu=CPU, icount=True, qmp=True, ram_file=folder / "ram", timeout=LIMIT_SECONDS, koan_elf=koan_elf)
            with self.machine, open(folder / "ram", "r+b") as file, mmap.mmap(file.fileno(), 0) as ram:
                self._watch(Rows(ram, nonce), None if side == "xen" else Symbols(koan_elf), steps)
        finally:
            paths.remove_dir(folder)

    def _watch(self, rows, symbols, steps):
        """Follow the guest to its end, or to the step after which nothing more is wanted."""
        before = {}
        for line in self._lines_and_pauses():
            if line is not None:
                self._line(line)
                rows.found(line)
            step = rows.waits()
            if step is None:
                continue
            if symbols:
                self._between(symbols, rows, step, before)
            if steps == step:
                return
            rows.release(step)
        if self.machine.ending.kind != "clean":
            raise UsageError(f"the bench guest on {self.side}: {self.machine.ending}; its last lines:\n" +
                             "\n".join(self.machine.output[-12:]))
        self.rows = {name: instructions for name, (instructions, _) in rows.results().items()}

    def _line(self, line):
        match = re.search(r"BENCH-CLOCK (\d+)", line)
        if match:
            self.clock = int(match[1])

    def _lines_and_pauses(self):
        """The machine's lines, and None whenever there is none for a moment."""
        checked = time.monotonic()
        while self.machine.ending is None:
            chunk = self.machine.read(0.002)
            if chunk == b"":
                break
            yield from self.machine.take(chunk or b"")
            yield None
            if time.monotonic() - checked > 0.25:
                checked = time.monotonic()
                if self.machine.over_limit():
                    break
        self.machine.wait()

    def _between(self, symbols, rows, step, before):
        """The guest waits before a row (odd step) or after it: look at the hypervisor's counters."""
        monitor = self.machine.qmp
        if self.boot is None:
            start, guest = (read_u64(monitor, symbols.values[name]) for name in ("boot_start", "boot_guest"))
            self.boot = guest - start
            self.koan_frames = read_u64(monitor, symbols.values["koan_frames"])
        now = symbols.counters(monitor)
        if step % 2:
            before.update(now)
            return
        name, (_, rounds) = list(rows.results().items())[step // 2 - 1]
        self.counts[name] = {key: round((now[key] - before[key]) / rounds, 2) for key in now}


def table_kib(run):
    """What Koan says that its tables and stacks took when it started."""
    for line in run.machine.output:
        match = re.search(r"memory: .* (\d+) KiB for tables and stacks", line)
        if match:
            return int(match[1])
    raise UsageError("Koan's line about its memory is not there: `memory: ... N KiB for tables and stacks`")


def measure_growth(run):
    """What a domain more and a GiB more cost: memory that the hypervisor keeps, and length of start-up."""
    gib = (MORE_MIB - MACHINE_MIB) / 1024
    more = Run("koan", mem=MORE_MIB, steps=1)
    two = Run("koan", guests=2, steps=1)
    return {"boot_per_gib": round((more.boot - run.boot) / gib),
            "memory_per_domain_kib": (two.koan_frames - run.koan_frames) * 4,
            "memory_per_gib_kib": round((table_kib(more) - table_kib(run)) / gib)}


def first_line(command):
    """What a tool says about its version."""
    done = subprocess.run(command, cwd=paths.TREE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False)
    return (done.stdout.splitlines() or ["?"])[0]


def versions():
    """With what the figures were made."""
    return {"koan": first_line(["git", "describe", "--always", "--dirty"]), "xen": xen.version(),
            "qemu": first_line([paths.need_tool("qemu-system-x86_64", "qemu-system-x86"), "--version"]),
            "gcc": first_line([paths.need_tool("gcc", "gcc"), "--version"])}


def make_rows(koan, dom0, on_xen):
    """The rows of build/bench.json."""
    rows = []
    for name, cost in koan.rows.items():
        other = on_xen.get(name)
        rows.append({"name": name, "koan": cost, "xen": other, "ratio": round(cost / other, 3) if other else None,
                     "koan_dom0": dom0.rows.get(name) if dom0 else None, **koan.counts.get(name, {})})
    return rows


def show(rows, alone):
    """The table."""
    columns = ("koan", "xen", "ratio", "koan_dom0", "flushes", "cr3_loads", "invlpg")
    print(f"{'instructions a round':26}" + "".join(f"{column:>10}" for column in columns))
    for row in rows:
        print(f"{row['name']:26}" + "".join(f"{'-' if row[column] is None else row[column]:>10}" for column in columns))
    for name, value in alone.items():
        print(f"{name:26}{value:>10}")


def check_rows(koan, on_xen):
    """Every bar, as a test: the number of failures, and of tests that passed."""
    failures = []
    names = set(koan.rows) ^ set(on_xen)
    if names:
        failures.append(f"Koan's and Xen's rows are not the same: {', '.join(sorted(names))}; run: make bench-record")
    tests = [(f"{name}: {cost} instructions, Xen {on_xen[name]}", cost <= BAR * on_xen[name])
             for name, cost in koan.rows.items() if name in on_xen]
    tests.append((f"the clock counts instructions: {koan.clock} for 10,000", koan.clock in range(10000, 10101)))
    tests.append((f"boot to the first guest: {koan.boot} instructions, bar {BOOT_BAR}", 0 < koan.boot <= BOOT_BAR))
    tests.append(("every row has been measured", all(cost > 0 for cost in koan.rows.values()) and len(koan.rows) >= 15))
    failures += [text for text, right in tests if not right]
    for text in failures:
        print(f"not so: {text}")
    return len(failures), sum(right for _, right in tests)


def verdict(koan, on_xen):
    """The exit status, with the count."""
    failed, passed = check_rows(koan, on_xen)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def recorded():
    """Xen's kept figures: name -> instructions."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))["rows"]


def check():
    """`make check-bench`: the exit status."""
    koan = Run("koan")
    on_xen = recorded()
    show(make_rows(koan, None, on_xen), {"boot_to_first_guest": koan.boot})
    return verdict(koan, on_xen)


def well_formed(text):
    """build/bench.json is what its readers expect."""
    data = json.loads(text)
    assert data["schema"] == SCHEMA and data["unit"] == "instructions" and set(data["versions"]) >= {"koan", "xen", "qemu", "gcc"}
    assert all(row["ratio"] == round(row["koan"] / row["xen"], 3) for row in data["rows"]) and data["without_ratio"]


def bench(record):
    """`make bench`: the exit status."""
    xen.fetch()
    koan, dom0, on_xen = Run("koan"), Run("koan-dom0"), Run("xen").rows
    alone = {"boot_to_first_guest": koan.boot, **measure_growth(koan)}
    rows = make_rows(koan, dom0, on_xen)
    text = json.dumps({"schema": SCHEMA, "unit": "instructions", "versions": versions(), "rows": rows, "without_ratio": alone},
                      indent=1) + "\n"
    well_formed(text)
    RESULT.write_text(text, encoding="utf-8")
    if record:
        kept = json.loads(RECORDED.read_text(encoding="utf-8"))  # pair.py's figures stay
        RECORDED.write_text(json.dumps(kept | {"xen": xen.version(), "rows": on_xen}, indent=1) + "\n", encoding="utf-8")
    show(rows, alone)
    drift = [name for name, cost in on_xen.items() if abs(cost - recorded().get(name, 0)) > 0.02 * cost]
    if drift:
        print(f"Xen's kept figures (tests/bench/xen.json) are not these: {', '.join(drift)}; run: make bench-record")
    print(f"written: {RESULT.relative_to(paths.TREE)}")
    return verdict(koan, on_xen)


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
    except (UsageError, qmp.QmpError) as error:
        print(f"bench: {error}\n0 passed, 1 failed")
        sys.exit(2)
