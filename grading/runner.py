"""Builds one submission and runs tests on it: the part between what was handed in and results.py."""

import hashlib
import importlib.util
import json
import pathlib
import random
import re
import shutil
import sys
import threading
import time

import marks
import pristine
import sandbox
from case import Case, Setting
from elfread import Elf, ElfError
from guestcase import GuestCase
from problem import Problem
from results import ERROR, FAIL, PASS, Result
from target import Failed, Infrastructure

TRIES = 3
SOURCE_LINE = re.compile(r"\bkernel/[\w./-]+:\d+")
UNWRITTEN = re.compile(r"\bLAB (\d+\.\d+[a-z]?), \S+, is not written yet")
LOADING = threading.Lock()
# What a build of the hypervisor needs to see: no tests, no guests, no grader.
BUILD_NEEDS = ("Makefile", "kernel", "tools/symbols.py", "labs/handout.mk", "labs/objects", "grading/build.mk",
               "build/kernel", "build/offsets.inc", "build/offsets.d", "build/symbols.S", "build/koan.first.elf", "build/koan.elf")
COMPILE_HINT = "Build it yourself first: `make` shows every message of the compiler."


def lay_over(base, files, folder):
    """The part of the pristine tree that a build needs, with the submission's files in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in BUILD_NEEDS:
        source, target = base / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for name, data in files.items():
        target = folder / name
        if not target.is_file() or target.read_bytes() != data:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def build(base, files, folder):
    """The submission's hypervisor as an Elf. A Failed says that it doesn't compile; the sandbox's trouble is Infrastructure."""
    lay_over(base, files, folder)
    done = sandbox.run(["make", "-s", "-j2", "build/koan.elf"], folder)
    if done.limit == "wall":
        raise Infrastructure("the compiler took too long on the wall clock")
    if done.output.startswith("bwrap: "):
        raise Infrastructure(sandbox.explain_trouble(done.output.strip()[:400]))
    if done.status or done.limit:
        lines = [line for line in done.output.splitlines() if "error" in line or "undefined" in line] or done.output.splitlines()[-3:]
        where = lines[0].split(": ", 1)[0] if lines else ""
        raise Failed("the hypervisor compiles and links", done.limit or " | ".join(lines[:3])[:600] or f"status {done.status}", where, COMPILE_HINT)
    try:
        return Elf(folder / "build/koan.elf")
    except (ElfError, OSError) as error:
        raise Failed("the build leaves a hypervisor that can be loaded", str(error), "", COMPILE_HINT) from error


def load_case(lab, spec, tree):
    """The class that `run = "FILE.py:Class"` names."""
    place = f"labs/{lab.name}/lab.toml"
    if spec.kind == "guest" and spec.run.endswith(".c"):
        if not (tree / spec.run).is_file():
            raise Problem(place, f"test {spec.name}, run: there is no {spec.run}", "name a guest's source, from the top of the tree")
        spec.name_of_guest = pathlib.PurePath(spec.run).stem
        return GuestCase
    file, _, name = spec.run.partition(":")
    path = tree / "labs" / lab.name / file
    if not name or path.suffix != ".py" or not path.is_file():
        raise Problem(place, f"test {spec.name}, run: {spec.run!r} is no FILE.py:Class below labs/{lab.name}", "name one, tests/FILE.py:Class")
    module_name = f"koan_tests_{lab.number}_{path.stem}"
    with LOADING:   # several submissions may be graded at a time
        _load_module(module_name, path)
    found = getattr(sys.modules[module_name], name, None)
    if not (isinstance(found, type) and issubclass(found, Case)):
        raise Problem(place, f"test {spec.name}, run: {file} holds no Case named {name}", "see grading/case.py")
    return found


def _load_module(module_name, path):
    if module_name not in sys.modules:
        module_spec = importlib.util.spec_from_file_location(module_name, path)
        module = importlib.util.module_from_spec(module_spec)
        sys.modules[module_name] = module
        module_spec.loader.exec_module(module)


def marked(lab, *trees):
    """The lab's blocks as they stand in the first of the trees whose marks are whole: a student may have spoilt some."""
    for tree in trees:
        try:
            blocks = [block for file in lab.files for block in marks.find((tree / file).read_text(encoding="utf-8", errors="replace"), file)]
        except (Problem, OSError):
            continue
        if {block.exercise for block in blocks} >= {exercise.id for exercise in lab.exercises}:
            return sorted((block for block in blocks if block.lab == lab.number), key=lambda block: block.id)
    return []


def place_of(where, lab, spec, blocks):
    """What a test says of the place of a failure. If it names no line of the hypervisor's, then first where the student writes: the block that
    isn't written yet, the test's own, or all of its exercise."""
    if SOURCE_LINE.search(where):
        return where
    exercise = next((exercise.id for exercise in lab.exercises if spec.name in exercise.tests), "")
    unwritten = UNWRITTEN.search(where)
    wanted = unwritten[1] if unwritten else spec.block or exercise
    places = [f"{block.file}:{block.mark + 1} (LAB {block.id})" for block in blocks if wanted in (block.id, block.exercise)]
    return "; ".join(filter(None, [", ".join(places), where]))


def seed_of(seed, repeat):
    """Of a run with a given seed: that one for the first, and others made from it for its repeats."""
    return hashlib.sha256(f"{seed}:{repeat}".encode()).hexdigest()[:16] if repeat else seed


class Runner:
    """Runs tests of one built submission; each in an emulator of its own."""

    def __init__(self, lab, tree, base, numbers, elf, folder, again, runs="runs"):
        self.lab, self.tree, self.base, self.numbers, self.elf = lab, tree, base, numbers, elf
        self.folder, self.again = pathlib.Path(folder) / runs, again

    def one(self, spec, seed, case_class, on_failure=None, on_boot=None):
        """One run with one seed; raises what it raises. Returns the Case."""
        folder = self.folder / spec.name
        folder.mkdir(parents=True, exist_ok=True)
        setting = Setting(self.elf, self.numbers, self.base / "build/grader", spec, folder)
        case = case_class(setting, random.Random(f"{seed}:{spec.name}"), seed)
        case.on_boot = on_boot
        case.on_failure = on_failure and (lambda machine, failed: on_failure(machine, self.explain(spec, failed)))
        try:
            case.run()
        finally:
            logs = [f"--- machine {number} ---\n{machine.serial}" for number, machine in enumerate(case.machines, 1)]
            (folder / "serial.log").write_text("\n".join(logs), encoding="utf-8")
            run = {"seed": seed, "image": str(self.elf.path), "sha256": self.elf.digest}
            (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
        return case

    def explain(self, spec, failed):
        """The Failed with a place in the source and a hint, where the test gave none."""
        blocks = marked(self.lab, self.elf.path.parents[1], self.base)
        return Failed(failed.expected, failed.seen.strip() or "nothing", place_of(failed.where, self.lab, spec, blocks), failed.hint or spec.hint)

    def judge(self, spec, seed=None):
        """The Result of one test: all its repeats, each tried again on trouble that is ours."""
        start, tries = time.monotonic(), 0
        case_class = load_case(self.lab, spec, self.tree)
        result = Result(spec.name, PASS, log=str(self.folder / spec.name / "serial.log"))
        repeat = 0
        while repeat < spec.repeat and result.verdict == PASS:
            run_seed = seed_of(seed, repeat) if seed else f"{random.SystemRandom().getrandbits(64):016x}"
            tries += 1
            try:
                self.one(spec, run_seed, case_class)
                repeat += 1
            except Failed as failed:
                full = self.explain(spec, failed)
                result.verdict, result.expected, result.seen, result.where, result.hint = FAIL, full.expected, full.seen, full.where, full.hint
            except Exception as error:  # noqa: BLE001 (a grader that breaks scores nobody)
                if tries >= TRIES + repeat:
                    result.verdict, result.expected = ERROR, "a machine to look at"
                    result.seen = f"{type(error).__name__}: {error}"
            result.seed = run_seed
        result.tries, result.seconds = max(1, tries - max(0, repeat - 1)), time.monotonic() - start
        if result.verdict != PASS:
            result.reproduce = f"{self.again} TEST={spec.name}"
        return result
