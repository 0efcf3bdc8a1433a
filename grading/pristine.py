"""The pristine tree that submissions are laid over, with its objects built, below build/grade/: made once for each state of
the sources, and reused.

For an instructor it is the handout of the lab with the earlier labs solved, made afresh from the reference; in a student's own
tree it is the tree's first commit, as it was handed out. A lab whose source has no marked blocks yet is graded over the
reference itself.
"""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import gitrepo
import labfile
import layout
import marks
from problem import Problem

TREE = pathlib.Path(__file__).resolve().parents[1]
CACHE = TREE / os.environ.get("BUILD", "build") / "grade"
KEPT = 3   # pristine trees that stay
HANDED_OUT = "labs/handout.toml"
NOT_IN_IT = re.compile(r"labs/[^/]+/(mutants|cheats)/|grading/tests/")   # changing one of these makes no tree old


def is_student_tree(tree):
    return (tree / HANDED_OUT).is_file()


def sources(tree):
    """Names of the files that the pristine tree depends on."""
    return [name for name in gitrepo.tracked_files(tree) if (tree / name).is_file() and not NOT_IN_IT.match(name)]


def digest(tree, lab):
    """One word for the state of the sources, and for the lab: by number, too, as tests make a lab of a folder that has another."""
    value = hashlib.sha256(f"{lab.number} {lab.name}".encode())
    if is_student_tree(tree):
        value.update(first_commit(tree).encode())
        return value.hexdigest()[:16]
    for name in sources(tree):
        value.update(name.encode() + b"\0" + hashlib.sha256((tree / name).read_bytes()).digest())
    return value.hexdigest()[:16]


def first_commit(tree):
    """The commit of the newest handout: what `make handout` or `make update` brought."""
    done = subprocess.run(["git", "-C", str(tree), "log", "--format=%H", "--grep=^Koan-Handout:", "-1"], capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        raise Problem(str(tree), "holds no commit of a handout", "grade in the repository that you were given")
    return done.stdout.strip()


def write_tree(tree, lab, folder):
    """The files."""
    if is_student_tree(tree):
        folder.mkdir()
        archive = subprocess.run(["git", "-C", str(tree), "archive", first_commit(tree)], capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    elif any(block.lab == lab.number for block in marks.find_all(tree)):
        import handout
        handout.write(tree, lab.name, folder, "all")
        shutil.rmtree(folder / ".git", ignore_errors=True)
    else:
        for name in sources(tree):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / name, folder / name)


def clean_environment():
    """Without what an outer make hands down."""
    return {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "BUILD")}


def make(folder, *goals):
    """Build goals of a tree of ours; a refusal with the output if that fails."""
    done = subprocess.run(["make", "-s", "-j2", *goals], cwd=folder, env=clean_environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Problem("the pristine tree", f"does not build:\n{done.stdout.strip()[-3000:]}\n", "mend the reference first; a file that git does not know (`git add`) is not in it")


def build_guests(folder, lab):
    """The guests of a lab's tests in build/grader: the grader's, grading/guests/*.c, the lab's own, labs/NN-name/tests/guests/*.c,
    and the tree's that it names."""
    own = sorted((folder / "grading/guests").glob("*.c")) + sorted((folder / "labs" / lab.name / "tests" / "guests").glob("*.c"))
    sources = [path.relative_to(folder).as_posix() for path in own]
    sources += sorted({test.run for test in lab.tests if test.kind == "guest" and test.run.endswith(".c")})
    if all((folder / "build/grader" / pathlib.PurePath(source).stem).is_file() for source in sources):
        return
    (folder / "build/grader").mkdir(parents=True, exist_ok=True)
    rules = ["grader-guests:"]
    for source in sources:
        target = f"build/grader/{pathlib.PurePath(source).stem}"
        rules[0] += f" {target}"
        rules += [f"{target}.o: {source}\n\t$(CC) $(GUEST_CFLAGS) -Igrading/guests -c -o $@ $<",
                  f"{target}: {target}.o $(GUEST_LIB) guests/lib/guest.ld\n\t$(call link_guest,$@,$<)"]
    (folder / "build/grader/rules.mk").write_text("\n".join(rules) + "\n", encoding="utf-8")
    make(folder, "-f", "Makefile", "-f", "build/grader/rules.mk", "grader-guests")


def prune(keep):
    """Old pristine trees go."""
    trees = sorted((path for path in CACHE.glob("pristine-*") if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in trees[:-KEPT]:
        if path != keep:
            shutil.rmtree(path, ignore_errors=True)


def prepare(tree, lab):
    """The folder of the pristine tree, built; and the numbers of its headers."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"pristine-{digest(tree, lab)}"
    with open(CACHE / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)   # two graders at a time build it once
        if not (folder / "build/ready").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            # A handout's own tree may have nothing of the solution beside it, so guests and objects come from it alone.
            write_tree(tree, lab, folder)
            make(folder, "build/koan.elf")
            (folder / "build/ready").touch()
        build_guests(folder, lab)
        os.utime(folder)
        prune(folder)
    return folder, layout.compute(folder, folder / "build/layout.json")


def is_left_of(data, old):
    """Is it the old text, but for lines that were taken out?"""
    lines = iter(old.split(b"\n"))
    return all(line in lines for line in data.split(b"\n"))


def was_handed_out(tree):
    """A function (name, data): may this file be as an earlier handout had it? The question is put only for files that differ.

    The tree's history knows, but for what `make handout` generates: the objects of later labs, which come out otherwise with each version, and
    the unit tests' rules, from which it takes lines. Nothing of either is ever used.
    """
    def known(name, data):
        if re.fullmatch(r"labs/objects/\d\d-[\w-]+\.o", name):
            return True
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        done = subprocess.run(["git", "-C", str(tree), "log", "--format=", "--raw", "--no-abbrev", "--", name],
                              capture_output=True, text=True, check=False)
        blobs = {words[3] for words in map(str.split, done.stdout.splitlines()) if len(words) > 3}
        if name == "tests/unit/build.mk":
            return any(is_left_of(data, subprocess.run(["git", "-C", str(tree), "cat-file", "blob", old], capture_output=True, check=False).stdout)
                       for old in blobs)
        return blob in blobs
    return known if not is_student_tree(tree) else lambda name, data: False


def editable(tree, lab):
    """Names that a submission of this lab may hold changed: its own files and those of the labs before."""
    names = set(lab.files)
    for name in labfile.names(tree):
        other = labfile.read(tree, name)
        if other.number < lab.number:
            names |= set(other.files)
    return names
