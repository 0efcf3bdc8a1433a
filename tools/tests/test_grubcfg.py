"""grub.cfg: what is written for hostile names and command lines, read back by a model of GRUB's parser."""

import unittest

from koanrun import grubcfg
from koanrun.errors import UsageError


def grub_words(line):
    """GRUB 2.06's script lexer for the quoting that can occur here: '...' as it stands, \\' outside of quotes."""
    result, word, quoted, at = [], None, False, 0
    while at < len(line):
        char = line[at]
        if quoted:
            if char == "'":
                quoted = False
            else:
                word += char
        elif char == "'":
            quoted, word = True, word or ""
        elif char == "\\":
            at += 1
            word = (word or "") + line[at]
        elif char == " ":
            if word is not None:
                result.append(word)
            word = None
        else:
            if char in "$\"{};|&<>\n":
                raise AssertionError(f"{char!r} outside of quotes means something to GRUB: {line}")
            word = (word or "") + char
        at += 1
    return result + ([word] if word is not None else [])


class Quoting(unittest.TestCase):
    def test_a_hostile_command_line_arrives_as_it_is(self):
        for text in ("plain", "a b", "two  spaces", " leading", "trailing ", "it's", "''", '"quoted words"', "$HOME ${x}",
                     "a;b|c&d", "{ }", "back\\slash", "#hash", "-- --", "'", "`id`", "*?[a]"):
            line = grubcfg.module_line("/boot/module0", [("name", "a")], text)
            seen = grub_words(line)
            self.assertEqual(seen[:4], ["module2", "/boot/module0", "name=a", "--"], text)
            self.assertEqual(" ".join(seen[4:]), text)

    def test_no_command_line_no_dashes(self):
        self.assertEqual(grub_words(grubcfg.module_line("/m", [("name", "a"), ("mem", "64M")], "")),
                         ["module2", "/m", "name=a", "mem=64M"])

    def test_control_and_foreign_characters_are_refused(self):
        for text in ("a\nmodule2 /evil", "tab\there", "nul\0", "\x1b[2J", "\x7f", "über"):
            for call in (lambda: grubcfg.module_line("/m", [("name", "a")], text), lambda: grubcfg.render(text, [])):
                with self.assertRaisesRegex(UsageError, "printable ASCII"):
                    call()

    def test_a_value_is_one_word(self):
        for value in ("a b", "", " "):
            with self.assertRaisesRegex(UsageError, "one word"):
                grubcfg.module_line("/m", [("name", value)], "")

    def test_length_of_the_command_line(self):
        self.assertIn("x" * 1023, grubcfg.module_line("/m", [], "x" * 1023))
        with self.assertRaisesRegex(UsageError, "1024 characters"):
            grubcfg.module_line("/m", [], "x" * 1024)


class Whole(unittest.TestCase):
    def test_order_and_no_waiting(self):
        text = grubcfg.render("end=exit sched=rr", [("/boot/module0", [("name", "one")], ""),
                                                    ("/boot/module1", [("name", "two")], "x=1")])
        lines = [line.strip() for line in text.splitlines()]
        self.assertIn("set timeout=0", lines)
        at = lines.index("multiboot2 '/boot/koan.elf' 'end=exit' 'sched=rr'")
        self.assertEqual(lines[at + 1], "module2 '/boot/module0' 'name=one'")
        self.assertEqual(lines[at + 2], "module2 '/boot/module1' 'name=two' -- 'x=1'")
        self.assertEqual(lines[at + 3], "}")


if __name__ == "__main__":
    unittest.main()
