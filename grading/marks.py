"""Marked blocks in the reference source: what a student writes.

A mark is a comment at the left edge, in C and in NASM:

    /* LAB 2.3: one sentence that says what the student writes. */     ; LAB 1.4: one sentence.
    ...whole functions...                                              ...
    /* END LAB 2.3 */                                                  ; END LAB 1.4

The sentence may go on over further lines of the same comment. An exercise of several blocks gives each a letter: 2.3a, 2.3b.
Blocks don't nest, and an id stands once in the tree.
"""

import dataclasses
import hashlib
import pathlib
import re

from problem import Problem

ID = r"[1-9]\d*\.[1-9]\d*[a-z]?"
FOLDERS = ("kernel", "guests")
SUFFIXES = (".c", ".h", ".asm")
TASK_MAX = 120  # what a panic's line can show besides

_LOOKS_LIKE = re.compile(r"^\s*(?:/\*|//|;)\s*(?:END\s+)?LAB\b")
_SYNTAX = {
    ".asm": (re.compile(rf"^; LAB ({ID}): (\S.*)$"), re.compile(rf"^; END LAB ({ID})$")),
    ".c": (re.compile(rf"^/\* LAB ({ID}): (\S.*)$"), re.compile(rf"^/\* END LAB ({ID}) \*/$")),
}
_SYNTAX[".h"] = _SYNTAX[".c"]
_SHAPE = {".asm": "`; LAB 1.4: sentence` and `; END LAB 1.4`"}
_C_SHAPE = "`/* LAB 2.3: sentence */` and `/* END LAB 2.3 */` at the left edge"


@dataclasses.dataclass
class Block:
    """One block; lines count from 0, and those of the two marks are not part of the body."""

    id: str
    file: str
    task: str
    mark: int    # the line of the opening mark
    first: int   # the first line of the body
    end: int     # the line of the closing mark
    body: str

    @property
    def lab(self):
        """The number of the lab."""
        return int(self.id.split(".")[0])

    @property
    def exercise(self):
        """The exercise's id: the block's without its letter."""
        return self.id.rstrip("abcdefghijklmnopqrstuvwxyz")

    @property
    def digest(self):
        """The body's fingerprint, which doesn't mind blanks."""
        return hashlib.sha256("".join(self.body.split()).encode()).hexdigest()[:16]


def _task(lines, at, text, suffix):
    """(the sentence, the first line behind its comment)."""
    if suffix == ".asm":
        parts = [text]
        while at + 1 < len(lines) and lines[at + 1].startswith(";   "):
            at += 1
            parts.append(lines[at][4:].strip())
        return " ".join(parts), at + 1
    parts = []
    while True:
        done = text.endswith("*/")
        parts.append(text.removesuffix("*/").strip())
        at += 1
        if done or at >= len(lines):
            return " ".join(part for part in parts if part), at
        text = lines[at].strip().removeprefix("*").strip() if lines[at].strip() != "*/" else "*/"


def find(text, file):
    """The blocks of one file, in order; refuses marks that don't fit together."""
    suffix = pathlib.PurePath(file).suffix
    if suffix not in _SYNTAX:
        return []
    opening, closing = _SYNTAX[suffix]
    lines, blocks, open_block, at = text.split("\n"), [], None, 0
    while at < len(lines):
        place = f"{file}:{at + 1}"
        start, end = opening.match(lines[at]), closing.match(lines[at])
        if start and open_block:
            raise Problem(place, f"LAB {start[1]} begins inside LAB {open_block.id}", "end the outer block before: blocks don't nest")
        if start:
            task, first = _task(lines, at, start[2], suffix)
            if len(task) > TASK_MAX:
                raise Problem(place, f"the sentence of LAB {start[1]} has {len(task)} characters", f"{TASK_MAX} at most: a panic shows it")
            open_block = Block(start[1], file, task, at, first, 0, "")
            at = first
            continue
        if end:
            if not open_block or open_block.id != end[1]:
                raise Problem(place, f"END LAB {end[1]} ends no block of that id", "write the id of the block that is open here")
            open_block.end, open_block.body = at, "\n".join(lines[open_block.first:at])
            blocks.append(open_block)
            open_block = None
        elif _LOOKS_LIKE.match(lines[at]):
            raise Problem(place, "looks like a mark and is none", f"write {_SHAPE.get(suffix, _C_SHAPE)}")
        at += 1
    if open_block:
        raise Problem(f"{file}:{open_block.mark + 1}", f"LAB {open_block.id} has no end", f"add END LAB {open_block.id}")
    return blocks


def replace(text, file, bodies):
    """The text with the bodies of some blocks (id -> new body) replaced; the marks stay."""
    lines = text.split("\n")
    for block in reversed(find(text, file)):
        if block.id in bodies:
            lines[block.first:block.end] = bodies[block.id].strip("\n").split("\n")
    return "\n".join(lines)


def find_all(tree):
    """Every block of a tree, by file and place; refuses an id that stands twice."""
    tree, blocks, places = pathlib.Path(tree), [], {}
    for folder in FOLDERS:
        for path in sorted((tree / folder).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            file = path.relative_to(tree).as_posix()
            blocks += find(path.read_text(encoding="utf-8"), file)
    for block in blocks:
        if block.id in places:
            raise Problem(f"{block.file}:{block.mark + 1}", f"LAB {block.id} stands in {places[block.id]} already",
                          "give it another letter or number")
        places[block.id] = block.file
    return blocks
