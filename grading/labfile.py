"""labs/NN-name/lab.toml: what a lab is. The schema is in README.md; every refusal names file, key and remedy."""

import dataclasses
import pathlib
import re
import tomllib

import marks
from problem import Problem

SCHEMA = 1
LATER = ("stub", "object", "scaffold", "keep")
KINDS = ("guest", "machine", "host")
FOLDER = re.compile(r"(\d\d)-[a-z][a-z0-9-]*")

# key -> (type, needed). In TOML, bool is no int.
_TOP = {"schema": (int, True), "lab": (dict, True), "handout": (dict, False), "exercise": (list, True), "test": (list, False)}
_LAB = {"title": (str, True), "hours": (int, True), "files": (list, True), "host_tests": (list, False), "base": (int, False)}
_HANDOUT = {"later": (str, False), "later_labs": (dict, False), "passes": (dict, False), "objects": (list, False), "withhold": (list, False)}
_EXERCISE = {"id": (str, True), "title": (str, True), "points": (int, True), "hours": (int, False), "tests": (list, False)}
_TEST = {"name": (str, True), "kind": (str, True), "run": (str, True), "hidden": (bool, False), "cpus": (int, False),
         "memory": (int, False), "instructions": (int, False), "repeat": (int, False), "options": (str, False), "hint": (str, False), "block": (str, False),
         "backed_by": (str, False)}
_TYPE_NAMES = {int: "a whole number", str: "a text", list: "a list", dict: "a table", bool: "true or false"}


@dataclasses.dataclass
class Exercise:
    """One exercise: [[exercise]]."""

    id: str
    title: str
    points: int
    hours: int = 0
    tests: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Test:
    """One test of the grader: [[test]]. Zero means the grader's own default."""

    name: str
    kind: str
    run: str
    hidden: bool = False
    cpus: int = 1
    memory: int = 0
    instructions: int = 0
    repeat: int = 1
    options: str = ""
    hint: str = ""
    block: str = ""
    backed_by: str = ""


@dataclasses.dataclass
class Lab:
    """One lab.toml, checked."""

    name: str
    number: int
    title: str
    hours: int
    files: list
    exercises: list
    tests: list
    host_tests: list
    later: str
    later_labs: dict
    base: int
    withhold: list
    passes: dict = dataclasses.field(default_factory=dict)  # earlier lab -> names of its tests, none: all
    objects: list = dataclasses.field(default_factory=list)
    blocks: list = dataclasses.field(default_factory=list)  # filled in by with_blocks()

    @property
    def points(self):
        return sum(exercise.points for exercise in self.exercises)

    def later_mode(self, name):
        """What this lab's handout makes of the blocks of a later lab."""
        return self.later_labs.get(name, self.later)


def check_table(file, where, table, keys):
    """Unknown, missing and mistyped keys of one table. keys: name -> (type, needed)."""
    for key in table:
        if key not in keys:
            raise Problem(file, f"{where}{key}: no such key", f"one of: {', '.join(keys)}")
    for key, (kind, needed) in keys.items():
        if key not in table:
            if needed:
                raise Problem(file, f"{where}{key}: is missing", f"add it: {_TYPE_NAMES[kind]}")
        elif type(table[key]) is not kind:
            raise Problem(file, f"{where}{key}: is no {_TYPE_NAMES[kind].split(' ', 1)[-1]}", f"write {_TYPE_NAMES[kind]}")


def check_texts(file, where, values):
    for value in values:
        if not isinstance(value, str) or not value:
            raise Problem(file, f"{where}: {value!r} is no text", "write a list of texts")


def check_number(file, where, value, least):
    if value < least:
        raise Problem(file, f"{where}: {value} is below {least}", f"write {least} or more")


def _exercises(file, number, rows):
    found, seen = [], set()
    for at, row in enumerate(rows, 1):
        where = f"exercise {at}, "
        check_table(file, where, row, _EXERCISE)
        where = f"exercise {row['id']}, "
        if not re.fullmatch(rf"{number}\.[1-9]\d*", row["id"]):
            raise Problem(file, f"{where}id: is none of this lab", f"write {number}.1, {number}.2 and so on")
        if row["id"] in seen:
            raise Problem(file, f"{where}id: stands twice", "give each exercise its own")
        seen.add(row["id"])
        check_number(file, f"{where}points", row["points"], 1)
        check_texts(file, f"{where}tests", row.get("tests", []))
        found.append(Exercise(**row))
    if not found:
        raise Problem(file, "exercise: the list is empty", "a lab has one at least")
    return found


def _tests(file, rows):
    found, seen = [], set()
    for at, row in enumerate(rows, 1):
        check_table(file, f"test {at}, ", row, _TEST)
        if row["name"] in seen:
            raise Problem(file, f"test {row['name']}: stands twice", "give each test its own name")
        if row["kind"] not in KINDS:
            raise Problem(file, f"test {row['name']}, kind: {row['kind']!r} is none", f"one of: {', '.join(KINDS)}")
        for key in ("cpus", "repeat"):
            check_number(file, f"test {row['name']}, {key}", row.get(key, 1), 1)
        for key in ("memory", "instructions"):
            check_number(file, f"test {row['name']}, {key}", row.get(key, 0), 0)
        seen.add(row["name"])
        found.append(Test(**row))
    return found


def _check_tests_used(file, exercises, tests):
    """Points come from tests that carry points: each test belongs to one exercise, each name to a test."""
    known = {test.name: test for test in tests}
    users = {}
    for exercise in exercises:
        for name in exercise.tests:
            if name not in known:
                raise Problem(file, f"exercise {exercise.id}, tests: there is no test {name!r}", "add a [[test]] of that name")
            if name in users:
                raise Problem(file, f"exercise {exercise.id}, tests: {name!r} counts for {users[name]} already",
                              "let each test count for one exercise")
            if known[name].kind == "host":
                raise Problem(file, f"exercise {exercise.id}, tests: {name!r} runs on the host",
                              "give points by tests of kind guest or machine: a host test runs in the student's own process")
            users[name] = exercise.id


def _check_backing(file, tests):
    """A guest's word is backed by a test that takes no guest's word."""
    kinds = {test.name: test.kind for test in tests}
    for test in tests:
        if test.backed_by and (test.kind != "guest" or kinds.get(test.backed_by) != "machine"):
            raise Problem(file, f"test {test.name}, backed_by: {test.backed_by!r} can't back it", "let a test of kind machine back one of kind guest")


def _check_named_blocks(file, exercises, tests):
    """A failure points to a block of the test's own exercise."""
    owner = {name: exercise.id for exercise in exercises for name in exercise.tests}
    for test in tests:
        if test.block and not re.fullmatch(rf"{re.escape(owner.get(test.name, 'none'))}[a-z]?", test.block):
            raise Problem(file, f"test {test.name}, block: {test.block!r} is none of its exercise", "name the block that a failure points to, 2.3a say")


def _check_files(file, tree, files):
    check_texts(file, "lab.files", files)
    for name in files:
        if not (tree / name).is_file():
            raise Problem(file, f"lab.files: there is no file {name}", "name files of the tree, from its top")
    if not files:
        raise Problem(file, "lab.files: is empty", "name the files that a student may edit")


def _check_host_tests(file, tree, tests):
    check_texts(file, "lab.host_tests", tests)
    for name in tests:
        if not (tree / f"tests/unit/test_{name}.c").is_file():
            raise Problem(file, f"lab.host_tests: there is no tests/unit/test_{name}.c", "write NAME of a tests/unit/test_NAME.c")


def _handout(file, table, earlier):
    for where, mode in [("handout.later", table.get("later", "object")),
                        *((f"handout.later_labs.{key}", value) for key, value in table.get("later_labs", {}).items())]:
        if mode not in LATER:
            raise Problem(file, f"{where}: {mode!r} is no way to treat a later lab", f"one of: {', '.join(LATER)}")
    check_texts(file, "handout.withhold", table.get("withhold", []))
    check_texts(file, "handout.objects", table.get("objects", []))
    for name, tests in table.get("passes", {}).items():
        if name not in earlier:
            raise Problem(file, f"handout.passes: {name} is no lab before this one", f"some of: {', '.join(earlier) or 'none'}")
        if not isinstance(tests, list):
            raise Problem(file, f"handout.passes.{name} has to be {_TYPE_NAMES[list]}", "write names of that lab's tests, or [] for all of them")
        check_texts(file, f"handout.passes.{name}", tests)


def load(path, place):
    """The table of a TOML file; PLACE is what messages call it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Problem(place, f"is no TOML: {error}", "see grading/README.md for an example") from error


def read(tree, name):
    """One lab, checked against its own tree."""
    tree = pathlib.Path(tree)
    file = f"labs/{name}/lab.toml"
    match = FOLDER.fullmatch(name)
    if not match or not (tree / file).is_file():
        there = ", ".join(names(tree)) or "none yet"
        raise Problem(file, "there is no such lab", f"name one of: {there}")
    table = load(tree / file, file)
    number = int(match[1])
    check_table(file, "", table, _TOP)
    if table["schema"] != SCHEMA:
        raise Problem(file, f"schema: {table['schema']} is not known here", f"write {SCHEMA}, or use that version's scripts")
    lab, handout = table["lab"], table.get("handout", {})
    check_table(file, "lab.", lab, _LAB)
    check_table(file, "handout.", handout, _HANDOUT)
    check_number(file, "lab.hours", lab["hours"], 1)
    check_number(file, "lab.base", lab.get("base", 0), 0)
    _check_files(file, tree, lab["files"])
    _check_host_tests(file, tree, lab.get("host_tests", []))
    _handout(file, handout, [other for other in names(tree) if int(other[:2]) < number])
    exercises = _exercises(file, number, table["exercise"])
    tests = _tests(file, table.get("test", []))
    _check_tests_used(file, exercises, tests)
    _check_backing(file, tests)
    _check_named_blocks(file, exercises, tests)
    return Lab(name, number, lab["title"], lab["hours"], lab["files"], exercises, tests, lab.get("host_tests", []),
               handout.get("later", "object"), handout.get("later_labs", {}), lab.get("base", 0), handout.get("withhold", []),
               handout.get("passes", {}), handout.get("objects", []))


def names(tree):
    """The labs of a tree, in order."""
    return sorted(path.parent.name for path in pathlib.Path(tree).glob("labs/*/lab.toml") if FOLDER.fullmatch(path.parent.name))


def with_blocks(tree):
    """All labs (number -> Lab) with their blocks; refuses what doesn't fit together."""
    labs = {}
    for name in names(tree):
        lab = read(tree, name)
        if lab.number in labs:
            raise Problem(f"labs/{name}", f"the number {lab.number} is {labs[lab.number].name}'s already", "give it another one")
        labs[lab.number] = lab
    sealed = {name: lab.name for lab in labs.values() for name in lab.objects}
    for name, lab in sealed.items():
        if not (tree / name).is_file():
            raise Problem(f"labs/{lab}/lab.toml", f"handout.objects: there is no file {name}", "name files of the tree, from its top")
    for block in marks.find_all(tree):
        place = f"{block.file}:{block.mark + 1}"
        if block.file in sealed:
            raise Problem(place, f"LAB {block.id} stands in a file that {sealed[block.file]} gives as an object", "take it off handout.objects")
        if block.lab not in labs:
            raise Problem(place, f"LAB {block.id} belongs to no lab", f"add labs/{block.lab:02}-name/lab.toml or change the number")
        lab = labs[block.lab]
        if block.exercise not in {exercise.id for exercise in lab.exercises}:
            raise Problem(place, f"LAB {block.id} belongs to no exercise of {lab.name}", f"add it to labs/{lab.name}/lab.toml")
        if block.file not in lab.files:
            raise Problem(place, f"LAB {block.id} stands in a file that {lab.name} doesn't let students edit",
                          f"add it to lab.files in labs/{lab.name}/lab.toml")
        lab.blocks.append(block)
    for lab in labs.values():
        _check_blocks(lab)
    return labs


def _check_blocks(lab):
    marked = {block.exercise for block in lab.blocks}
    known = {block.id for block in lab.blocks}
    for test in lab.tests:
        if test.block and test.block not in known:
            raise Problem(f"labs/{lab.name}/lab.toml", f"test {test.name}, block: no mark in the source says LAB {test.block}", f"one of: {', '.join(sorted(known))}")
    for exercise in lab.exercises:
        if exercise.id not in marked:
            raise Problem(f"labs/{lab.name}/lab.toml", f"exercise {exercise.id}: has no block in the source",
                          f"mark what the student writes: LAB {exercise.id} (grading/INSTRUCTORS.md)")
    holding = {block.file for block in lab.blocks}
    for name in lab.files:
        if name not in holding:
            raise Problem(f"labs/{lab.name}/lab.toml", f"lab.files: {name} holds no block of the lab", "take it off the list")
