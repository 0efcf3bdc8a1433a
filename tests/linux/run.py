#!/usr/bin/python3
"""Debian's stock Linux as a guest: a script of real work runs in it, and its answers are judged here, outside.

    run.py CASE...      the last line is `N passed, N failed`
    run.py --list

A case is HYPERVISOR-FLAVOUR-VCPUS or HYPERVISOR-FLAVOUR-shell: koan-cloud-1, koan-full-4, xen-full-1, native-full-1, koan-cloud-shell.
Runs are under `-icount shift=0`: an instruction is a nanosecond, so with one vCPU sleeps are exact enough to be judged, and CPUs take turns,
so that a loaded machine only makes it slower. In 2p and 4p CPUs run side by side, as threads of the emulator.
The hypervisor `xen` is Debian's 4.17 with Linux as its dom0, `domu` the same with Linux as an unprivileged domain of the builder guest,
`koan-domu` that on Koan; native has none. Each boot gets a seed and a date of its own; answers.py computes what the programs in
the guest (init.sh, *.c) must print.
"""

import dataclasses
import pathlib
import random
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import answers  # noqa: E402  (the path comes first)
from check import run_main, sum_up  # noqa: E402
from koanrun import linux, paths  # noqa: E402
from koanrun.errors import UsageError  # noqa: E402
from koanrun.machine import Machine, Module  # noqa: E402

HYPERVISORS = {"koan": "koan", "xen": "xen", "native": "native", "domu": "xen", "koan-domu": "koan"}
KINDS = {"1": 1, "4": 4, "2p": 2, "4p": 4, "shell": 1}  # what the last word of a case means, in vCPUs
LOGS = paths.BUILD / "tests" / "logs"
GUEST_MIB, MACHINE_MIB = 256, 768
LIMIT_SECONDS = 600       # a machine that takes longer has hung
LATE_NS = 1_000_000       # how late a sleep of one process ends, under -icount, on an idle CPU: not a tick late
CONSOLE = {"native": "console=ttyS0"}
DATES = (1_700_000_000, 2_000_000_000)
TICKS = 20                # timer interrupts of each CPU, at the very least


@dataclasses.dataclass
class Case:
    """One boot."""

    name: str

    def __post_init__(self):
        self.on, self.flavour, what = self.name.rsplit("-", 2)
        if self.on not in HYPERVISORS or self.flavour not in linux.POINTERS or what not in KINDS:
            raise UsageError(f"{self.name}: no such case; --list names them")
        self.shell = what == "shell"
        self.vcpus = KINDS[what]
        self.icount = not self.shell and not what.endswith("p")  # a shell waits for its user, so its time is the host's
        self.domu = self.on.endswith("domu")
        self.seed = random.getrandbits(62)
        self.date = random.randrange(*DATES)

    def machine(self):
        """The machine of this case."""
        words = [CONSOLE.get(self.on, "console=hvc0 earlyprintk=xen")]
        if not self.shell:
            words.append(f"work={self.seed:016x}")
        guest = Module(linux.kernel(self.flavour), "linux", GUEST_MIB, self.vcpus, "ramdisk", cmdline=" ".join(words))
        options = {"koan": "audit=end", "xen": f"dom0_mem={GUEST_MIB}M,max:{GUEST_MIB}M"}.get(HYPERVISORS[self.on], "")
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.date))
        return Machine(HYPERVISORS[self.on], [guest, Module(linux.ramdisk(), "ramdisk", kind="ramdisk")],
                       "" if self.domu and self.on == "domu" else options, mem=MACHINE_MIB, smp=self.vcpus, icount=self.icount,
                       domu=self.domu, timeout=LIMIT_SECONDS, extra=["-rtc", f"base={when},clock=vm"])


class Script:
    """The guest's lines of the protocol: name -> list of what stood behind it."""

    def __init__(self, lines):
        self.said = {}
        for line in lines:
            found = re.search(r"\bLINUX ([a-z]+) ?(.*)", line)
            if found:
                self.said.setdefault(found[1], []).append(found[2].rstrip())

    def one(self, name):
        """The rest of the only line of this name, or None."""
        said = self.said.get(name, [])
        return said[-1] if said else None

    def numbers(self, name):
        """The same as numbers; none if a word is not one."""
        words = (self.one(name) or "").split()
        return [float(word) for word in words] if all(re.fullmatch(r"[\d.]+", word) for word in words) else []

    def interrupts(self):
        """/proc/interrupts: its last word of a line -> counts of the CPUs."""
        table = {}
        for line in self.said.get("irq", []):
            label, colon, rest = line.strip().partition(":")
            words = rest.split()
            counts = [int(word) for word in words if word.isdecimal()]
            if colon and counts:
                table[words[-1] if label.isdecimal() else label] = counts
        return table


def check_answers(case, script):
    """What the programs in the guest computed."""
    for name, answer in answers.expected(case.seed).items():
        if name != "pattern":
            yield f"{name}: {script.one(name)}, expected {answer}", script.one(name) == answer
    wanted = {answers.cpu(case.seed, number) for number in range(case.vcpus)}
    yield f"load on each CPU: {script.said.get('cpu')}, expected {sorted(wanted)}", set(script.said.get("cpu", [])) == wanted
    yield f"{script.one('cpus')} CPUs, expected {case.vcpus}", script.one("cpus") == str(case.vcpus)


def check_time(case, script):
    """Sleeps, clocks that never go back, the date that the machine was given."""
    asked, least, most = script.numbers("sleep") or (0, 0, 0)
    yield f"sleeps of {asked:.0f} ns took {least:.0f} to {most:.0f}", 0 < asked <= least
    if case.icount and case.vcpus == 1:
        yield f"the longest sleep was {most - asked:.0f} ns late, at most {LATE_NS}", 0 < most <= asked + LATE_NS
    yield f"clocks that went back, on all CPUs: {script.one('clock')}", script.one("clock") == f"{case.vcpus} 0"
    begin, end = script.numbers("begin"), script.numbers("end")
    if len(begin) != 2 or len(end) != 2:
        yield "the date at the begin and at the end has been said", False
        return
    yield (f"the date {begin[0]:.0f} is right: the machine was started at {case.date}",
           case.date <= begin[0] <= case.date + LIMIT_SECONDS)
    passed, up = end[0] - begin[0], end[1] - begin[1]
    yield f"the date went on by {passed} s, the uptime by {up:.2f}", up > 0 and abs(passed - up) < 1.1


def check_interrupts(case, script):
    """Every CPU has its timer, and nobody else's; other CPUs' work comes by IPI; what is an error has not been counted."""
    table = script.interrupts()
    if case.on == "native":
        yield "timer interrupts", all(count >= TICKS for count in table.get("LOC", [0]))
        return
    for cpu in range(case.vcpus):
        counts = table.get(f"timer{cpu}", [])
        yield (f"timer{cpu}'s interrupts: {counts}", len(counts) == case.vcpus and counts[cpu] >= TICKS
               and not sum(counts[:cpu] + counts[cpu + 1:]))
        if case.vcpus > 1:
            counts = table.get(f"resched{cpu}", [])
            yield f"resched{cpu}'s interrupts: {counts}", len(counts) == case.vcpus and counts[cpu] == sum(counts) > 0
    if case.on != "xen":
        yield f"hvc_console's interrupts: {table.get('hvc_console')}", sum(table.get("hvc_console", [])) > 0
    yield f"ERR: {table.get('ERR')}, MIS: {table.get('MIS')}", table.get("ERR") == [0] and table.get("MIS") == [0]


def check_balloon(script):
    """Memory went back and came again, in full; the kernel counted with it."""
    numbers = script.numbers("balloon")
    full, down, up, total, total_down, total_up = numbers if len(numbers) == 6 else (0,) * 6
    yield f"balloon: {full:.0f} KiB, {down:.0f}, {up:.0f}", full == up == GUEST_MIB << 10 and down == full - 32768
    yield f"MemTotal meanwhile: {total:.0f} KiB, {total_down:.0f}, {total_up:.0f}", total == total_up == total_down + 32768 > 32768


def check_script(case, machine):
    """All that the script shows: (text, is it so)."""
    script = Script(machine.output)
    yield f"the script went to its end: {script.one('done')}", script.one("done") == f"{case.seed:016x}"
    yield f"complaints: {[*script.said.get('complaint', []), *script.said.get('broken', [])]}", not (
        {"complaint", "broken"} & set(script.said))
    yield from check_answers(case, script)
    yield from check_time(case, script)
    yield from check_interrupts(case, script)
    if case.on != "native":
        yield from check_balloon(script)


def converse(case, machine):
    """A shell on the console: what is typed at its prompt is done. Yields as check_script()."""
    left, right = random.randrange(1000, 10000), random.randrange(1000, 10000)
    typed, prompt, start = False, None, time.monotonic()
    while machine.ending is None:
        chunk = machine.read()
        if chunk == b"":
            break
        machine.take(chunk or b"")
        if not typed and "linux# " in machine.partial:
            typed, prompt = True, time.monotonic() - start
            machine.write(f"echo $(({left} * {right})) | rev; poweroff -f\n".encode())
        machine.over_limit()
    machine.wait()
    answer = str(left * right)[::-1]
    yield f"the prompt came, after {prompt or 0:.0f} s", prompt is not None
    yield f"the shell answered {answer}", any(line.endswith(answer) for line in machine.output)


def check_end(case, machine):
    """How it ended: in order, and the hypervisor's books balance."""
    yield f"ended so: {machine.ending}", machine.ending.kind == "clean"
    if HYPERVISORS[case.on] == "koan":
        name = "domain-1" if case.domu else "linux"   # the builder names nobody
        yield "a clean audit at the end", any(f"audit: {name}: clean" in line for line in machine.output)


def run(case):
    """One case: (passed, failed)."""
    start = time.monotonic()
    with case.machine() as machine:
        results = list(converse(case, machine)) if case.shell else []
        machine.wait()
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"linux-{case.name}.log"
    log.write_text("\n".join(machine.output) + "\n", encoding="utf-8")
    if not case.shell:
        results += check_script(case, machine)
    results += check_end(case, machine)
    failures = [text for text, good in results if not good]
    for text in failures:
        print(f"FAIL {case.name}: {text}")
    print(f"{'FAIL' if failures else 'ok  '} {case.name}: {len(results) - len(failures)} of {len(results)}, "
          f"{time.monotonic() - start:.0f} s; {log.relative_to(paths.TREE)}", flush=True)
    return len(results) - len(failures), len(failures)


def main(arguments):
    """The exit status."""
    if arguments == ["--list"]:
        print("\n".join(f"{on}-{flavour}-{what}" for on in HYPERVISORS for flavour in linux.POINTERS for what in KINDS))
        return 0
    return sum_up([run(Case(name)) for name in arguments])


if __name__ == "__main__":
    run_main("linux", main, sys.argv[1:])
