#!/usr/bin/python3
"""Prove the grader by broken solutions and dishonest ones.

    prove.py mutants LAB [NAME...] [--every]    each mutant fails the tests that it must, and none that it neither must nor may
    prove.py cheats LAB [NAME...] [--every]     each cheat is refused, or gains nothing
    prove.py check [LAB]                        a lab, or each: reference, handout, mutants, cheats
    prove.py soak [LAB]                         the reference ten times, every mutant and cheat against every test

Without --every the tests that a mutant must not fail are a sample, the same for the same mutant. Seeds are made from
the names, so that a change elsewhere brings no other luck, but for soak, where they are fresh. Ends in `N passed, N failed`.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tools"))

import check  # noqa: E402  (the path comes first)
import grade  # noqa: E402
import labfile  # noqa: E402
import mutants  # noqa: E402
import pristine  # noqa: E402
from problem import Problem, run_main  # noqa: E402
from results import ERROR, FAIL, PASS, details  # noqa: E402
from runner import SOURCE_LINE  # noqa: E402

TREE = HERE.parent
OTHERS = 1          # of the tests that a mutant must not fail
TESTS_OF_CHEAT = 3
ROUNDS = 10         # of the reference, in a soak
JOBS = max(2, os.cpu_count() or 1)


def says_all(result):
    """Complaints about a failure that leaves a student alone: without one of the five things, or with a place that is no line of a source."""
    missing = [name for name in ("expected", "seen", "where", "hint", "reproduce") if not getattr(result, name).strip()]
    if result.where and not SOURCE_LINE.search(result.where):
        missing.append("a line of the source in `where`")
    return [f"{result.test} fails and lacks {', '.join(missing)}\n{details(result)}"] if missing and result.verdict == FAIL else []


class Lab:
    """One lab with its pristine tree, and what is known of its handout."""

    def __init__(self, tree, name, fresh=False, every=False):
        self.tree, self.fresh, self.every = pathlib.Path(tree), fresh, every
        self.lab = labfile.read(tree, name)
        self.prepared = pristine.prepare(self.tree, self.lab)
        self.base = self.prepared[0]
        self.tests = [test.name for test in self.lab.tests if test.kind != "host"]
        self.at_first = set()   # tests that the untouched handout passes

    def grade(self, what, names=(), files=None, folder=None, jobs=1, lab=None):
        """The report of one submission. WHAT is its name, for its folder and its seeds."""
        lab = lab or self.lab
        out = pristine.CACHE / self.lab.name / "prove" / what
        seed = None if self.fresh else hashlib.sha256(f"{lab.name}:{what}".encode()).hexdigest()[:16]
        try:
            return grade.grade(self.tree, lab, folder, names, seed, jobs, out, lambda _: None, self.prepared, files)[0]
        finally:
            shutil.rmtree(out / "tree", ignore_errors=True)   # there are many

    def files_of(self, tree):
        return {name: (tree / name).read_bytes() for name in self.lab.files}

    # Each of these returns the complaints; none is good.

    def reference(self, what="reference"):
        """Every point."""
        report = self.grade(what, files=self.files_of(self.tree), jobs=JOBS)
        return [details(result) for result in report.results.values() if result.verdict != PASS]

    def handout(self):
        """It builds, has its declared score, and passes the tests of those labs that it says."""
        report = self.grade("handout", files=self.files_of(self.base), jobs=JOBS)
        self.at_first = {name for name, result in report.results.items() if result.verdict == PASS}
        wrong = [details(result) for result in report.results.values() if result.verdict == ERROR or "compiles" in result.expected]
        for result in report.results.values():
            wrong += says_all(result)
        if report.total != self.lab.base:
            wrong.append(f"has {report.total} points, and labs/{self.lab.name}/lab.toml says base = {self.lab.base}")
        for name, tests in self.lab.passes.items():
            earlier = labfile.read(self.tree, name)
            pristine.build_guests(self.base, earlier)
            report = self.grade(f"handout-{name}", tests, files=self.files_of(self.base), jobs=JOBS, lab=earlier)
            wrong += [details(result) for result in report.results.values() if result.verdict != PASS]
        return wrong

    def mutant(self, mutant):
        """Its must fail, the others don't."""
        others = [name for name in self.tests if name not in mutant.must + mutant.may]
        if not self.every:
            others = mutants.sample(mutant, others, OTHERS)
        names = mutant.must + others + (mutant.may if self.every else [])
        report = self.grade(f"mutant-{mutant.name}", names, files=mutant.files(self.tree, self.lab))
        wrong = []
        for name, result in report.results.items():
            if "compiles" in result.expected:
                return [f"does not compile: {result.seen}"]
            wrong += says_all(result)
            if result.verdict == ERROR:
                wrong.append(details(result))
            elif name in mutant.must and result.verdict != FAIL:
                wrong.append(f"{name} must fail, and passes")
            elif name in others and result.verdict != PASS:
                wrong.append(f"{name} stands neither in must nor in may, and fails\n{details(result)}")
        return wrong

    def cheat(self, cheat):
        """It is refused by the name of a file of it, or no test counts that the handout fails."""
        # What it has solved as the reference does earns its points: then only the tests that it tries to fool tell.
        names = () if self.every and not cheat.solved else cheat.tests or mutants.sample(cheat, self.tests, TESTS_OF_CHEAT)
        # A guest's word gains nothing without the test that backs it.
        names = list(dict.fromkeys([*names, *(test.backed_by for test in self.lab.tests if test.name in names and test.backed_by)]))
        with tempfile.TemporaryDirectory(dir=pristine.CACHE, prefix="cheat-") as holder:
            folder = pathlib.Path(holder, "submission")
            cheat.write(self.base, folder)
            report = self.grade(f"cheat-{cheat.name}", names, folder=folder)
        wrong = [f"{name} passes" for name in report.results if report.counts(name) and name not in self.at_first]
        wrong += [details(result) for result in report.results.values() if result.verdict == ERROR]
        if cheat.expect == mutants.REFUSED and not {line.split(":")[0] for line in report.refused} & set(cheat.paths()):
            wrong.append("is not refused by the name of any of its files")
        if cheat.expect == mutants.NO_POINTS and report.refused:
            wrong.append(f"is refused, and not run: {report.refused[0]}")
        return wrong


class Tally:
    """Counts, and shows each result as it comes."""

    def __init__(self):
        self.passed = self.failed = 0

    def add(self, what, wrong, start):
        good = not wrong
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        print(f"  {'PASS' if good else 'FAIL'} {what} ({time.monotonic() - start:.1f} s)", flush=True)
        for text in wrong:
            print("    " + text.replace("\n", "\n    "), flush=True)

    def run(self, what, function, *arguments):
        """One proof."""
        start = time.monotonic()
        self.add(what, function(*arguments), start)

    def run_all(self, rows):
        """Many: (what, function, argument), some at a time."""
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda row: self.run(*row), rows))

    def end(self):
        print(check.format_summary(self.passed, self.failed))
        return 1 if self.failed else 0


def mutant_rows(lab, found):
    return [(f"{lab.lab.name} mutant {item.name}: {', '.join(item.must)}", lab.mutant, item) for item in found]


def cheat_rows(lab, found):
    return [(f"{lab.lab.name} cheat {item.name}: {item.expect}", lab.cheat, item) for item in found]


def all_labs(tally, only, fresh, every, rounds):
    """check and soak, of one lab or of each."""
    names = [only] if only else labfile.names(TREE)
    found = {name: (mutants.mutants(TREE, labfile.read(TREE, name)), mutants.cheats(TREE, labfile.read(TREE, name))) for name in names}
    for name in names:
        tally.run(f"{name} mutants: each test must fail in one", mutants.unproven, labfile.read(TREE, name), found[name][0])
        lab = Lab(TREE, name, fresh, every)
        for number in range(1, rounds + 1):
            tally.run(f"{name} reference: {lab.lab.points} points", lab.reference, f"reference-{number}")
        tally.run(f"{name} handout: {lab.lab.base} points", lab.handout)
        tally.run_all(mutant_rows(lab, found[name][0]) + cheat_rows(lab, found[name][1]))


def main(arguments):
    """Run, and return the exit status."""
    parser = argparse.ArgumentParser(prog="prove.py", allow_abbrev=False)
    parser.add_argument("command", choices=("mutants", "cheats", "check", "soak"))
    parser.add_argument("lab", nargs="?", default="")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--every", action="store_true")
    options = parser.parse_args(arguments)
    tally = Tally()
    if options.command in ("check", "soak"):
        soak = options.command == "soak"
        all_labs(tally, options.lab, soak, soak, ROUNDS if soak else 1)
        return tally.end()
    if not options.lab:
        raise Problem("LAB", "is not given", f"add LAB=NAME: {', '.join(labfile.names(TREE)) or 'there is no lab yet'}")
    read = {"mutants": mutants.mutants, "cheats": mutants.cheats}[options.command]
    found = read(TREE, labfile.read(TREE, options.lab), options.names)
    lab = Lab(TREE, options.lab, every=options.every)
    if lab.lab.base and options.command == "cheats":
        tally.run(f"{lab.lab.name} handout: {lab.lab.base} points", lab.handout)
    tally.run_all((mutant_rows if options.command == "mutants" else cheat_rows)(lab, found))
    return tally.end()


if __name__ == "__main__":
    sys.exit(run_main(main, sys.argv[1:]))
