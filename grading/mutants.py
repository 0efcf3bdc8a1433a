"""labs/NN-name/mutants/NAME.toml and cheats/NAME.toml: broken solutions and dishonest ones, by which `make check` proves the
grader. README.md holds the formats; every refusal names file, key and remedy.

A mutant is the reference with a few lines changed. A cheat is the handout with files added, replaced or changed.
"""

import dataclasses
import hashlib
import os
import pathlib
import random
import re
import shutil

import labfile
import marks
from problem import Problem

REFUSED, NO_POINTS = "refused", "no points"
EXPECT = (REFUSED, NO_POINTS)

_MUTANT = {"what": (str, True), "why": (str, True), "block": (str, True), "must": (list, True), "may": (list, False), "change": (list, True)}
_CHEAT = {"what": (str, True), "expect": (str, True), "tests": (list, False), "solved": (list, False), "file": (list, False), "change": (list, False)}
_CHANGE = {"file": (str, True), "old": (str, True), "new": (str, True)}
_FILE = {"path": (str, True), "text": (str, False), "link": (str, False)}


@dataclasses.dataclass
class Change:
    """A text that stands once in a file, and what stands there instead."""

    file: str
    old: str
    new: str


@dataclasses.dataclass
class Mutant:
    """A broken solution: which tests must fail, which may; no other one does."""

    name: str
    place: str      # of the file, for messages
    what: str
    why: str
    block: str
    must: list
    changes: list
    may: list = dataclasses.field(default_factory=list)

    def files(self, tree, lab):
        """name -> bytes of all files of the lab: the reference, changed."""
        found = {name: (tree / name).read_bytes() for name in lab.files}
        for change in self.changes:
            found[change.file] = found[change.file].replace(change.old.encode(), change.new.encode(), 1)
        return found


@dataclasses.dataclass
class Cheat:
    """A dishonest submission: it is refused, or has no more points than the handout."""

    name: str
    place: str
    what: str
    expect: str
    tests: list     # that it tries to fool; empty: none in particular
    additions: list
    changes: list
    solved: dict    # file -> {block id: its lines}, from the reference

    def write(self, base, folder):
        """The whole submission: the handout BASE without what was built, changed."""
        shutil.copytree(base, folder, symlinks=True, ignore=lambda path, _: ["build"] if pathlib.Path(path) == base else [])
        for file, bodies in self.solved.items():
            path = folder / file
            path.write_text(marks.replace(path.read_text(encoding="utf-8"), file, bodies), encoding="utf-8")
        for change in self.changes:
            path = folder / change.file
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            check_once(self.place, change, text, "the handout")
            path.write_text(text.replace(change.old, change.new, 1), encoding="utf-8")
        for row in self.additions:
            path = folder / row["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if "link" in row:
                os.symlink(row["link"], path)
            else:
                path.write_text(row["text"], encoding="utf-8")

    def paths(self):
        """The files that it touches."""
        return [change.file for change in self.changes] + [row["path"] for row in self.additions]


def check_once(place, change, text, where):
    """OLD stands once in the text."""
    count = text.count(change.old)
    if count != 1:
        what = "does not stand in" if count == 0 else f"stands {count} times in"
        remedy = "copy it from the file as it is, blanks and all" if count == 0 else "take in the lines around it"
        raise Problem(place, f"change, old: {change.old.strip().splitlines()[0] if change.old.strip() else ''!r}... {what} {where}'s {change.file}", remedy)


def _changes(place, rows, lab):
    found = []
    for at, row in enumerate(rows, 1):
        where = f"change {at}, "
        if not isinstance(row, dict):
            raise Problem(place, "change: is no table", "write [[change]] with file, old and new")
        labfile.check_table(place, where, row, _CHANGE)
        if row["old"] == row["new"] or not row["old"]:
            raise Problem(place, f"{where}old: is empty or the same as new", "say what stands there and what shall stand there instead")
        if lab and row["file"] not in lab.files:
            raise Problem(place, f"{where}file: {row['file']} is none that students edit", f"one of: {', '.join(lab.files)}")
        found.append(Change(**row))
    return found


def _tests(place, key, names, lab):
    labfile.check_texts(place, key, names)
    known = [test.name for test in lab.tests if test.kind != "host"]
    for name in names:
        if name not in known:
            raise Problem(place, f"{key}: {name!r} is no test that carries points", f"some of: {', '.join(known)}")


def _in_blocks(tree, place, change, lab):
    """The block that a change lies in, whole."""
    text = (tree / change.file).read_text(encoding="utf-8")
    check_once(place, change, text, "the reference")
    start = text[:text.index(change.old)].count("\n")
    end = start + change.old.rstrip("\n").count("\n")
    for block in marks.find(text, change.file):
        if block.lab == lab.number and block.first <= start and end < block.end:
            return block
    raise Problem(place, f"change, old: line {start + 1} of {change.file} is not inside a block of {lab.name}",
                  "change what a student writes: lines between the marks")


def read_mutant(tree, lab, path):
    """One mutant, checked against its lab and the reference."""
    place = path.relative_to(tree).as_posix()
    table = labfile.load(path, place)
    labfile.check_table(place, "", table, _MUTANT)
    _tests(place, "must", table["must"], lab)
    _tests(place, "may", table.get("may", []), lab)
    if not table["must"]:
        raise Problem(place, "must: is empty", "name the tests that find this bug, or write one")
    for name in table.get("may", []):
        if name in table["must"]:
            raise Problem(place, f"may: {name!r} stands in must already", "let it stand in one of them")
    for key in ("must", "may"):
        for name in table.get(key, []):
            if table[key].count(name) > 1:
                raise Problem(place, f"{key}: {name!r} stands there twice", "let it stand once")
    changes = _changes(place, table["change"], lab)
    if not changes:
        raise Problem(place, "change: the list is empty", "a mutant has one at least")
    blocks = [_in_blocks(tree, place, change, lab) for change in changes]
    if table["block"] not in {name for block in blocks for name in (block.id, block.exercise)}:
        raise Problem(place, f"block: no change lies in {table['block']!r}", f"write {blocks[0].id}, where the first one lies")
    return Mutant(path.stem, place, table["what"], table["why"], table["block"], table["must"], changes, table.get("may", []))


def read_cheat(tree, lab, path):
    """One cheat, checked; whether its changes fit is seen when it is written, as the handout has to be there."""
    place = path.relative_to(tree).as_posix()
    table = labfile.load(path, place)
    labfile.check_table(place, "", table, _CHEAT)
    if table["expect"] not in EXPECT:
        raise Problem(place, f"expect: {table['expect']!r} is none", f"one of: {', '.join(EXPECT)}")
    _tests(place, "tests", table.get("tests", []), lab)
    additions = table.get("file", [])
    for at, row in enumerate(additions, 1):
        labfile.check_table(place, f"file {at}, ", row, _FILE)
        if ("text" in row) == ("link" in row):
            raise Problem(place, f"file {at}: has both text and link, or neither", "write one of them")
        parts = pathlib.PurePosixPath(row["path"]).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise Problem(place, f"file {at}, path: {row['path']!r} is not inside the tree", "write a path from the tree's top")
    changes = _changes(place, table.get("change", []), None)
    if not additions and not changes:
        raise Problem(place, "file, change: it does nothing", "write one at least")
    solved = _solved(tree, place, table.get("solved", []), lab)
    return Cheat(path.stem, place, table["what"], table["expect"], table.get("tests", []), additions, changes, solved)


def _solved(tree, place, names, lab):
    """file -> {block id: its lines} of those blocks, by id or by exercise, that the cheat has solved as the reference has."""
    labfile.check_texts(place, "solved", names)
    blocks = [block for block in marks.find_all(tree) if block.lab == lab.number]
    found = {}
    for name in names:
        chosen = [block for block in blocks if name in (block.id, block.exercise)]
        if not chosen:
            raise Problem(place, f"solved: no block of {lab.name} is {name!r}", f"some of: {', '.join(block.id for block in blocks)}")
        for block in chosen:
            found.setdefault(block.file, {})[block.id] = block.body
    return found


def _read_all(tree, lab, folder, names, read):
    paths = sorted((tree / "labs" / lab.name / folder).glob("*.toml"))
    for path in paths:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem):
            raise Problem(path.relative_to(tree).as_posix(), "the name is no plain word", "write a-z, 0-9 and _")
    known = [path.stem for path in paths]
    for name in names:
        if name not in known:
            raise Problem(f"labs/{lab.name}/{folder}", f"there is no {name}", f"one of: {', '.join(known) or 'none yet'}")
    return [read(tree, lab, path) for path in paths if not names or path.stem in names]


def mutants(tree, lab, names=()):
    """All of a lab, or those that are named."""
    return _read_all(tree, lab, "mutants", names, read_mutant)


def cheats(tree, lab, names=()):
    """All of a lab, or those that are named."""
    return _read_all(tree, lab, "cheats", names, read_cheat)


def unproven(lab, found):
    """Complaints about tests that none of the lab's mutants must fail: nothing shows that they can."""
    proven = {name for mutant in found for name in mutant.must}
    return [f"labs/{lab.name}/lab.toml: test {test.name}: no mutant must fail it; name it in the `must` of one, or write one"
            for test in lab.tests if test.kind != "host" and test.name not in proven]


def sample(item, names, count):
    """Some of the names, the same as long as the item says the same."""
    seed = hashlib.sha256(repr(item).encode()).hexdigest()
    names = sorted(names)
    return sorted(random.Random(seed).sample(names, min(count, len(names))))
