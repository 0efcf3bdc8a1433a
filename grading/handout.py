#!/usr/bin/python3
"""Write a student's tree from the reference, or show what stands between the two.

    handout.py write LAB DIR [SOLVED]    a fresh git repository with one commit; SOLVED: earlier labs to be in, or `all`
    handout.py solution LAB              the reference as a diff against the handout

Exit status 0, or 2 with a line that says what is wrong.
"""

import argparse
import difflib
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys

import csource
import gitrepo
import labfile
import marks
import stubs
from problem import Problem, run_main

TREE = pathlib.Path(__file__).resolve().parents[1]
TEMPLATES = {"kernel/lib/lab.h": "lab.h", "kernel/boot/lab.c": "lab.c"}
OBJECTS = "labs/objects"
HANDOUT_FILE = "labs/handout.toml"
TRAILER = "Koan-Handout"

# What only instructors have, in every handout; lab.toml's handout.withhold adds to it.
WITHHELD = [
    "grading/tests/*", "grading/templates/*", "grading/hidden/*", "grading/handout.py", "grading/stubs.py", "grading/csource.py",
    "grading/instructor.mk", "grading/INSTRUCTORS.md", "grading/mutants.py", "grading/outputs.py", "grading/prove.py", "labs/INSTRUCTORS.md", "labs/*/mutants/*", "labs/*/cheats/*",
    "labs/*/scaffold/*", "labs/*/hidden/*", ".ci/*",
]
LEAST_TELLING = 24  # a shorter line of code is nobody's secret


class Plan:
    """Who gets which block: the decisions, before anything is written."""

    def __init__(self, tree, name, solved=""):
        self.tree = pathlib.Path(tree)
        self.labs = labfile.with_blocks(tree)
        self.lab = labfile.read(tree, name)
        self.lab = self.labs[self.lab.number]
        self.solved = self._solved(solved)
        self.ways = {block.id: self._way(lab, block) for lab in self.labs.values() for block in lab.blocks}
        self.blocks = [block for lab in self.labs.values() for block in lab.blocks]
        self.pictures = self._later_pictures()
        self._check_objects()

    def _solved(self, text):
        earlier = {lab.name for lab in self.labs.values() if lab.number < self.lab.number}
        if text == "all":
            return earlier
        wanted = set(re.split(r"[,\s]+", text.strip())) - {""}
        for name in sorted(wanted - earlier):
            raise Problem("SOLVED", f"{name} is no lab before {self.lab.name}",
                          f"name some of: {', '.join(sorted(earlier)) or 'none, it is the first'}")
        return wanted

    def _way(self, lab, block):
        """stub, keep, object or scaffold."""
        if lab.number < self.lab.number:
            return "keep" if lab.name in self.solved else "stub"
        return "stub" if lab is self.lab else self.lab.later_mode(lab.name)

    def of_way(self, way):
        return [block for block in self.blocks if self.ways[block.id] == way]

    def _check_objects(self):
        """A file given as an object is whole: no block in it may be anything else."""
        files = {block.file for block in self.of_way("object")}
        for block in self.blocks:
            if block.file in files and self.ways[block.id] != "object":
                raise Problem(f"{block.file}:{block.mark + 1}", f"LAB {block.id} shares the file with a block given as an object",
                              "move it to a file of its own, or write `later = \"scaffold\"`")
        for file in files:
            if not re.fullmatch(r"kernel/.*\.(c|asm)", file):
                raise Problem(file, "can't be given as an object", "only C and NASM files of kernel/ can")

    def objects(self):
        """lab name -> its files that are given as one object: those with blocks of a later lab, and those that would give away a block still to write."""
        found = {}
        for lab in self.labs.values():
            files = {block.file for block in lab.blocks if self.ways[block.id] == "object"}
            if lab.number >= self.lab.number or lab.name not in self.solved:
                files |= set(lab.objects)
            if files:
                found[lab.name] = sorted(files)
        return found

    def withheld(self, file):
        """Is this file of the reference none of the student's?"""
        for pattern in WITHHELD + self.lab.withhold:
            if fnmatch.fnmatch(file, pattern):
                return True
        folder = re.match(r"(?:labs|slides)/(\d\d)-", file)
        if folder:
            number = int(folder[1])
            return number > self.lab.number
        if file in self.pictures or any(file in files for files in self.objects().values()):
            return True
        return file in {f"tests/unit/test_{name}.c" for name in self._tests_away()}

    def _later_pictures(self):
        """What only later labs' slides show."""
        shown = {}
        for deck in sorted((self.tree / "slides").glob("[0-9][0-9]-*.md")):
            for kind, name in re.findall(r"<!-- (diagram|timeline): (\S+)", deck.read_text(encoding="utf-8")):
                file = f"slides/diagrams/{name}.dot" if kind == "diagram" else f"slides/timelines/{name}.txt"
                shown.setdefault(file, int(deck.name[:2]))
        return {file for file, first in shown.items() if first > self.lab.number}

    def _tests_away(self):
        """Host tests of sources that are given as objects."""
        return [test for lab in self.labs.values() if "object" in {self.ways[block.id] for block in lab.blocks} for test in lab.host_tests]

    def text_of(self, file, text):
        """A file of the reference as the student gets it."""
        if file == "tests/unit/build.mk":
            for test in self._tests_away():
                text = re.sub(rf"^UNIT_{test}_SRCS\b(?:[^\n]*\\\n)*[^\n]*\n", "", text, flags=re.MULTILINE)
        ways = {block.id: self.ways[block.id] for block in self.blocks if block.file == file}
        if "scaffold" in ways.values():
            text = self._with_scaffold(file, text, [key for key, way in ways.items() if way == "scaffold"])
        return stubs.stubbed(text, file, {key for key, way in ways.items() if way == "stub"})

    def _with_scaffold(self, file, text, ids):
        """Blocks of later labs, right but plain: this lab's own for them, or else those that the later lab keeps for all before it."""
        given = {}
        for block_id in ids:
            later = self.labs[int(block_id.split(".")[0])].name
            paths = [f"labs/{name}/scaffold/{file}" for name in (self.lab.name, later)]
            path = next((path for path in paths if (self.tree / path).is_file()), None)
            if path is None:
                raise Problem(paths[1], f"is missing, and LAB {block_id} is to come from it", "write it, with the same marks as the reference")
            bodies = {block.id: block.body for block in marks.find((self.tree / path).read_text(encoding="utf-8"), file)}
            if block_id not in bodies:
                raise Problem(path, f"holds no LAB {block_id}", "add the block, or name another way in handout.later_labs")
            given[block_id] = bodies[block_id]
        return marks.replace(text, file, given)


def formatted(text, file):
    """As clang-format writes it, where there is one."""
    if not file.endswith((".c", ".h")) or not shutil.which("clang-format"):
        return text
    done = subprocess.run(["clang-format", f"--assume-filename={TREE / file}"], input=text, capture_output=True, text=True,
                          check=False)
    return done.stdout if done.returncode == 0 else text


def write_files(plan, folder):
    """All files but those that are generated; unchanged ones keep their times, so that objects built before stay good."""
    marked = {block.file for block in plan.blocks}
    for file in gitrepo.tracked_files(plan.tree):
        if plan.withheld(file):
            continue
        source, target = plan.tree / file, folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        if file in marked or file == "tests/unit/build.mk":
            text = source.read_text(encoding="utf-8")
            changed = plan.text_of(file, text)
            if changed != text:
                target.write_text(formatted(changed, file), encoding="utf-8")
    for target, template in TEMPLATES.items():
        shutil.copy(pathlib.Path(__file__).parent / "templates" / template, folder / target)


def run_build(command, folder, what):
    """A step of making objects; a refusal with its output if it fails."""
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        raise Problem(what, f"could not be made:\n{done.stdout.strip()}\n", "see to what it says")


def write_objects(plan, folder):
    """Later labs' files as one object each: linked together, without debug information, local names and the words of assertions."""
    build = os.environ.get("BUILD", "build") + "/wordless"
    for name, files in plan.objects().items():
        built = [f"{build}/{pathlib.PurePath(file).with_suffix('.o' if file.endswith('.c') else '.asm.o')}" for file in files]
        environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        target = folder / OBJECTS / f"{name}.o"
        target.parent.mkdir(parents=True, exist_ok=True)
        run_build(["env", "-i", *(f"{key}={value}" for key, value in environment.items()), "make", "--no-print-directory", f"BUILD={build}", "NO_WORDS=1",
                   *built],
                  plan.tree, f"the objects of {name}")
        run_build(["ld", "-r", "--strip-debug", "-o", str(target), *built], plan.tree, str(target))
        run_build(["objcopy", "--strip-unneeded", "--remove-section=.comment", str(target)], plan.tree, str(target))


def write_rules(plan, folder):
    """labs/handout.mk: what the build needs to know of this handout."""
    lines = ["# Written by `make handout`; grading/build.mk includes it.", f"LAB ?= {plan.lab.name}"]
    for name in plan.objects():
        lines += ["", f"# What is not to be read before {name} is done is in an object.",
                  f"KERNEL_OBJS += {OBJECTS}/{name}.o", f"$(BUILD)/koan.elf: {OBJECTS}/{name}.o"]
    (folder / "labs/handout.mk").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_record(plan, folder):
    """labs/handout.toml: which blocks are the student's, and how each looked when it was empty."""
    version = gitrepo.try_git(plan.tree, "describe", "--always", "--dirty").stdout.strip() or "unknown"
    lines = ["# Written by `make handout`, read by `make progress` and `make update`. Not yours to edit.",
             f'lab = "{plan.lab.name}"', f'version = "{version}"',
             f"solved = [{', '.join(chr(34) + name + chr(34) for name in sorted(plan.solved))}]"]
    for file in sorted({block.file for block in plan.blocks if (folder / block.file).is_file()}):
        for block in marks.find((folder / file).read_text(encoding="utf-8"), file):
            way = plan.ways[block.id]
            if block.lab <= plan.lab.number:
                lines += ["", "[[block]]", f'id = "{block.id}"', f'file = "{file}"', f'way = "{way}"', f'stub = "{block.digest}"']
    (folder / HANDOUT_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def telling_lines(plan):
    """Lines of code that only the reference's hidden blocks hold: line -> block id."""
    hidden = [block for block in plan.blocks if plan.ways[block.id] != "keep"]
    found = {}
    for block in hidden:
        text = csource.masked(block.body) if not block.file.endswith(".asm") else block.body
        for real, code in zip(block.body.splitlines(), text.splitlines()):
            if len("".join(code.split())) >= LEAST_TELLING:
                found[" ".join(real.split())] = block.id
    return found


def leaks(plan, folder):
    """Telling lines that stand somewhere in the handout and nowhere in the open part of the reference."""
    telling = telling_lines(plan)
    open_lines = set()
    for file in gitrepo.tracked_files(plan.tree):
        if plan.withheld(file):
            continue
        text = (plan.tree / file).read_text(encoding="utf-8", errors="replace")
        if any(block.file == file for block in plan.blocks):
            text = marks.replace(text, file, {block.id: "" for block in plan.blocks
                                              if block.file == file and plan.ways[block.id] != "keep"})
        open_lines |= {" ".join(line.split()) for line in text.splitlines()}
    # Signatures stay, by design.
    for block in plan.of_way("stub") + plan.of_way("scaffold"):
        if block.file.endswith(".asm"):
            heads = "\n".join(head for _, head in stubs.asm_macros(block))
            open_lines |= {" ".join(line.split()) for line in heads.splitlines()}
        else:
            for piece in csource.pieces(block.body):
                open_lines |= {" ".join(line.split()) for line in piece.signature.splitlines()}
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or ".git" in path.parts or path.suffix == ".o":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            line = " ".join(line.split())
            if line in telling and line not in open_lines:
                found.append(f"{path.relative_to(folder)}:{number}: holds a line of LAB {telling[line]}: {line}")
    return found


def commit(plan, folder):
    """One commit, and nothing before it."""
    gitrepo.git(folder, "init", "-q", "-b", "main", ours=True)
    gitrepo.git(folder, "add", "-A", "-f", ".", ours=True)
    gitrepo.git(folder, "commit", "-q", "-m", f"Koan, lab {plan.lab.name}: the handout",
                "-m", f"{TRAILER}: {plan.lab.name}", ours=True)


def write(tree, name, folder, solved=""):
    """The whole handout. The folder must be new or empty; on a refusal nothing stays in it."""
    folder = pathlib.Path(folder)
    plan = Plan(tree, name, solved)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Problem(str(folder), "is there already and not empty", "name a new folder: DIR=...")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_files(plan, folder)
        write_objects(plan, folder)
        write_rules(plan, folder)
        write_record(plan, folder)
        found = leaks(plan, folder)
        if found:
            raise Problem(str(folder), "would give the solution away:\n" + "\n".join(found) + "\n",
                          "take these lines out of the reference's open files, or widen the block")
        commit(plan, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return plan


def solution(tree, name):
    """The reference against the handout, as a diff over the lab's files."""
    plan = Plan(tree, name, "all")
    lines = []
    for file in plan.lab.files:
        after = (plan.tree / file).read_text(encoding="utf-8")
        before = formatted(plan.text_of(file, after), file)
        lines += difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), f"handout/{file}", f"reference/{file}")
    return "".join(lines)


def main(arguments):
    """Run, and return the exit status."""
    parser = argparse.ArgumentParser(prog="handout.py", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    writer = commands.add_parser("write")
    writer.add_argument("lab")
    writer.add_argument("folder")
    writer.add_argument("solved", nargs="?", default="")
    commands.add_parser("solution").add_argument("lab")
    options = parser.parse_args(arguments)
    if not options.lab:
        raise Problem("LAB", "is not given", f"add LAB=NAME: {', '.join(labfile.names(TREE)) or 'there is no lab yet'}")
    if options.command == "solution":
        sys.stdout.write(solution(TREE, options.lab))
        return 0
    if not options.folder:
        raise Problem("DIR", "is not given", "add DIR=FOLDER, a new folder for the student's tree")
    plan = write(TREE, options.lab, options.folder, options.solved)
    todo = len(plan.of_way("stub"))
    print(f"{options.folder}: lab {plan.lab.name}, {todo} blocks to write"
          + (f", solved: {', '.join(sorted(plan.solved))}" if plan.solved else ""))
    return 0


if __name__ == "__main__":
    sys.exit(run_main(main, sys.argv[1:]))
