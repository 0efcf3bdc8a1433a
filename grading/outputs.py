#!/usr/bin/python3
"""The outputs that labs/*/README.md show, made anew in real handouts, so that none goes stale.

    outputs.py write [LAB...]     run the commands and write the texts anew
    outputs.py check [LAB...]     run them and compare; ends in `N passed, N failed`

A block stands between two lines, as in the README at the top (tools/readme_outputs.py):

    <!-- output STATE: COMMAND -->
    <!-- end -->

STATE says what is written in the handout in which the command runs: `none`, `all`, exercises (`1.1 1.2`), or `bug NAME`: all of it, with
the bug of labs/LAB/mutants/NAME.toml. The command may fail. A pipe behind it shortens the output, and is not shown.

Numbers that another build or another machine changes are not compared: hexadecimal ones, those of five digits and more, frames, entries, orders, seconds;
nor is when a vCPU ran (lines of `make trace TEXT=1`).
An output is made once for each state of the sources, and kept below build/outputs/.
"""

import argparse
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tools"))

import gitrepo  # noqa: E402  (the path comes first)
import handout  # noqa: E402
import labfile  # noqa: E402
import marks  # noqa: E402
import mutants  # noqa: E402
from check import format_summary  # noqa: E402
from problem import Problem, run_main  # noqa: E402
from readme_outputs import SHORTEN  # noqa: E402

TREE = HERE.parent
CACHE = TREE / os.environ.get("BUILD", "build") / "outputs"
BLOCK = re.compile(r"(<!-- output (?P<state>[^\n:]+): (?P<command>[^\n]*?) -->\n)(?P<shown>.*?)(<!-- end -->\n)", re.DOTALL)
SECONDS = 600
BUILT = ("kernel", "obj", "guests", "tests", "offsets.inc", "offsets.d", "offsets.s", "setup.mk")
VARIABLES = {"PATH", "HOME", "TMPDIR", "ACCEL", "CC", "USER"}
# Versions of the handout, addresses, counts of frames; numbers of lines; seconds.
CHANGES = [(re.compile(r"^(\S+ +)[#.hxewd]{90,}$", re.MULTILINE), r"\1(when it ran)"), (re.compile(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{7,}(-dirty)?\b|\b[\d,]{5,}\b|\b\d+(?= frames)|(?<=\bentry )\d+|(?<=\border )\d+"), "#"), (re.compile(r"(\.c|\.h|\.asm|\.mk|\.py):\d+"), r"\1:#"),
           (re.compile(r"\b\d+\.\d+ s\b"), "# s"), (re.compile(r"\+0x[0-9a-f]+|\+#"), "+#"), (re.compile(r"\s+"), " ")]


def comparable(text):
    """What of an output has to stay the same."""
    for pattern, instead in CHANGES:
        text = pattern.sub(instead, text)
    return text.strip()


def digest(tree):
    """One word for the sources, texts for people left out."""
    value = hashlib.sha256()
    for name in gitrepo.tracked_files(tree):
        if not name.endswith(".md"):
            value.update(name.encode() + b"\0" + hashlib.sha256((tree / name).read_bytes()).digest())
    return value.hexdigest()[:16]


def copy_built(tree):
    """What is built here already, with its times: make then builds what the handout has otherwise."""
    build = TREE / os.environ.get("BUILD", "build")
    (tree / "build").mkdir()
    for name in BUILT:
        if (build / name).exists():
            subprocess.run(["cp", "-a", str(build / name), str(tree / "build")], check=True)


class Lab:
    """One lab's handout, in which exercises are written and unwritten as the text needs it."""

    def __init__(self, name, sources):
        self.lab = labfile.read(TREE, name)
        self.text = TREE / "labs" / name / "README.md"
        self.folder = CACHE / name
        self.kept = CACHE / "kept" / f"{name}-{sources}"
        self.plan = None

    def _handout(self):
        """The handout, as it is given out; once for all commands."""
        if self.plan is None:
            tree = self.folder / "tree"
            shutil.rmtree(tree, ignore_errors=True)
            self.plan = handout.write(TREE, self.lab.name, tree, "all")
            copy_built(tree)
            self.stubs = {file: (tree / file).read_text(encoding="utf-8") for file in self.lab.files}
        return self.folder / "tree"

    def _written(self, state):
        """name -> text of the lab's files in a state."""
        if state.startswith("bug "):
            found = mutants.mutants(TREE, self.lab, [state.removeprefix("bug ").strip()])[0]
            return {name: data.decode() for name, data in found.files(TREE, self.lab).items()}
        known = [exercise.id for exercise in self.lab.exercises]
        chosen = {"none": [], "all": known}.get(state.strip(), state.split())
        for exercise in chosen:
            if exercise not in known:
                raise Problem(str(self.text), f"output {state}: there is no exercise {exercise}", f"none, all, bug NAME, or some of: {', '.join(known)}")
        files = {}
        for file, text in self.stubs.items():
            bodies = {block.id: block.body for block in marks.find((TREE / file).read_text(encoding="utf-8"), file) if block.exercise in chosen}
            files[file] = marks.replace(text, file, bodies)
        return files

    def run(self, state, command):
        """The lines that a command prints in a state."""
        key = self.kept / hashlib.sha256(f"{state}\0{command}".encode()).hexdigest()[:16]
        if key.is_file():
            return key.read_text(encoding="utf-8").splitlines()
        tree = self._handout()
        for file, text in self._written(state).items():
            if (tree / file).read_text(encoding="utf-8") != text:
                (tree / file).write_text(text, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if name in VARIABLES} | {"LC_ALL": "C.UTF-8"}
        built = subprocess.run(["make", "-s", "-j2"], cwd=tree, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS, check=False)
        if built.returncode:
            raise Problem(str(self.text), f"output {state}: the handout does not build so:\n{built.stdout}", "see to what it says")
        done = subprocess.run(["bash", "-c", command], cwd=tree, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS, check=False)
        lines = [line.rstrip().replace(str(tree.resolve()), "~/lab") for line in done.stdout.splitlines()]
        if not lines:
            raise Problem(str(self.text), f"`{command}` in state `{state}` prints nothing", "mend the command, or what it is to show")
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return lines

    def shown(self, match):
        """A block's text."""
        command = SHORTEN.sub("", match["command"]).replace(" </dev/null", "").replace(" >/dev/null 2>&1", "")
        return "\n".join(["```console", f"$ {command}", *self.run(match["state"], match["command"]), "```", ""])

    def regenerate(self):
        """Write the text anew; how many blocks it has."""
        text = self.text.read_text(encoding="utf-8")
        self.text.write_text(BLOCK.sub(lambda match: match[1] + self.shown(match) + match[5], text), encoding="utf-8")
        return len(BLOCK.findall(text))

    def check(self):
        """(number of blocks that are right, complaints)."""
        text, good, wrong = self.text.read_text(encoding="utf-8"), 0, []
        where = self.text.relative_to(TREE)
        if len(BLOCK.findall(text)) != text.count("<!-- output ") or text.count("<!-- output") != text.count("<!-- end -->"):
            wrong.append(f"{where}: an output block has no end, an end no block, or a block no state")
        for match in BLOCK.finditer(text):
            now = self.shown(match)
            if comparable(now) == comparable(match["shown"]):
                good += 1
            else:
                wrong.append(f"{where}: `{match['command']}` ({match['state']}) prints something else now; run grading/outputs.py write {self.lab.name}\n"
                             f"shown:\n{match['shown']}now:\n{now}")
        return good, wrong


def prune(sources):
    """Outputs of earlier sources go."""
    for path in (CACHE / "kept").glob("*"):
        if not path.name.endswith(sources):
            shutil.rmtree(path, ignore_errors=True)


def main(arguments):
    """Run, and return the exit status."""
    parser = argparse.ArgumentParser(prog="outputs.py", allow_abbrev=False)
    parser.add_argument("command", choices=("write", "check"))
    parser.add_argument("labs", nargs="*")
    options = parser.parse_args(arguments)
    names = options.labs or [name for name in labfile.names(TREE) if (TREE / "labs" / name / "README.md").is_file()]
    CACHE.mkdir(parents=True, exist_ok=True)
    good, wrong, sources = 0, [], digest(TREE)
    with open(CACHE / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prune(sources)
        for name in names:
            lab = Lab(name, sources)
            if options.command == "write":
                print(f"labs/{name}/README.md: {lab.regenerate()} outputs")
                continue
            right, complaints = lab.check()
            good, wrong = good + right, wrong + complaints
    if options.command == "write":
        return 0
    print("\n".join(wrong + [format_summary(good, len(wrong))]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(run_main(main, sys.argv[1:]))
