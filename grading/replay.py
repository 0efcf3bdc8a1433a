#!/usr/bin/python3
"""Run a graded test once more, with the same seed and image, and open GDB where it fails.

    replay.py LAB TEST [--start] [--results DIR]

The log of the graded run, runs/TEST/serial.log in the folder of the results, stays as it is: a replay writes to replays/TEST.
"""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tools"))

import grade  # noqa: E402  (the path comes first)
import labfile  # noqa: E402
import pristine  # noqa: E402
from elfread import Elf, ElfError  # noqa: E402
from problem import Problem, run_main  # noqa: E402
from results import Result, clean, details  # noqa: E402
from runner import Runner, load_case  # noqa: E402
from target import Failed  # noqa: E402


def open_gdb(machine, failed=None):
    """GDB on the machine as it stands."""
    if failed is not None:
        print(details(Result("replay", "fail", failed.expected, failed.seen, failed.where, failed.hint)), flush=True)
    print(clean(machine.serial[-2000:]), flush=True)
    if machine.machine.process.poll() is not None:
        print("The machine is gone, so there is nothing to look at; START=1 opens GDB at its first instruction.")
        return
    machine.machine.qmp.command("stop")
    machine.gdb.close()
    elf = pathlib.Path(machine.elf.path).resolve()
    # The image is a stranger's, and might bring scripts along.
    command = ["gdb", "-q", "-iex", "set auto-load off", str(elf), "-ex", "set pagination off", "-ex", f"set substitute-path /submission {elf.parent.parent}",
               "-ex", "set architecture i386:x86-64", "-ex", "target remote gdb.sock"]
    for guest in machine.guests.values():
        command += ["-ex", f"add-symbol-file {pathlib.Path(guest.path).resolve()}"]
    subprocess.run(command, cwd=machine.machine.work, check=False)


def graded_run(out, name, lab):
    """(its record, its image): of the run that was graded, or a Problem."""
    record, again = out / "runs" / name / "run.json", f"grade again: make grade LAB={lab.name} TEST={name}"
    if not record.is_file():
        raise Problem(str(record), "there is no such run", again)
    try:
        run = json.loads(record.read_text(encoding="utf-8"))
        elf = Elf(run["image"])
    except (OSError, ValueError, KeyError, ElfError) as error:
        raise Problem(str(record), f"the run's image can't be read ({error})", again) from error
    if elf.digest != run.get("sha256"):
        raise Problem(run["image"], "has been built anew since this test was graded", again)
    return run, elf


def again(tree, lab, spec, out, start=False, prepared=None):
    """The run that OUT has of this test, once more; the exit status. prepared: as for grade.grade()."""
    run, elf = graded_run(out, spec.name, lab)
    base, numbers = prepared or pristine.prepare(tree, lab)
    print(f"seed {run['seed']}, image {run['image']}, log {out / 'runs' / spec.name / 'serial.log'}", flush=True)
    runner = Runner(lab, tree, base, numbers, elf, out, "", runs="replays")
    case_class = load_case(lab, spec, tree)
    try:
        runner.one(spec, run["seed"], case_class, on_failure=open_gdb, on_boot=open_gdb if start else None)
    except Failed:
        return 1
    print(f"{spec.name} passes with this seed.")
    return 0


def main(arguments):
    """Run, and return the exit status of the test."""
    parser = argparse.ArgumentParser(prog="replay.py", allow_abbrev=False, description="Run a graded test again, in GDB where it fails.")
    parser.add_argument("lab", help="its name, as 01-boot")
    parser.add_argument("test", help="one that has been graded")
    parser.add_argument("--start", action="store_true", help="stop at the machine's first instruction instead")
    parser.add_argument("--results", default=None, metavar="DIR", help="as it was given to grade.py (default: build/grade/LAB)")
    options = parser.parse_args(arguments)
    tree = HERE.parent
    if not options.lab or not options.test:
        raise Problem("LAB, TEST", "both are needed", "make replay LAB=NAME TEST=NAME")
    lab = labfile.read(tree, options.lab)
    spec = grade.chosen(lab, [options.test])[0]
    out = pathlib.Path(options.results or pristine.CACHE / lab.name)
    return again(tree, lab, spec, out, options.start)


if __name__ == "__main__":
    sys.exit(run_main(main, sys.argv[1:]))
