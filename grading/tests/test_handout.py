"""Handouts of a small tree: what is in them, what is not, what a student does with them."""

import contextlib
import io
import re
import subprocess
import unittest

import csource
import fixture
import gitrepo
import handout
import marks
import student
import stubs
from problem import Problem


class Source(unittest.TestCase):
    """csource: functions and objects of C text."""

    def test_pieces(self):
        text = ('#include "a.h"\n#define X(a) \\\n    { a }\n\n/* f { */\nstatic s64 f(struct a *m, u8 b[4], void (*g)(int), ...)\n{\n    return "}";\n}\n'
                "static const char *const names[] = { [1] = \"a\" }; /* its own */\n\nNORETURN void end(void)\n{\n}\nint declared(int a);\n"
                "static struct gate idt[256] ALIGNED(4096);\n")
        found = csource.pieces(text)
        self.assertEqual([(p.name, p.is_function, p.is_static) for p in found],
                         [("", False, False), ("", False, False), ("f", True, True), ("names", False, True), ("end", True, False),
                          ("declared", False, False), ("idt", False, True)])
        self.assertEqual(found[2].parameters, ("m", "b", "g"))
        self.assertEqual((found[2].comment, found[2].signature),
                         ("/* f { */", "static s64 f(struct a *m, u8 b[4], void (*g)(int), ...)"))
        self.assertEqual((found[4].comment, found[4].parameters), ("", ()))


class Stubs(unittest.TestCase):
    """stubs.stubbed on single files."""

    def test_asm(self):
        text = ("global save\nextern other\n; LAB 1.4: Save them.\nsave:\n    push rax\n.loop:\n    jmp .loop\ninner:\n    ret\n; END LAB 1.4\n"
                "    call save\n")
        made = stubs.stubbed(text, "kernel/x86/a.asm", {"1.4"})
        self.assertIn("extern lab_todo\n; LAB 1.4", made)
        self.assertIn("save:\n    cld\n    lea rdi, [rel .lab_id]", made)
        self.assertNotIn("push rax", made)
        self.assertNotIn("inner", made)

    def test_asm_macro(self):
        text = ("; LAB 1.4: Save them.\n; What it does.\n%macro SAVE 1\n    ; how\n    push rax\n%endmacro\n%macro OWN 0\n    nop\n%endmacro\n"
                "; END LAB 1.4\nextern other\nx:\n    SAVE 1\n")
        made = stubs.stubbed(text, "kernel/x86/a.asm", {"1.4"})
        self.assertIn("; What it does.\n%macro SAVE 1\n    jmp lab_1_4\n%endmacro\n\nlab_1_4:\n    cld", made)
        for gone in ("push rax", "how", "OWN"):
            self.assertNotIn(gone, made)

    def test_a_block_that_nobody_needs(self):
        with self.assertRaisesRegex(Problem, r"a\.c:1: LAB 1\.1 holds no function that code outside of it needs; widen"):
            stubs.stubbed("/* LAB 1.1: A. */\nstatic int f(void)\n{\n}\n/* END LAB 1.1 */\n", "kernel/a.c", {"1.1"})

    def test_struct_tag_is_no_use(self):
        text = "struct f;\n/* LAB 1.1: A. */\nstatic int f(void)\n{\n}\nint g(void)\n{\n}\n/* END LAB 1.1 */\n"
        self.assertNotIn("int f(void)", stubs.stubbed(text, "kernel/a.c", {"1.1"}))


class Handout(fixture.TreeTest):
    """handout.write."""

    def write(self, lab="02-memory", solved="", name="student"):
        folder = self.folder / name
        handout.write(self.tree, lab, folder, solved)
        return folder

    def text(self, folder):
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
                for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts}

    def compiles(self, folder):
        """Every C file with a block, without a warning."""
        for file in ("kernel/mm/sums.c", "kernel/boot/first.c"):
            done = subprocess.run(["gcc", "-DKOAN_HOST", "-DNORETURN=__attribute__((noreturn))", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow",
                                   "-Werror", f"-I{folder}/kernel", "-c", "-o", "/dev/null", str(folder / file)],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_lab_2(self):
        folder = self.write()
        files = self.text(folder)
        self.assertIn('lab_todo("2.1", __FILE__, "Add up the values.");', files["kernel/mm/sums.c"])
        self.assertIn("/* LAB 2.1: Add up the values. */", files["kernel/mm/sums.c"])
        self.assertIn("/* The sum of all; 0 of none. */\nint sum_of(", files["kernel/mm/sums.c"])
        self.assertIn('lab_todo("1.1"', files["kernel/boot/first.c"])
        for name, text in files.items():
            self.assertNotRegex(text, r"secret_|doubled|4711|One more", name)
        self.assertEqual({name for name in files if re.search("mutants|cheats|INSTRUCTORS", name)}, set())
        self.compiles(folder)

    def test_one_commit_with_everything(self):
        folder = self.write()
        self.assertEqual(gitrepo.git(folder, "rev-list", "--all", "--count"), "1")
        self.assertEqual(gitrepo.git(folder, "status", "--porcelain"), "")
        self.assertEqual(gitrepo.git(folder, "fsck", "--unreachable", "--no-reflogs"), "")
        self.assertEqual(gitrepo.git(folder, "log", "-1", "--format=%an %ae"), "Koan koan@localhost")
        reference = gitrepo.git(self.tree, "rev-parse", "HEAD")
        self.assertNotEqual(gitrepo.try_git(folder, "cat-file", "-e", reference).returncode, 0)

    def test_solved(self):
        files = self.text(self.write(solved="01-boot"))
        self.assertIn("4711 * 4711", files["kernel/boot/first.c"])
        self.assertNotIn("lab_todo", files["kernel/boot/first.c"])

    def test_later_lab_as_stub(self):
        folder = self.write("01-boot")
        files = self.text(folder)
        self.assertIn('lab_todo("2.1"', files["kernel/mm/sums.c"])
        self.assertNotIn("secret", files["kernel/mm/sums.c"])
        self.assertFalse((folder / "labs/02-memory").exists())
        self.compiles(folder)

    def test_later_lab_as_scaffold(self):
        self.change("labs/01-boot/lab.toml", 'later = "stub"', 'later = "stub"\nlater_labs = { "02-memory" = "scaffold" }')
        with self.assertRaisesRegex(Problem, r"labs/02-memory/scaffold/kernel/mm/sums\.c: is missing, and LAB 2\.1 is to come from it; write"):
            self.write("01-boot")
        self.assertFalse((self.folder / "student").exists())
        plain = ("/* LAB 2.1: A. */\nint sum_of(const int *values, unsigned int count)\n{\n    return count ? values[0] + calls + helper_outside(0) : 0;\n}\n"
                 "/* END LAB 2.1 */\n")
        path = self.tree / "labs/01-boot/scaffold/kernel/mm/sums.c"
        path.parent.mkdir(parents=True)
        path.write_text(plain, encoding="utf-8")
        with self.assertRaisesRegex(Problem, r"scaffold/kernel/mm/sums\.c: holds no LAB 2\.2; add"):
            self.write("01-boot")
        path.write_text(plain + "/* LAB 2.2: B. */\nint sum_twice(const int *values, unsigned int count)\n{\n    return values[0] + (int)count;\n}\n\n"
                        "void each(void (*visit)(int value), int last)\n{\n    visit(last);\n}\n/* END LAB 2.2 */\n", encoding="utf-8")
        # The later lab's own scaffold serves as well, and comes second.
        shared = self.tree / "labs/02-memory/scaffold/kernel/mm/sums.c"
        shared.parent.mkdir(parents=True)
        shared.write_text(path.read_text(encoding="utf-8").replace("values[0]", "values[1]"), encoding="utf-8")
        self.commit()
        folder = self.write("01-boot")
        text = (folder / "kernel/mm/sums.c").read_text(encoding="utf-8")
        self.assertIn("values[0] + calls", text)
        path.unlink()
        self.commit()
        self.assertIn("values[1] + calls", (self.write("01-boot", name="shared") / "kernel/mm/sums.c").read_text(encoding="utf-8"))
        self.assertNotIn("secret", text)
        self.assertFalse((folder / "labs/01-boot/scaffold").exists())
        self.compiles(folder)

    def test_refusals(self):
        with self.assertRaisesRegex(Problem, "SOLVED: 02-memory is no lab before 02-memory; name some of: 01-boot"):
            self.write(solved="02-memory")
        self.write()
        with self.assertRaisesRegex(Problem, "is there already and not empty; name a new folder"):
            self.write()
        with self.assertRaisesRegex(Problem, "LAB: is not given; add LAB=NAME"):
            handout.main(["write", "", "x"])

    def test_a_copied_line_is_found(self):
        self.change("README.md", "A tree.", "    int secret_running_total_so_far = 0;")
        # In an open file of the reference it is no secret any more; in what only the handout has, it would be one.
        folder = self.write()
        self.assertTrue(folder.exists())
        self.change("README.md", "int secret_running_total_so_far", "int total_running_so_far")
        plan = handout.Plan(self.tree, "02-memory")
        self.assertEqual([line.split(":")[0] for line in handout.leaks(plan, folder)], ["README.md"])

    def test_solution_is_the_way_from_handout_to_reference(self):
        folder = self.write()
        diff = handout.solution(self.tree, "02-memory")
        done = subprocess.run(["patch", "-p1", "-d", str(folder)], input=diff, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual((folder / "kernel/mm/sums.c").read_text(), (self.tree / "kernel/mm/sums.c").read_text())


class Student(fixture.TreeTest):
    """progress and update."""

    def setUp(self):
        super().setUp()
        self.mine = self.folder / "mine"
        handout.write(self.tree, "02-memory", self.mine, "01-boot")

    def solve(self, *ids, folder=None, file="kernel/mm/sums.c"):
        """Put the reference's blocks in, and commit."""
        folder = folder or self.mine
        bodies = {b.id: b.body for b in marks.find((self.tree / file).read_text(encoding="utf-8"), file) if b.id in ids}
        path = folder / file
        path.write_text(marks.replace(path.read_text(encoding="utf-8"), file, bodies), encoding="utf-8")
        self.commit(folder)

    def states(self):
        return {row[0]: row[2] for row in student.progress(self.mine)}

    def update(self, source):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            return student.update(self.mine, str(source)), out.getvalue()

    def test_progress(self):
        self.assertEqual(self.states(), {"1.1": "given", "2.1": "to do", "2.2": "to do"})
        self.change("kernel/mm/sums.c", '{\n    (void)values;', '{\n    int mine = 1;\n    (void)values;', self.mine)
        self.assertEqual(self.states()["2.1"], "begun")
        self.solve("2.1")
        self.assertEqual(self.states(), {"1.1": "given", "2.1": "written", "2.2": "to do" if "mine" not in
                                         (self.mine / "kernel/mm/sums.c").read_text() else "begun"})
        self.change("kernel/mm/sums.c", "/* END LAB 2.2 */", "", self.mine)
        self.change("kernel/mm/sums.c", "/* LAB 2.2: ", "/* Two: ", self.mine)
        self.assertEqual(self.states()["2.2"], "lost")

    def test_progress_in_the_reference(self):
        with self.assertRaisesRegex(Problem, "this is no student's tree; make one"):
            student.progress(self.tree)

    def test_update_of_a_solved_tree(self):
        self.solve("2.1", "2.2")
        self.change("tests/guests/adds.c", "tset", "test")
        self.commit()
        handout.write(self.tree, "02-memory", self.folder / "new", "01-boot")
        status, _ = self.update(self.folder / "new")
        self.assertEqual(status, 0)
        self.assertIn("A test of sums", (self.mine / "tests/guests/adds.c").read_text())
        self.assertEqual(self.states(), {"1.1": "given", "2.1": "written", "2.2": "written"})
        self.assertEqual(self.update(self.folder / "new"), (0, "Your handout is this very version: nothing to do.\n"))
        self.assertEqual(gitrepo.git(self.mine, "status", "--porcelain"), "")

    def test_update_twice(self):
        self.solve("2.1")
        for number in (1, 2):
            self.change("README.md", "A tree.", f"A tree.\n\nEdition {number}.")
            self.commit()
            handout.write(self.tree, "02-memory", self.folder / f"new{number}", "01-boot")
            self.assertEqual(self.update(self.folder / f"new{number}")[0], 0)
            self.solve("2.2")
        self.assertIn("Edition 2", (self.mine / "README.md").read_text())
        self.assertEqual(self.states()["2.2"], "written")

    def test_update_with_a_conflict(self):
        self.change("tests/guests/adds.c", "tset", "heap", self.mine)
        self.commit(self.mine)
        self.change("tests/guests/adds.c", "tset", "test")
        self.commit()
        handout.write(self.tree, "02-memory", self.folder / "new", "01-boot")
        status, said = self.update(self.folder / "new")
        self.assertEqual(status, 1)
        self.assertIn("tests/guests/adds.c", said)
        self.assertIn("git merge --abort", said)

    def test_update_to_the_next_lab(self):
        self.mine = self.folder / "first"
        handout.write(self.tree, "01-boot", self.mine)
        self.solve("1.1", file="kernel/boot/first.c")
        handout.write(self.tree, "02-memory", self.folder / "new")
        self.assertEqual(self.update(self.folder / "new")[0], 0)
        self.assertEqual(self.states(), {"1.1": "written", "2.1": "to do", "2.2": "to do"})
        self.assertTrue((self.mine / "labs/02-memory/README.md").exists())
        handout.write(self.tree, "01-boot", self.folder / "back")
        with self.assertRaisesRegex(Problem, "is a handout of 01-boot, and your tree has come to 02-memory; name one of 02-memory"):
            self.update(self.folder / "back")

    def test_update_refusals(self):
        with self.assertRaisesRegex(Problem, "FROM: is not given; add FROM="):
            self.update("")
        with self.assertRaisesRegex(Problem, "is no handout; name the repository"):
            self.update(self.tree)
        with self.assertRaisesRegex(Problem, "git fetch"):
            self.update(self.folder / "nowhere")
        (self.mine / "README.md").write_text("mine\n", encoding="utf-8")
        with self.assertRaisesRegex(Problem, "has changes that are not committed; git add"):
            self.update(self.folder)


if __name__ == "__main__":
    unittest.main()
