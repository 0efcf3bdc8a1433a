#!/usr/bin/python3
"""Grade a submission of a lab.

    grade.py LAB [SUBMISSION] [--test NAME]... [--seed HEX] [--results DIR] [--jobs N]

Exit status 0: all points; 1: points lost; 2: bad use or bad lab file; 3: infrastructure error, nobody's points are touched.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tools"))

import labfile  # noqa: E402  (the path comes first)
import pristine  # noqa: E402
import results  # noqa: E402
import sandbox  # noqa: E402
import submission  # noqa: E402
from koanrun.errors import UsageError  # noqa: E402
from problem import Problem, run_main  # noqa: E402
from runner import Runner, build, load_case  # noqa: E402
from target import Failed, Infrastructure  # noqa: E402


TODO = re.compile(r"LAB \d+\.\w+, \S+, is not written yet: [^\n]*")


def take(tree, lab, base, folder, notes):
    """(name -> bytes, refusals). The reference, or what was handed in."""
    if folder is None and not pristine.is_student_tree(tree):
        return {name: (tree / name).read_bytes() for name in lab.files}, []
    return submission.collect(folder or tree, base, pristine.editable(tree, lab), pristine.was_handed_out(tree), notes)


def chosen(lab, names):
    """The tests to run: those that carry points, or those that were named."""
    known = {test.name: test for test in lab.tests}
    for name in names:
        if name not in known:
            raise Problem("TEST", f"{lab.name} has no test {name!r}", f"one of: {', '.join(known)}")
    return [known[name] for name in names] or [test for test in lab.tests if test.kind != "host"]


def without_hidden(lab, tests, tree):
    """A student's tree has no hidden tests: they can't run there."""
    def is_here(test):
        file = test.run.partition(":")[0]
        return (tree / file).is_file() or (tree / "labs" / lab.name / file).is_file()
    return [test for test in tests if not test.hidden or is_here(test)]


def run_all(runner, tests, jobs, seed, report, say, start):
    """Every test, some at a time; each verdict is shown as it comes."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(runner.judge, test, seed): test for test in tests}
        for future in concurrent.futures.as_completed(futures):
            result = future.result()
            report.results[result.test] = result
            report.seconds = time.monotonic() - start
            report.first_seconds = report.first_seconds or report.seconds
            say(results.line_of(result))
    report.results = {test.name: report.results[test.name] for test in tests}


def give_up(report, tests, verdict, expected, seen, where="", hint="", reproduce=""):
    """One cause for all tests."""
    for test in tests:
        report.results[test.name] = results.Result(test.name, verdict, expected, seen, where, hint, reproduce)


def grade(tree, lab, folder=None, names=(), seed=None, jobs=2, out=None, say=print, prepared=None, files=None):
    """The whole of it; returns a Report and its folder. prepared: what pristine.prepare() gave before, for many gradings over
    one state of the sources. files: name -> bytes, in place of a submission's folder."""
    start = time.monotonic()
    tree = pathlib.Path(tree)
    out = pathlib.Path(out or pristine.CACHE / lab.name)
    wanted = chosen(lab, names)
    tests = without_hidden(lab, wanted, tree)
    for test in tests:
        load_case(lab, test, tree)   # a bad lab file is refused before anything runs
    report = results.Report(lab, submission.shown(folder or tree), complete=not names and tests == wanted)
    trouble = sandbox.probe()
    if trouble:
        give_up(report, tests, results.ERROR, "a sandbox to compile and run a submission in", trouble)
        return report, out
    base, numbers = prepared or pristine.prepare(tree, lab)
    if files is None:
        files, report.refused = take(tree, lab, base, folder, report.notes)
    if report.notes:
        say(f"not taken:\n{submission.explain(report.notes)}")
    if report.refused:
        say(f"{report.submission}: refused; nothing was graded:\n{submission.explain(report.refused)}")
        give_up(report, tests, results.FAIL, "only the files of the lab are changed", report.refused[0], report.refused[0].split(":")[0],
                reproduce=f"make grade LAB={lab.name}",
                hint="Put these files back as they were handed out: `git checkout FILE`; move your own ones out of the tree.")
        return report, out
    try:
        elf = build(base, files, out / "tree")
        again = f"make replay LAB={lab.name}" + ("" if out == pristine.CACHE / lab.name else f" RESULTS={out}")
        run_all(Runner(lab, tree, base, numbers, elf, out, again), tests, jobs, seed, report, say, start)
    except Failed as failed:
        give_up(report, tests, results.FAIL, failed.expected, failed.seen, failed.where, failed.hint, "make")
    except (Infrastructure, UsageError) as error:
        give_up(report, tests, results.ERROR, "a place to build", str(error))
    return report, out


def show(report, say=print):
    """The reasons, then the table. What only waits for a block that isn't written is told in a line."""
    told, unwritten = set(), {}
    for result in report.results.values():
        todo = TODO.search(results.clean(f"{result.where}\n{result.seen}"))
        if result.verdict == results.FAIL and todo:
            unwritten.setdefault(todo[0], []).append(result.test)
        elif result.verdict != results.PASS and (result.expected, result.seen) not in told:
            told.add((result.expected, result.seen))
            say("\n" + results.details(result))
    for todo, names in unwritten.items():
        say(f"\n{todo}\n  ends {len(names)} of the tests: {', '.join(names)}")
    if report.seconds:
        say("\n" + results.times(report))
    say("\n" + results.table(report))


def main(arguments):
    """Run, and return the exit status."""
    parser = argparse.ArgumentParser(prog="grade.py", allow_abbrev=False, description="Grade a submission of a lab.", epilog=(
        "exit status: " + "; ".join(f"{status}: {meaning}" for status, meaning in enumerate(results.MEANING))))
    parser.add_argument("lab", help="its name, as 01-boot")
    parser.add_argument("submission", nargs="?", default="", help="a student's tree (default: in a student's tree that tree, else the reference)")
    parser.add_argument("--test", action="append", default=[], help="only this one, and others so named (default: all)")
    parser.add_argument("--seed", default=None, help="hexadecimal (default: fresh ones, which run.json and the results keep)")
    parser.add_argument("--results", default=None, metavar="DIR", help="for results.json, results.xml, logs and image (default: build/grade/LAB)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="tests at a time (default: 2)")
    options = parser.parse_args(arguments)
    tree = HERE.parent
    if not options.lab:
        raise Problem("LAB", "is not given", f"add LAB=NAME: {', '.join(labfile.names(tree)) or 'there is no lab yet'}")
    lab = labfile.read(tree, options.lab)
    folder = pathlib.Path(options.submission) if options.submission else None
    report, out = grade(tree, lab, folder, options.test, options.seed, max(1, options.jobs), options.results,
                        say=lambda text: print(text, flush=True))
    results.write(report, out)
    show(report)
    if report.status and os.environ.get("MAKELEVEL"):
        print(f"Status {report.status}: {results.MEANING[report.status]}. make itself says `Error {report.status}` and ends with 2; "
              f"scripts call python3 grading/grade.py {lab.name}, which ends with {report.status}.", flush=True)
    return report.status


if __name__ == "__main__":
    sys.exit(run_main(main, sys.argv[1:]))
