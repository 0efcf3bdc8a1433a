#!/usr/bin/python3
"""Run the test guests of tests/guests/ on Koan and on real Xen, and show their verdicts side by side.

    conformance.py [--on koan,koan-dom0,xen] [--jobs N] [--smp N] [--verbose] [TEST...]

Five sides: `koan` runs each test as an unprivileged domain, `koan-dom0` as a privileged one, `xen` as the dom0 of Debian's Xen 4.17;
`koan-domu` and `xen-domu` as an unprivileged domain that the builder guest made, through domctl.

A test's verdict is read from the machine's memory, not from what it prints: its line `RESULT <mfn> ...` only says where the page
with the verdict lies. The page must carry the test's id and a random number that only this run knows; then the runner writes that
number back, which lets the test end. On Koan several tests share a boot, each a domain of its own; if the hypervisor goes down, they
are run again one by one, so that the culprit is named. After each domain's end Koan recounts its frame table (audit=end), and
anything but "clean" fails the test.

A test whose source says `#define PAIR` is one of two domains (guests/lib/pair.h): it runs twice in one boot, as NAME and as NAME-b, and
both must pass. It has no side where there is only one domain.

A test of several vCPUs or of two domains runs twice on each side: on a machine with one CPU, where they take turns at any place, and on one with as many
CPUs as there are vCPUs, where they do meet. Both must pass.

A test whose source says `#define ALONE` uses a device of the machine, counts or touches what is others' as well (free memory, domains by guessed ids),
or takes long, and shares its boot with no other.

A test may also announce that its domain must now be ended by the hypervisor (CRASH); then it passes if that happens.

tests/guests/DIFFERENCES says where a verdict other than PASS is right, and why.
"""

import argparse
import concurrent.futures
import dataclasses
import mmap
import os
import pathlib
import random
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

from check import run_main  # noqa: E402  (the path comes first)
from koanrun import paths  # noqa: E402
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

SIDES = ("koan", "koan-dom0", "koan-domu", "xen", "xen-domu")
GUESTS = paths.BUILD / "tests" / "guests"
LOGS = paths.BUILD / "tests" / "logs"
SOURCES = paths.TREE / "tests" / "guests"
DIFFERENCES = SOURCES / "DIFFERENCES"

# struct test_result in guests/lib/test.h.
RESULT = struct.Struct("<QQQIIQQ")
MAGIC = 0x747365546E616F4B
RELEASE_OFFSET = 40
VERDICTS = {1: "PASS", 2: "FAIL", 3: "ERROR", 4: "SKIP", 5: "CRASH"}

PAGE = 4096
MACHINE_MIB = 512
GUEST_MIB = 16
SHARE = 12            # tests in one boot of Koan
LIMIT_SECONDS = 300   # a boot that takes longer has hung, even on a busy machine
BUILT_LINE = re.compile(r"^builder: ([\w-]+): domain (\d+),")
CRASHED_LINE = re.compile(r"\((?:koan|XEN)\) [Dd]omain[- ](\d+) .*crashed")  # of a domain that the builder made
WATCHDOG = "was ended by its watchdog"  # which is the hypervisor's doing, too
PEER = "-b"  # behind a test's name: the second domain of a pair
RESULT_LINE = re.compile(r"RESULT ([0-9a-f]+) [A-Z]+ (\w+):")


@dataclasses.dataclass
class Outcome:
    """What came of one test on one side: PASS, FAIL, ERROR, SKIP, or HANG, DIED (the hypervisor), SILENT (no verdict)."""

    verdict: str
    text: str = ""


def define_in(name, word):
    """What stands behind `#define WORD` in a test's source; None: it has none."""
    found = re.search(rf"^#define {word}\b *(\d*)(?: */\*.*\*/)?$", (SOURCES / f"{name}.c").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else None


def vcpus_of(name):
    """How many vCPUs a test wants: its source says `#define NEEDS_VCPUS n` (default 1)."""
    return int(define_in(name, "NEEDS_VCPUS") or 1)


def domains_of(name):
    """The domains in which a test runs."""
    return [name, name + PEER] if define_in(name, "PAIR") is not None else [name]


def test_of(domain):
    """The test that runs in a domain."""
    return domain.removesuffix(PEER)


def fnv1a(name):
    """The id of a test, as guests/lib/test.c makes it."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


class Reader:
    """Reads verdicts out of the machine's memory and releases the tests."""

    def __init__(self, ram, nonces):
        self.ram, self.nonces = ram, nonces

    def read(self, name, mfn):
        """The outcome in the page at MFN, if it is this test's own."""
        start = mfn * PAGE
        if start + PAGE > len(self.ram):
            return Outcome("ERROR", f"the result page {mfn:#x} lies beyond the machine's memory")
        magic, test_id, nonce, verdict, _, _, _ = RESULT.unpack_from(self.ram, start)
        if (magic, test_id, nonce) != (MAGIC, fnv1a(test_of(name)), self.nonces[name]):
            return Outcome("ERROR", f"page {mfn:#x} holds no result of this run of {name}")
        text = bytes(self.ram[start + RESULT.size:start + PAGE]).split(b"\0")[0].decode("utf-8", "replace")
        return Outcome(VERDICTS.get(verdict, f"VERDICT-{verdict}"), text)

    def release(self, name, mfn):
        """Let the test go on."""
        struct.pack_into("<Q", self.ram, mfn * PAGE + RELEASE_OFFSET, self.nonces[name])


class Watcher:
    """Follows the lines of one boot and knows each test's outcome at the end."""

    def __init__(self, side, names, reader):
        self.side, self.names, self.reader = side, names, reader
        self.built = {}         # by domain id, where the builder made it: the test's name
        self.outcomes = {}
        self.crashed = set()    # ended by the hypervisor
        self.gave_up = set()    # ended by themselves, with SHUTDOWN_crash
        self.audits = {}

    def line(self, line):
        """One line of the console."""
        found = RESULT_LINE.search(line)
        for name in self.names if found else ():
            if found[2] == test_of(name) and self._speaks(line, name):
                self._result(name, int(found[1], 16))
        if self.side.endswith("-domu"):
            self._built_line(line)
        for name in self.names:
            if line.startswith((f"(koan) {name} crashed", f"(koan) {name} {WATCHDOG}")):
                self.crashed.add(name)
            if line.startswith(f"(koan) {name} said that it crashed"):
                self.gave_up.add(name)
            if line.startswith(f"(koan) audit: {name}: "):
                self.audits[name] = line.split(": ", 2)[2].strip()
        if self.side == "xen" and re.search(r"\(XEN\) (Domain 0 .*crashed|Hardware Dom0 shutdown: watchdog)", line):
            self.crashed.update(self.names)
        elif self.side == "xen" and "Hardware Dom0 crashed" in line:
            self.gave_up.update(self.names)

    def _built_line(self, line):
        """A word of the builder, or of the hypervisor about a domain whose name only the builder knows."""
        built, crashed = BUILT_LINE.match(line), CRASHED_LINE.search(line)
        if built:
            self.built[built[2]] = built[1]
        elif crashed and crashed[1] in self.built:
            self.crashed.add(self.built[crashed[1]])
        elif line.startswith("builder: ") and line.endswith(" crashed"):
            self.gave_up.add(line.split()[1])
        elif line.startswith("builder: ") and line.endswith(WATCHDOG):
            self.crashed.add(line.split()[1])
        elif line.startswith("(koan) audit: domain-"):
            number, verdict = line.removeprefix("(koan) audit: domain-").split(": ", 1)
            self.audits[self.built.get(number)] = verdict.strip()

    def _speaks(self, line, name):
        """Koan says in front of a line whose it is, and so does the builder."""
        return self.side == "xen" or line.startswith(f"({name}) ")

    def _result(self, name, mfn):
        before = self.outcomes.get(name)
        if before is None or before.verdict == "CRASH":
            self.outcomes[name] = self.reader.read(name, mfn)
            if self.outcomes[name].verdict != "ERROR" or mfn * PAGE + PAGE <= len(self.reader.ram):
                self.reader.release(name, mfn)

    def outcome(self, name, ending):
        """The outcome of a test now that the machine has ended."""
        outcome = self.outcomes.get(name)
        if outcome is None:
            how = {"timeout": "HANG", "budget": "HANG", "panic": "DIED", "reset": "DIED"}.get(ending.kind, "SILENT")
            if name in self.crashed | self.gave_up:
                return Outcome("FAIL", "its domain crashed before it had a verdict (its lines are in build/tests/logs)")
            return Outcome(how, str(ending))
        if ending.kind in ("panic", "reset"):
            return Outcome("DIED", f"the hypervisor went down ({ending}) after {outcome.verdict}")
        if ending.kind == "timeout":
            return Outcome("HANG", f"the machine did not end, after {outcome.verdict}")
        if outcome.verdict == "CRASH":
            outcome = Outcome("PASS", outcome.text) if name in self.crashed else \
                Outcome("FAIL", f"its domain should have been ended: {outcome.text}")
        elif name in self.crashed:
            outcome = Outcome("FAIL", f"its domain crashed after {outcome.verdict}")
        audit = self.audits.get(name, "no word of it")
        if not self.side.startswith("xen") and audit.split()[0] != "clean":
            return Outcome("FAIL", f"audit: {audit} (the test itself: {outcome.verdict})")
        return outcome


def cmdline_of(number, names, side, nonces):
    """The command line of a domain; ids count from 0 where the first domain is a dom0."""
    name, first = names[number], side not in ("koan-dom0", "xen")
    words = [f"nonce={nonces[name]:x}", f"end={'reboot' if side == 'xen' else 'poweroff'}", f"domid={number + first}"]
    if len(domains_of(test_of(name))) > 1:
        is_b = name.endswith(PEER)
        words += [f"role={'b' if is_b else 'a'}", f"peer={number + first + (-1 if is_b else 1)}"]
    return " ".join(words)


def both(name, outcomes):
    """The outcome of a test from those of its domains: the first that isn't PASS counts."""
    for domain in domains_of(name):
        if outcomes[domain].verdict != "PASS":
            return outcomes[domain]
    return outcomes[name]


def boot(side, tests, smp, given):
    """Run some tests in one machine. Returns outcomes by name, and the console's lines."""
    names = [domain for test in tests for domain in domains_of(test)]
    nonces = {name: random.getrandbits(63) | 1 for name in names}
    modules = [Module(GUESTS / test_of(name), name, GUEST_MIB, vcpus_of(test_of(name)), privileged=side == "koan-dom0",
                      cmdline=cmdline_of(number, names, side, nonces))
               for number, name in enumerate(names)]
    options = {"xen": f"dom0_mem=64M,max:64M dom0_max_vcpus={vcpus_of(names[0])}", "xen-domu": ""}.get(side, "audit=end")
    folder = paths.work_dir("conformance-")
    ram_file = folder / "ram"
    try:
        machine = Machine(side.split("-")[0], modules, options, mem=MACHINE_MIB, smp=smp, ram_file=ram_file,
                          timeout=LIMIT_SECONDS, domu=side.endswith("-domu"))
        with machine:
            with open(ram_file, "r+b") as file, mmap.mmap(file.fileno(), 0) as ram:
                watcher = Watcher(side, names, Reader(ram, nonces))
                for line in machine.lines():
                    watcher.line(line)
                    if given.verbose:
                        print(f"[{side}] {line}", flush=True)
        outcomes = {name: watcher.outcome(name, machine.ending) for name in names}
        return {test: both(test, outcomes) for test in tests}, machine.output
    finally:
        paths.remove_dir(folder)


def boot_logged(side, names, smp, given):
    """As boot(), with the console's lines kept in LOGS: one file for several tests is named after the first and `-etc`."""
    outcomes, output = boot(side, names, smp, given)
    LOGS.mkdir(parents=True, exist_ok=True)
    name = names[0] + ("-etc" if len(names) > 1 else "") + (f"-{smp}cpus" if smp > 1 else "")
    (LOGS / f"{side}-{name}.log").write_text("\n".join(output) + "\n", encoding="utf-8")
    return outcomes


def run_share(side, names, smp, given):
    """Run tests in one boot, and one by one where that boot failed as a whole."""
    outcomes = boot_logged(side, names, smp, given)
    if len(names) > 1 and any(outcome.verdict in ("HANG", "DIED", "SILENT") for outcome in outcomes.values()):
        outcomes = {}
        for name in names:
            outcomes.update(boot_logged(side, [name], smp, given))
    return side, outcomes


def runners_of(name):
    """How many vCPUs a test has in all its domains."""
    return vcpus_of(name) * len(domains_of(name))


def shares_of(side, names, smp):
    """[(names, CPUs)], a boot each. Xen starts one dom0 a boot; Koan and the builder make several domains."""
    size = 1 if side == "xen" else SHARE
    alone = [name for name in names if define_in(name, "ALONE") is not None]
    shares = [([name], smp) for name in alone]
    for cpus in sorted({1} | {runners_of(name) for name in names}):
        together = [name for name in names if (cpus == 1 and name not in alone) or cpus == runners_of(name) > 1]
        each = size if cpus == 1 else 1   # with others beside it, its vCPUs would take turns again
        shares += [(together[i:i + each], max(cpus, smp)) for i in range(0, len(together), each)]
    return shares


def read_differences():
    """(test, side) -> (verdict, reason)."""
    differences = {}
    for number, line in enumerate(DIFFERENCES.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 3)
        if len(words) < 4 or words[1] not in SIDES:
            raise UsageError(f"{DIFFERENCES}:{number}: TEST SIDE VERDICT REASON wanted; sides are {', '.join(SIDES)}")
        differences[words[0], words[1]] = (words[2], words[3])
    return differences


def judge(name, side, outcome, differences):
    """(what the table shows, whether that is right)."""
    wanted = differences.get((name, side))
    if wanted:
        return f"{outcome.verdict} (known)", outcome.verdict == wanted[0]
    if outcome.verdict == "SKIP":
        return {"xen": "no dom0 side"}.get(side, "-"), True
    return outcome.verdict, outcome.verdict == "PASS"


def to_run(names, side, differences):
    """The tests to run on a side: not those of which it is known that they stop the machine there, nor pairs on a side with one domain."""
    return [name for name in names if differences.get((name, side), ("",))[0] != "HANG" and not (side == "xen" and len(domains_of(name)) > 1)]


def show(names, sides, outcomes, differences):
    """The table, the reasons of what failed, and the count. Returns the number of failures."""
    width = max(len(name) for name in names)
    print(f"{'test':{width}}  " + "".join(f"{side:14}" for side in sides))
    passed, failures = 0, []
    for name in names:
        cells = []
        for side in sides:
            shown, right = judge(name, side, outcomes[side][name], differences)
            cells.append(f"{shown:14}")
            passed += right
            if not right:
                failures.append((name, side, outcomes[side][name]))
        print(f"{name:{width}}  " + "".join(cells).rstrip())
    for name, side, outcome in failures:
        print(f"{name} on {side}: {outcome.verdict}: {outcome.text}")
    for (name, side), (verdict, reason) in sorted(differences.items()):
        if name in names and side in sides:
            print(f"known difference: {name} on {side}: {verdict}: {reason}")
    print(f"{passed} passed, {len(failures)} failed")
    return len(failures)


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description="run the test guests; see the head of this file")
    parser.add_argument("--on", default=",".join(SIDES), help="sides, with commas: " + ", ".join(SIDES))
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="machines at a time")
    parser.add_argument("--smp", type=int, default=1, help="CPUs of a machine at least")
    parser.add_argument("--verbose", action="store_true", help="show all console lines")
    parser.add_argument("tests", nargs="*", metavar="TEST", help="names of tests (default: all)")
    return parser.parse_args()


def main():
    """Run everything that was asked for; the exit status says whether all was right."""
    given = options()
    everything = sorted(path.stem for path in (paths.TREE / "tests" / "guests").glob("*.c"))
    sides = given.on.split(",")
    names = given.tests or everything
    if set(sides) - set(SIDES) or set(names) - set(everything):
        raise UsageError(f"unknown: {' '.join(sorted((set(sides) - set(SIDES)) | (set(names) - set(everything))))}")
    differences = read_differences()
    stale = {name for name, _ in differences} - set(everything)
    if stale:
        raise UsageError(f"{DIFFERENCES} names no test: {' '.join(sorted(stale))}")
    outcomes = {side: {name: Outcome("SKIP" if len(domains_of(name)) > 1 else "HANG", "not run") for name in names} for side in sides}
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        jobs = [pool.submit(run_share, side, share, smp, given) for side in sides
                for share, smp in shares_of(side, to_run(names, side, differences), given.smp)]
        bad = set()   # on some machine: what another says counts no more
        for job in concurrent.futures.as_completed(jobs):
            side, found = job.result()
            outcomes[side].update({name: outcome for name, outcome in found.items() if (side, name) not in bad})
            bad |= {(side, name) for name, outcome in found.items() if outcome.verdict != "PASS"}
    return 1 if show(names, sides, outcomes, differences) else 0


if __name__ == "__main__":
    run_main("conformance", main)
