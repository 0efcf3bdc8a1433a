"""Cutting pieces out of the source, and refusing what is gone or too large."""

import pathlib
import tempfile
import unittest
import unittest.mock

import deck
from source import SlideError, cut_code, given_away

C_FILE = """\
/* What it is. */
struct thing {
    u32 a; /* first */
    u32 b;
};

#define ONE 1
#define LONG(x) \\
    (x)

int used(int x);

static int used(int x)
{
    if (x)
        return 2;
    return used(0);
}

/* LAB 2.3: Count things. */
int secret(int x)
{
    return x * 4711; /* the answer */
}

struct inner {
    u32 hidden_in_a_structure;
};
#define INNER 1
/* END LAB 2.3 */

int open_again(void)
{
    return 1;
}
"""
ASM_FILE = """\
first:
    mov eax, 1 ; why
.local:
    ret

; about the second
second:
    nop
"""


class CutTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name)
        (self.tree / "a.c").write_text(C_FILE, encoding="utf-8")
        (self.tree / "b.asm").write_text(ASM_FILE, encoding="utf-8")

    def cut(self, tag):
        return cut_code(self.tree, tag)[1]

    def test_struct(self):
        self.assertEqual(self.cut("a.c struct thing"), ["struct thing {", "    u32 a; /* first */", "    u32 b;", "};"])

    def test_comment_and_bare(self):
        self.assertEqual(self.cut("a.c struct thing comment")[0], "/* What it is. */")
        self.assertEqual(self.cut("a.c struct thing bare")[1], "    u32 a;")

    def test_a_definition_and_not_its_declaration(self):
        self.assertEqual(self.cut("a.c function used")[0], "static int used(int x)")
        self.assertEqual(self.cut("a.c function used")[-1], "}")

    def test_narrowed(self):
        self.assertEqual(self.cut('a.c function used from "if (x)" to "return 2"'), ["if (x)", "    return 2;"])

    def test_defines(self):
        self.assertEqual(self.cut("a.c define ONE LONG"), ["#define ONE 1", "#define LONG(x) (x)"])

    def test_label(self):
        self.assertEqual(self.cut("b.asm label first"), ["first:", "    mov eax, 1 ; why", ".local:", "    ret"])

    def test_a_lab_is_not_given_away(self):
        shown = "\n".join(self.cut("a.c function secret"))
        self.assertNotIn("4711", shown)
        self.assertIn("exercise 2.3", shown)
        self.assertIn("return 1", "\n".join(self.cut("a.c function open_again")))

    def test_what_else_stands_in_a_lab_is_refused(self):
        for tag in ("a.c struct inner", "a.c define INNER"):
            with self.subTest(tag), self.assertRaisesRegex(SlideError, "exercise 2.3"):
                self.cut(tag)

    def test_typed_in_lines_of_a_lab_are_found(self):
        (self.tree / "kernel").mkdir()
        (self.tree / "kernel" / "a.c").write_text(C_FILE, encoding="utf-8")
        shown = ["text", "  return x * 4711; /* the answer */", "int secret(int x)", "    return used(0);", "    u32 hidden_in_a_structure;"]
        self.assertEqual([(line, str(file), lab) for line, file, lab in given_away(self.tree, shown)],
                         [("return x * 4711; /* the answer */", "kernel/a.c", "2.3"), ("u32 hidden_in_a_structure;", "kernel/a.c", "2.3")])
        (self.tree / "kernel" / "b.c").write_text("    u32 hidden_in_a_structure;\n", encoding="utf-8")
        self.assertEqual(len(given_away(self.tree, shown)), 1)  # it is no secret any more

    def test_what_is_gone_is_refused(self):
        for tag in ("a.c struct gone", "a.c function gone", "gone.c function used", "b.asm label gone", "a.c define GONE",
                    'a.c function used from "gone"', 'a.c function used to "gone"', "a.c line 12", "a.c function"):
            with self.subTest(tag), self.assertRaises(SlideError):
                self.cut(tag)


class DeckTest(unittest.TestCase):
    HEAD = "---\nmarp: true\n---\n"

    def problems(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.md"
            path.write_text(text, encoding="utf-8")
            return deck.problems_of(path, deck.Bench(None))

    def test_a_good_deck(self):
        self.assertEqual(self.problems(self.HEAD + "## One\n\ntext\n\n---\n\n## Two\n"), [])

    def test_refusals_name_the_slide(self):
        for body, word in (("## A\n\n<!-- code: kernel/none.c function f -->", "none.c"), ("## A\n\n<!-- diagram: none -->", "none.dot"),
                           ("## A\n\n<!-- cost: none koan -->", "none"), ("## A\n\n<!-- picture: x -->", "no directive"),
                           ("## A\n\n" + "line\n" * 30, "lines of text"), ("text", "no heading")):
            with self.subTest(body):
                found = self.problems(self.HEAD + "## One\n\n---\n\n" + body + "\n")
                self.assertEqual(len(found), 1, found)
                self.assertIn("slide 2", found[0])
                self.assertIn(word, found[0])

    def test_code_that_does_not_fit(self):
        with self.assertRaisesRegex(SlideError, "fit"):
            deck.code("kernel/x86/cpu.h struct cpu")

    def test_what_is_not_measured_is_left_out_where_that_is_wanted(self):
        text = "<!-- frames: height=400 --> <!-- cost: null_hypercall koan -->\n<!-- bench: null_hypercall \"x\" -->"
        gone = pathlib.Path(tempfile.gettempdir()) / "koan-no-such-file"
        with unittest.mock.patch.multiple(deck, PARTLY=True, FRAMES=gone):
            filled = deck.fill(text, deck.Bench(str(gone)))
        self.assertIn("make frames", filled)
        self.assertIn("…", filled)
        self.assertIn("make bench", filled)
        with unittest.mock.patch.object(deck, "FRAMES", gone), self.assertRaises(SlideError):
            deck.fill(text, deck.Bench(None))

    def test_no_front_matter(self):
        self.assertEqual(len(self.problems("## One\n")), 1)


if __name__ == "__main__":
    unittest.main()
