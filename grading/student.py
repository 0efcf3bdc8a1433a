#!/usr/bin/python3
"""A student's own commands, in a tree that `make handout` has written.

    student.py progress        which blocks are written
    student.py update FROM     merge a newer version of the handout (a folder or a URL), or the next lab's

Exit status: 0; 1 the merge has conflicts that are the student's to solve; 2 bad use.
"""

import pathlib
import re
import sys
import tomllib

import gitrepo
import marks
from problem import Problem, run_main

TREE = pathlib.Path(__file__).resolve().parents[1]
HANDOUT_FILE = "labs/handout.toml"
TRAILER = "Koan-Handout"


def record(tree):
    """labs/handout.toml, or a refusal: the reference has none."""
    path = pathlib.Path(tree) / HANDOUT_FILE
    if not path.is_file():
        raise Problem(HANDOUT_FILE, "is not there: this is no student's tree", "make one with: make handout LAB=01-boot DIR=...")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _call(block_id):
    return re.compile(rf"\blab_todo\(\s*\"{re.escape(block_id)}\"|^\s*\.lab_id: db '{re.escape(block_id)}'", re.MULTILINE)


def state(entry, block):
    """One word for a block: given, to do, begun, written, or lost when its marks are gone."""
    if entry["way"] == "keep":
        return "given"
    if block is None:
        return "lost"
    if block.digest == entry["stub"]:
        return "to do"
    return "begun" if _call(entry["id"]).search(block.body) else "written"


def progress(tree):
    """[(id, file, state, task)] for every block of the handout."""
    rows = []
    for entry in record(tree).get("block", []):
        path = pathlib.Path(tree) / entry["file"]
        found = marks.find(path.read_text(encoding="utf-8"), entry["file"]) if path.is_file() else []
        block = next((block for block in found if block.id == entry["id"]), None)
        rows.append((entry["id"], entry["file"], state(entry, block), block.task if block else "put the marks back: LAB ... END LAB"))
    return rows


def _in_order(row):
    lab, exercise, letter = re.fullmatch(r"(\d+)\.(\d+)([a-z]?)", row[0]).groups()
    return int(lab), int(exercise), letter


def show_progress(tree):
    """The table."""
    handout, rows = record(tree), progress(tree)
    print(f"{handout['lab']}, handout {handout['version']}")
    for block_id, file, word, task in sorted(rows, key=_in_order):
        print(f"  {block_id:5} {word:8} {file:28} {task}")
    mine = [row for row in rows if row[2] != "given"]
    print(f"{sum(row[2] == 'written' for row in mine)} of {len(mine)} written")
    return 0


def _base(tree):
    """The commit of the handout that this tree stands on."""
    found = gitrepo.git(tree, "log", "-1", "--topo-order", f"--grep=^{TRAILER}:", "--format=%H")
    if not found:
        raise Problem(str(tree), "its history holds no handout", "clone your handout anew and put your files into the clone")
    return found


def update(tree, source):
    """Merge the handout at `source`."""
    mine = record(tree)["lab"]
    if not source:
        raise Problem("FROM", "is not given", "add FROM=FOLDER or FROM=URL: the new handout's repository")
    if gitrepo.git(tree, "status", "--porcelain"):
        raise Problem(str(tree), "has changes that are not committed", "git add -A && git commit, then try again")
    base = _base(tree)
    gitrepo.git(tree, "fetch", "-q", source, "HEAD")
    new = gitrepo.git(tree, "rev-parse", "FETCH_HEAD^{tree}")
    if gitrepo.try_git(tree, "cat-file", "-e", f"{new}:{HANDOUT_FILE}").returncode:
        raise Problem(source, "is no handout", "name the repository that your instructor gave")
    if new == gitrepo.git(tree, "rev-parse", base + "^{tree}"):
        print("Your handout is this very version: nothing to do.")
        return 0
    handout = tomllib.loads(gitrepo.git(tree, "show", f"{new}:{HANDOUT_FILE}"))
    if handout["lab"] < mine:   # by number: it would take this lab's files away, and what is written in them
        raise Problem(source, f"is a handout of {handout['lab']}, and your tree has come to {mine}", f"name one of {mine} or of a later lab")
    message = f"Koan, lab {handout['lab']}: handout {handout['version']}\n\n{TRAILER}: {handout['lab']}"
    commit = gitrepo.git(tree, "commit-tree", new, "-p", base, "-m", message, ours=True)
    print(gitrepo.git(tree, "diff", "--stat", base, new))
    done = gitrepo.try_git(tree, "merge", "--no-edit", "-m", f"Take the handout {handout['version']}", commit, name=True)
    if done.returncode == 0:
        print("Merged. Your own work is as it was.")
        return 0
    files = gitrepo.git(tree, "diff", "--name-only", "--diff-filter=U").split("\n")
    if files == [""]:
        raise Problem(str(tree), f"git merge: {(done.stderr or done.stdout).strip()}", "see to what git says, then try again")
    print("Both you and the new handout have changed the same lines of: " + ", ".join(files))
    print("Look for <<<<<<< in them, keep what is right, then: git add -A && git commit. To go back: git merge --abort")
    return 1


def main(arguments):
    """Run, and return the exit status."""
    if arguments[:1] == ["progress"] and len(arguments) == 1:
        return show_progress(TREE)
    if arguments[:1] == ["update"] and len(arguments) == 2:
        return update(TREE, arguments[1])
    raise Problem("student.py", f"what is {' '.join(arguments) or 'nothing'}?", "say: progress, or: update FROM")


if __name__ == "__main__":
    sys.exit(run_main(main, sys.argv[1:]))
