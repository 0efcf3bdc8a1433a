#!/usr/bin/python3
"""Two stock Linux and three guests of ours side by side on two CPUs: nobody changes or sees another's memory, all clocks go as Koan's does.

    soak.py SECONDS      the last line is `N passed, N failed`

Two runs. In the first an instruction is a nanosecond (-icount), for a tenth of the seconds of guest time: there each guest's clock must be
true to Koan's within 50 parts in a million, and Koan's to the instructions. In the second the CPUs run side by side for all of the seconds; the
clocks' drift, from Koan's and from the host's, is told, not judged.

The Linux guests keep patterns in memory between storms of fork, mmap and signals, whose answers are judged as in run.py, and give 16 MiB back to Koan
and take them again before each round; ours (guests/pattern) keep
theirs. Koan recounts its frame table ten times a second, and at the end of each domain.
"""

import pathlib
import random
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import answers  # noqa: E402  (the path comes first)
from check import run_main, sum_up  # noqa: E402
from koanrun import linux, paths  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

LINUXES, OURS = ("cloud", "full"), 3
LINUX_MIB, OUR_MIB, MACHINE_MIB, CPUS = 192, 16, 1024, 2
PPM = 50
LOGS = paths.BUILD / "tests" / "logs"
LIMIT_FACTOR, LIMIT_LEAST = 60, 900   # wall clock a second of guest time: after that a machine has hung
ICOUNT_PART = 10
CLOCK_LINE = re.compile(r"\b(?:LINUX now|clock) (\d+) (\d+)$")   # the TSC, system time
LEAST = 10            # seconds of guest time: Linux has booted by then


def machine(seeds, seconds, icount):
    """Five domains."""
    modules = [Module(linux.ramdisk(), "ramdisk", kind="ramdisk")]
    for flavour in LINUXES:
        modules.append(Module(linux.kernel(flavour), flavour, LINUX_MIB, CPUS, "ramdisk",
                              cmdline=f"console=hvc0 soak={seeds[flavour]:016x},{seconds}"))
    for name in list(seeds)[len(LINUXES):]:
        modules.append(Module(paths.BUILD / "guests" / "pattern", name, OUR_MIB, cmdline=f"seed={seeds[name]} seconds={seconds}"))
    return Machine("koan", modules, "audit=tick", mem=MACHINE_MIB, smp=CPUS, icount=icount,
                   timeout=max(LIMIT_LEAST, seconds * LIMIT_FACTOR))


def drift(points, khz):
    """Parts in a million by which a guest's clock left Koan's, between its first and its last word on it."""
    (tsc, ns), (tsc_end, ns_end) = points[0], points[-1]
    return ((ns_end - ns) / ((tsc_end - tsc) / khz * 1e6) - 1) * 1e6


def check_clock(name, points, khz, judged):
    """(text, is it so) of one guest's clock."""
    if len(points) < 2 or points[-1][0] <= points[0][0]:
        yield f"{name}: its clock was read twice", False
        return
    found = drift(points, khz)
    print(f"{name}: its clock left Koan's by {found:+.2f} ppm in {(points[-1][1] - points[0][1]) / 1e9:.1f} s")
    if judged:
        yield f"{name}: its clock left Koan's by {found:.2f} ppm, at most {PPM}", abs(found) <= PPM


def check_linux(name, seed, lines):
    """A Linux's answers, every round."""
    said = [line.split(f"({name}) LINUX ", 1)[1].split(" ", 1) for line in lines if f"({name}) LINUX " in line]
    expected = answers.expected(seed)
    for part in ("pattern", "forks", "memory", "signals"):
        found = [words[1] for words in said if words[0] == part]
        wrong = [text for text in found if text != expected[part]]
        yield f"{name}: {part}: {len(found)} times, wrong: {wrong[:3]}", bool(found) and not wrong
    yield f"{name}: frames given back and taken", any(words[0] == "traded" for words in said)
    yield f"{name}: went to its end", ["done", f"{seed:016x}"] in said
    bad = [words for words in said if words[0] in ("complaint", "broken")]
    yield f"{name}: complaints: {bad}", not bad


def check_pattern(name, seed, lines):
    """One of ours."""
    found = [re.search(rf"pattern seed {seed}: (\d+) looks, (\d+) wrong, (\d+) words of others$", line) for line in lines if line.startswith(f"({name}) ")]
    found = [match for match in found if match]
    yield f"{name}: {found[0][0] if found else 'said nothing'}", bool(found) and int(found[0][1]) > 0 and found[0][2] == found[0][3] == "0"


def check(seeds, lines, ending, judged):
    """All of one run: (text, is it so)."""
    yield f"ended so: {ending}", ending.kind == "clean"
    khz = next((int(m[1]) * 1000 + int(m[2]) for m in (re.search(r"clock: TSC (\d+)\.(\d{3}) MHz", line) for line in lines) if m), 0)
    yield "Koan says its clock's rate", khz > 0
    if judged:   # the emulator's TSC counts nanoseconds
        yield f"Koan takes the TSC for one of {khz} kHz, not 1,000,000", abs(khz / 1e6 - 1) * 1e6 <= PPM
    for name, seed in seeds.items():
        yield f"{name}: a clean audit at its end", any(f"audit: {name}: clean" in line for line in lines)
        mine = [line for line in lines if line.startswith(f"({name}) ")]
        yield from (check_linux if name in LINUXES else check_pattern)(name, seed, mine)
        points = [(int(m[1]), int(m[2])) for m in map(CLOCK_LINE.search, mine) if m]
        if khz:
            yield from check_clock(name, points, khz, judged)


def note_time(clocks, line):
    """What the host's clock says when a guest tells its own: name -> [(host ns, guest ns)]."""
    found = CLOCK_LINE.search(line)
    name = line[1:].partition(")")[0]
    if found and name in clocks:
        clocks[name].append((time.monotonic_ns(), int(found[2])))


def show_host_drift(clocks):
    """For whoever reads: it holds the time that lines take to get here, some ms."""
    for name, points in clocks.items():
        if len(points) > 1:
            (host, guest), (host_end, guest_end) = points[0], points[-1]
            print(f"{name}: its clock left the host's by {((guest_end - guest) / (host_end - host) - 1) * 1e6:+.1f} ppm in "
                  f"{(host_end - host) / 1e9:.1f} s")


def run(seconds, icount):
    """One run: (passed, failed)."""
    seeds = {name: random.getrandbits(62) for name in (*LINUXES, *(f"ours{n}" for n in range(OURS)))}
    what = "icount" if icount else "threads"
    print(f"{what}: {seconds} s of guest time", flush=True)
    clocks = {name: [] for name in seeds}
    with machine(seeds, seconds, icount) as box:
        for line in box.lines():
            note_time(clocks, line)
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / f"linux-soak-{what}.log").write_text("\n".join(box.output) + "\n", encoding="utf-8")
    results = list(check(seeds, box.output, box.ending, icount))
    failures = [text for text, good in results if not good]
    for text in failures:
        print(f"FAIL {what}: {text}")
    if not icount:
        show_host_drift(clocks)
    return len(results) - len(failures), len(failures)


def main(arguments):
    """The exit status."""
    seconds = int(arguments[0])
    return sum_up([run(max(seconds // ICOUNT_PART, LEAST), True), run(max(seconds, LEAST), False)])


if __name__ == "__main__":
    run_main("soak-linux", main, sys.argv[1:])
