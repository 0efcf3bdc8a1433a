"""The real labs: every handout builds without a warning, boots as far as it can, gives nothing away, and takes updates.

Objects that the reference has built already are put into each handout first, so that only what differs is compiled.
"""

import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import gitrepo
import handout
import labfile
import marks
import student

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("BUILD", "build")
LIMIT_SECONDS = 120
LEAST = 30  # characters of code: a shorter line may stand anywhere

FOLDER = None
HANDOUTS = {}  # (lab, solved) -> folder


def setUpModule():
    """All handouts, once."""
    global FOLDER
    FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="koan-labs-"))
    unittest.addModuleCleanup(shutil.rmtree, FOLDER, ignore_errors=True)
    names = labfile.names(TREE)
    for name in names:
        for solved in ("", "all") if name != names[0] else ("",):
            folder = FOLDER / f"{name}-{solved or 'bare'}"
            handout.write(TREE, name, folder, solved)
            HANDOUTS[name, solved] = folder


def run(folder, *command):
    """A command in a student's tree, as from a fresh shell."""
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BUILD")}
    return subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT_SECONDS, check=False)


def lend_objects(folder):
    """What the reference has built; make looks at times, and unchanged files have kept theirs."""
    for part in ("kernel", "obj", "guests", "offsets.inc", "offsets.d"):
        source, target = TREE / BUILD / part, folder / "build" / part
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=shutil.copy2, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy2(source, target)


def solve(folder, lab):
    """Put the reference's blocks of one lab into a student's tree."""
    for file in {block.file for block in lab.blocks}:
        path = folder / file
        bodies = {block.id: block.body for block in lab.blocks if block.file == file}
        path.write_text(marks.replace(path.read_text(encoding="utf-8"), file, bodies), encoding="utf-8")


def commit(folder):
    """A student's commit."""
    gitrepo.git(folder, "add", "-A", ours=True)
    gitrepo.git(folder, "commit", "-q", "-m", "work", ours=True)


class Labs(unittest.TestCase):
    """For each handout of each lab."""

    def build(self, folder):
        lend_objects(folder)
        done = run(folder, "make", "-j2", "build/koan.elf", "build/guests/hello")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("warning", done.stdout)

    def boot(self, folder):
        return run(folder, "tools/koan-run", "--mem", "16", "--timeout", "60", "build/guests/hello")

    def test_boots_as_far_as_it_can(self):
        """The first lab's handout, and each later one's with the earlier labs in: builds without a warning, ends with a useful word."""
        labs = labfile.with_blocks(TREE)
        for lab in labs.values():
            folder = HANDOUTS.get((lab.name, "all")) or HANDOUTS[lab.name, ""]
            with self.subTest(lab.name):
                self.build(folder)
                done = self.boot(folder)
                found = re.search(r"PANIC: LAB (\S+), (\S+), is not written yet: (.*)", done.stdout)
                self.assertIsNotNone(found, done.stdout)
                self.assertEqual(done.returncode, 3)
                block = next((block for block in lab.blocks if block.id == found[1]), None)
                self.assertIsNotNone(block, found[0])
                self.assertEqual((found[2], found[3].strip()), (block.file, block.task))

    def test_no_compiler_warns(self):
        """The files with stubs in them, by gcc and, where there is one, clang; with nothing lent."""
        compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
        for (name, solved), folder in HANDOUTS.items():
            files = {block.file for lab in labfile.with_blocks(TREE).values() for block in lab.blocks} | {"kernel/boot/lab.c"}
            objects = [str(pathlib.PurePath(file).with_suffix(".o")) for file in sorted(files) if file.endswith(".c") and (folder / file).is_file()]
            for compiler in compilers:
                with self.subTest(lab=name, solved=solved, compiler=compiler):
                    build = f"build/by-{compiler}"
                    done = run(folder, "make", "-j2", f"CC={compiler}", f"BUILD={build}", "WERROR=1", *(f"{build}/{name}" for name in objects))
                    self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_solved_tree_runs(self):
        """With the reference's blocks in, the first lab's handout runs a guest: the objects of the later labs do their part."""
        labs = labfile.with_blocks(TREE)
        if not labs:
            self.skipTest("no lab yet")
        lab = labs[min(labs)]
        folder = FOLDER / "solved"
        shutil.copytree(HANDOUTS[lab.name, ""], folder, copy_function=shutil.copy2)
        solve(folder, lab)
        self.assertEqual({row[2] for row in student.progress(folder)}, {"written"})
        self.build(folder)
        done = self.boot(folder)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("Hello!", done.stdout)

    def test_nothing_is_given_away(self):
        """Each line of a block against every file; lines that the reference shows elsewhere are nobody's secret."""
        labs = labfile.with_blocks(TREE)
        blocks = [block for lab in labs.values() for block in lab.blocks]
        shown = set()
        for file in gitrepo.tracked_files(TREE):
            if not file.startswith(("labs/", "grading/")):
                text = (TREE / file).read_text(encoding="utf-8", errors="replace")
                shown |= {line.strip() for line in marks.replace(text, file, {b.id: "" for b in blocks}).splitlines()}
        for (name, solved), folder in HANDOUTS.items():
            with self.subTest(lab=name, solved=solved):
                number = int(name[:2])
                hidden = {line.strip() for block in blocks if block.lab >= number or not solved
                          for line in block.body.splitlines()
                          # Statements; not the head of a function, nor what a comment says.
                          if re.match(r" {4}.*[;{]$", line.split("/*")[0].rstrip()) and len(line.split("/*")[0].strip()) >= LEAST}
                hidden -= shown
                hidden -= {line.strip() for block in blocks if block.lab < number and solved for line in block.body.splitlines()}
                self.assertGreater(len(hidden), 20)
                for file in gitrepo.tracked_files(folder):
                    if not file.endswith(".o"):
                        text = (folder / file).read_text(encoding="utf-8", errors="replace")
                        self.assertEqual({line.strip() for line in text.splitlines()} & hidden, set(), file)

    def test_objects_have_no_words(self):
        """Of a later lab's files only what the linker needs: no conditions of assertions, no names of their own, no debug information."""
        conditions = {" ".join(found.split()).encode() for lab in labfile.with_blocks(TREE).values() for block in lab.blocks
                      for found in re.findall(r"\b(?:assert|BUG_ON)\((.*?)\);", block.body, re.DOTALL)}
        self.assertGreater(len(conditions), 10)
        ordinary = (TREE / BUILD / "kernel/mm/type.o").read_bytes()
        self.assertTrue([text for text in conditions if text in ordinary], "the search would find them")
        objects = [folder / file for folder in HANDOUTS.values() for file in gitrepo.tracked_files(folder) if file.endswith(".o")]
        self.assertGreater(len(objects), 2)
        for path in objects:
            with self.subTest(path.relative_to(FOLDER)):
                data = path.read_bytes()
                self.assertEqual([text for text in conditions if text in data], [])
                names = run(path.parent, "readelf", "--wide", "--symbols", path.name).stdout
                self.assertEqual([line for line in names.splitlines() if re.search(r" (FUNC|OBJECT|FILE|NOTYPE) +LOCAL +\w+ +\S+ +(?!\.L)\S", line)], [])
                sections = run(path.parent, "readelf", "--wide", "--sections", path.name).stdout
                self.assertNotRegex(sections, r"\.debug|\.comment")

    def test_what_is_withheld(self):
        for (name, _), folder in HANDOUTS.items():
            with self.subTest(folder.name):
                files = gitrepo.tracked_files(folder)
                self.assertEqual([file for file in files if re.search(r"mutants|cheats|/hidden/|INSTRUCTORS|grading/tests|grading/handout\.py", file)], [])
                self.assertEqual([file for file in files if re.match(r"(labs|slides)/\d\d-", file) and int(file.split("/")[1][:2]) > int(name[:2])], [])
                self.assertEqual(gitrepo.git(folder, "rev-list", "--all", "--count"), "1")

    def test_commands_in_readmes_exist(self):
        """What a README of a handout says to type is there."""
        for folder in HANDOUTS.values():
            targets = set(re.findall(r"^([a-z][\w-]*):", run(folder, "make", "-pn", "help").stdout, re.MULTILINE))
            self.assertIn("grade", targets)
            for file in gitrepo.tracked_files(folder):
                if file.endswith("README.md"):
                    with self.subTest(folder.name, file=file):
                        text = (folder / file).read_text(encoding="utf-8")
                        named = set(re.findall(r"(?:`|^ {4}|^\$ )make ([a-z][\w-]*)\b(?![\w=/.])", text, re.MULTILINE))
                        self.assertEqual(named - targets, set())
                        self.assertNotIn("/scaffold/", text)

    def test_slides_are_whole(self):
        """Nothing is left of later labs' pictures, and every deck that is there finds what it shows; no hypervisor that can't run yet is asked for a picture."""
        for folder in HANDOUTS.values():
            with self.subTest(folder.name):
                done = run(folder, "/usr/bin/python3", "slides/tests/run.py")
                self.assertEqual(done.returncode, 0, done.stdout)
                made = run(folder, "make", "-n", "slides").stdout
                self.assertIn("--partly", made)
                self.assertNotRegex(made, r"bench\.py|frames\.py|trace\.py")

    def test_objects_have_no_names(self):
        for folder in HANDOUTS.values():
            for path in folder.glob("labs/objects/*.o"):
                with self.subTest(path.name):
                    names = subprocess.run(["nm", str(path)], capture_output=True, text=True, check=True).stdout
                    # The compiler's own labels of constants (.LC0) name nothing.
                    self.assertEqual([line for line in names.splitlines() if re.search(r" [a-tv-z] (?!\.LC\d+$)", line)], [])
                    sections = subprocess.run(["objdump", "-h", str(path)], capture_output=True, text=True, check=True).stdout
                    self.assertNotIn(".debug", sections)

    def test_update_of_a_solved_tree(self):
        """A fixed typo in a test comes in, and the student's work stays."""
        for (name, solved), folder in HANDOUTS.items():
            with self.subTest(folder.name):
                mine, new = FOLDER / f"mine-{folder.name}", FOLDER / f"new-{folder.name}"
                for copy in (mine, new):
                    run(FOLDER, "git", "clone", "-q", str(folder), str(copy))
                lab = labfile.with_blocks(TREE)[int(name[:2])]
                solve(mine, lab)
                commit(mine)
                with (new / "tests/guests/pin_tree.c").open("a", encoding="utf-8") as file:
                    file.write("/* A word more. */\n")
                commit(new)
                with contextlib.redirect_stdout(io.StringIO()):
                    self.assertEqual(student.update(mine, str(new)), 0)
                self.assertIn("/* A word more. */", (mine / "tests/guests/pin_tree.c").read_text(encoding="utf-8"))
                own = {row[0]: row[2] for row in student.progress(mine) if row[0].startswith(f"{lab.number}.")}
                self.assertEqual(own, {block.id: "written" for block in lab.blocks})

    def test_from_lab_to_lab(self):
        """Who has solved one lab takes the next lab's handout into the same tree."""
        names = labfile.names(TREE)
        labs = labfile.with_blocks(TREE)
        for name, following in zip(names, names[1:]):
            with self.subTest(following):
                mine = FOLDER / f"term-{name}"
                run(FOLDER, "git", "clone", "-q", str(HANDOUTS[name, ""]), str(mine))
                solve(mine, labs[int(name[:2])])
                commit(mine)
                with contextlib.redirect_stdout(io.StringIO()):
                    self.assertEqual(student.update(mine, str(HANDOUTS[following, ""])), 0)
                states = {row[0]: row[2] for row in student.progress(mine)}
                for lab in (labs[int(name[:2])], labs[int(following[:2])]):
                    want = "written" if lab.name == name else "to do"
                    self.assertEqual({block.id: states[block.id] for block in lab.blocks}, {block.id: want for block in lab.blocks})


if __name__ == "__main__":
    unittest.main()
