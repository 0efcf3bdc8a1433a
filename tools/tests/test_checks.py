"""The checks can fail: each is shown a tree, or an output, that breaks its rule."""

import contextlib
import io
import pathlib
import shutil
import tempfile
import unittest

import check
import check_layers
import check_tree
import readme_outputs


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class Layers(Folder):
    def found(self, name, text):
        self.write(name, text)
        return check_layers.violations(self.root)[1]

    def test_upward_is_fine(self):
        self.assertEqual(self.found("mm/a.c", '#include "mm/a.h"\n#include "x86/b.h"\n#include <stddef.h>\n'), [])
        self.assertEqual(self.found("lib/a.h", '#include "abi/xen.h"\n'), [])
        self.assertEqual(self.found("x86/entry.asm", '%include "x86/regs.inc"\n%include "offsets.inc"\n'), [])
        self.assertEqual(self.found("offsets.c", '#include "domain/domain.h"\n'), [])

    def test_downward_is_not(self):
        order = ["lib", "x86", "mm", "domain", "hypercall", "debug", "boot"]
        for at, folder in enumerate(order):
            for below in order[at + 1:]:
                found = self.found(f"{folder}/t.c", f'/* first */\n  # include "{below}/x.h"\n')
                self.assertEqual(len(found), 1, (folder, below))
                self.assertIn(f"{folder}/t.c:2", found[0])
                (self.root / folder / "t.c").unlink()

    def test_assembly_counts(self):
        self.assertEqual(len(self.found("x86/entry.asm", '%include "domain/x.inc"\n')), 1)

    def test_strange_includes(self):
        self.assertEqual(len(self.found("mm/a.c", "#include <stdio.h>\n")), 1)
        self.assertEqual(len(self.found("mm/a.c", '#include "a.h"\n')), 1)
        self.assertEqual(len(self.found("mm/a.c", '#include "../tests/a.h"\n')), 1)
        (self.root / "mm/a.c").unlink()
        self.assertEqual(self.found("lib/string.h", "#include <string.h>\n"), [])

    def test_a_folder_that_is_no_layer(self):
        self.assertEqual(len(self.found("misc/a.c", "")), 1)

    def test_an_empty_tree_does_not_pass(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(check_layers.main(str(self.root)), 1)


class House(Folder):
    def test_top_level(self):
        for name in check_tree.TOP:
            self.write(name + "/x" if name.islower() else name, "")
        self.write("build/x", "")
        self.write(".ci/run", "")
        self.assertEqual(check_tree.top_level(self.root), [])
        self.write("notes.txt", "")
        self.assertEqual(len(check_tree.top_level(self.root)), 1)
        shutil.rmtree(self.root / "labs")
        self.assertEqual(len(check_tree.top_level(self.root)), 2)

    def test_paths_of_one_machine(self):
        self.write("a.c", "x\n/* see /" + "home/me/koan */\n")
        self.write("b.py", "p = '/" + "root/x'\n")
        self.write("c.md", "kernel/work/x, /usr/share/OVMF, $(HOME)/x and ../work/x are no such paths\n")
        self.write("build/d", "/" + "home/me\n")
        self.assertEqual([line.split(":")[0] for line in check_tree.machine_paths(self.root)], ["a.c", "b.py"])

    def test_long_files(self):
        self.write("kernel/a.c", "\n" * 600)
        self.assertEqual(check_tree.long_files(self.root), [])
        self.write("kernel/b.c", "\n" * 601)
        self.assertEqual(len(check_tree.long_files(self.root)), 1)

    def test_dead_links(self):
        self.write("labs/a.md", "[b](../kernel/b.md#part) [c](https://example.org/c) [d](#here)\n[e](e.md)\n")
        self.write("kernel/b.md", "")
        self.assertEqual(len(check_tree.dead_links(self.root)), 1)

    def test_formatting(self):
        self.write(".clang-format", "BasedOnStyle: LLVM\nIndentWidth: 4\n")
        self.write("kernel/a.c", "int a;\n")
        self.assertEqual(check_tree.formatting(self.root), [])
        self.write("kernel/b.c", "int  b ;\n")
        self.assertEqual(len(check_tree.formatting(self.root)), 1)


class Readme(unittest.TestCase):
    EMPTY = "# x\n<!-- output: make run </dev/null | tail -n 2 -->\n<!-- end -->\nrest\n"

    def test_filled_and_filled_again(self):
        once = readme_outputs.regenerate(self.EMPTY, lambda command: "one\ntwo  \n")
        self.assertIn("```console\n$ make run </dev/null\none\ntwo\n```\n<!-- end -->\nrest\n", once)
        self.assertEqual(readme_outputs.problems(once), [])
        self.assertNotIn("one", readme_outputs.regenerate(once, lambda command: "three\n"))

    def test_what_is_wrong_is_seen(self):
        good = readme_outputs.regenerate(self.EMPTY, lambda command: "one\n")
        for text in ("# nothing\n", self.EMPTY, good.replace("<!-- end -->\n", ""), good.replace("$ make run", "$ make it")):
            self.assertNotEqual(readme_outputs.problems(text), [], text)


class Sums(unittest.TestCase):
    def test_what_a_check_says(self):
        self.assertEqual(check.parse_summary("x\n3 passed, 1 failed\n"), (3, 1, 0))
        self.assertEqual(check.parse_summary("3 passed, 0 failed, 2 skipped\n\n"), (3, 0, 2))
        self.assertEqual(check.parse_summary("3 passed, 1 failed\nmake[1]: *** [tests/build.mk:3: check-x] Error 1\n"), (3, 1, 0))
        for text in ("", "3 passed, 1 failed\nbye\n", "all passed", "ok: 3 passed, 1 failed"):
            self.assertIsNone(check.parse_summary(text), text)

    def test_silence_is_no_success(self):
        for status, text in ((0, ""), (2, "boom"), (0, "0 passed, 0 failed"), (1, "5 passed, 0 failed")):
            counts, complaint = check.judge("x", status, text)
            self.assertEqual(counts[1], 1, text)
            self.assertIsNotNone(complaint)

    def test_counts(self):
        self.assertEqual(check.judge("x", 0, "5 passed, 0 failed"), ((5, 0, 0), None))
        self.assertEqual(check.judge("x", 1, "5 passed, 2 failed"), ((5, 2, 0), None))
        self.assertEqual(check.format_summary(1, 2), "1 passed, 2 failed")
        self.assertEqual(check.format_summary(1, 0, 3), "1 passed, 0 failed, 3 skipped")


if __name__ == "__main__":
    unittest.main()
