#!/usr/bin/python3
"""The tree itself: its top level, its formatting, and no trace of the machine it was written on.

    check_tree.py house     the top level holds exactly what it should; no absolute path of one machine; file
                            sizes; no dead link in the documents
    check_tree.py format    every C file is as clang-format would write it
"""

import pathlib
import re
import subprocess
import sys

from check import format_summary

TOP = {"Makefile", "README.md", "LICENSE", "labs", "kernel", "guests", "tools", "grading", "tests", "slides"}
BUILT = {"build"}
SKIPPED = {".git", "build", "__pycache__"}
C_FOLDERS = ("kernel", "guests", "tests", "tools", "labs", "grading")
MAX_LINES = 600

# Folders in which one person's or one machine's files lie. Paths of Debian's own packages are no trace.
HOMES = ("home", "root", "work", "farm", "Users", "mnt", "media")
MACHINE_PATH = re.compile(r"(?<![\w.$})/*-])/(?:" + "|".join(HOMES) + r")/[\w.-]")

# [text](target), without those that lead out of the tree or into a page.
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")


def files(root):
    """Every file of the tree that is ours: not built, not git's."""
    for path in sorted(root.iterdir()):
        if path.name in SKIPPED:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from files(path)
        else:
            yield path


def top_level(root):
    """What is missing from the top level, and what has no place there. Dot files are free."""
    present = {path.name for path in root.iterdir() if not path.name.startswith(".")}
    return ([f"{name}: missing from the top level" for name in sorted(TOP - present)]
            + [f"{name}: has no place on the top level; move it into a folder" for name in sorted(present - TOP - BUILT)])


def machine_paths(root):
    """Absolute paths of one machine, in any text file."""
    found = []
    for path in files(root):
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            match = MACHINE_PATH.search(line)
            if match:
                found.append(f"{path.relative_to(root)}:{number}: a path of one machine ({match.group()}...); "
                             "write it relative to the tree")
    return found


def long_files(root):
    """Source files past the hard limit."""
    found = []
    for path in files(root):
        if path.suffix in (".c", ".h", ".asm", ".py"):
            lines = len(path.read_text(encoding="utf-8", errors="replace").splitlines())
            if lines > MAX_LINES:
                found.append(f"{path.relative_to(root)}: {lines} lines, more than {MAX_LINES}; does it hold two subjects?")
    return found


def dead_links(root):
    """Relative links of the documents that lead nowhere."""
    found = []
    for path in files(root):
        if path.suffix != ".md":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for target in LINK.findall(line):
                if not (path.parent / target).exists():
                    found.append(f"{path.relative_to(root)}:{number}: the link to {target} leads nowhere")
    return found


def formatting(root):
    """What clang-format complains about, a line each."""
    sources = [str(path.relative_to(root)) for folder in C_FOLDERS if (root / folder).is_dir()
               for path in files(root / folder) if path.suffix in (".c", ".h")]
    if not sources:
        return ["no C file found"]
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources], cwd=root, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    wrong = sorted({line.split(":", 1)[0] for line in done.stdout.splitlines() if "clang-format-violations" in line})
    found = [f"{name}: not as clang-format writes it; run: clang-format -i {name}" for name in wrong]
    if done.returncode != 0 and not found:
        found = [f"clang-format: {done.stdout.strip() or 'failed'}"]
    return found


CHECKS = {"house": (top_level, machine_paths, long_files, dead_links), "format": (formatting,)}


def main(which, root="."):
    """Each rule counts as one test; print what breaks it."""
    passed = failed = 0
    for rule in CHECKS[which]:
        found = rule(pathlib.Path(root).resolve())
        for line in found:
            print(line)
        passed += not found
        failed += bool(found)
    print(format_summary(passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in CHECKS:
        sys.exit(f"usage: check_tree.py {'|'.join(CHECKS)}")
    sys.exit(main(*sys.argv[1:]))
