"""A small reference tree with two labs, for tests that need no hypervisor."""

import pathlib
import shutil
import tempfile
import unittest

import gitrepo

FILES = {
    ".gitignore": "build/\n",
    "README.md": "A tree.\n",
    "kernel/lib/panic.h": "__attribute__((noreturn)) void panic(const char *fmt, ...);\n",
    "kernel/mm/sums.h": "int sum_of(const int *values, unsigned int count);\nint sum_twice(const int *values, unsigned int count);\n"
                        "void each(void (*visit)(int value), int last);\n",
    "kernel/mm/sums.c": '''/*
 * Sums.
 */
#include "mm/sums.h"

static int calls; /* how often somebody asked */
static const int weights[] = { 1, 2 };

static int helper_outside(int value)
{
    return value + weights[0];
}

/* LAB 2.1: Add up the values. */

/* One more: a helper that nobody outside needs. */
static int secret_addition_of(int left, int right)
{
    return left + helper_outside(right) - weights[0] - 1;
}

/* The sum of all; 0 of none. */
int sum_of(const int *values, unsigned int count)
{
    int secret_running_total_so_far = 0;

    for (unsigned int secret_index = 0; secret_index < count; secret_index++)
        secret_running_total_so_far = secret_addition_of(secret_running_total_so_far, values[secret_index]);
    calls++;
    return secret_running_total_so_far;
}

/* END LAB 2.1 */

/* LAB 2.2: The same, twice; and visit the numbers up to the last. */

static int doubled(int value)
{
    return value * (1 + 1);
}

int sum_twice(const int *values, unsigned int count)
{
    return doubled(sum_of(values, count));
}

void each(void (*visit)(int value), int last)
{
    for (int secret_value = 0; secret_value <= last; secret_value++)
        visit(secret_value); /* a brace in a comment: { */
}

/* END LAB 2.2 */
''',
    "kernel/boot/first.c": '''#include "lib/panic.h"

int first(void);

/* LAB 1.1: Be the first. */
int first(void)
{
    return 4711 * 4711 + 1147114711;
}
/* END LAB 1.1 */
''',
    "labs/01-boot/README.md": "The first lab.\n",
    "labs/01-boot/lab.toml": '''schema = 1
[lab]
title = "First"
hours = 1
files = ["kernel/boot/first.c"]
[handout]
later = "stub"
[[exercise]]
id = "1.1"
title = "Be"
points = 3
''',
    "labs/02-memory/README.md": "The second lab.\n",
    "labs/02-memory/lab.toml": '''schema = 1
[lab]
title = "Second"
hours = 2
files = ["kernel/mm/sums.c"]
[[exercise]]
id = "2.1"
title = "Add"
points = 5
tests = ["adds"]
[[exercise]]
id = "2.2"
title = "Twice"
points = 5
[[test]]
name = "adds"
kind = "guest"
run = "tests/guests/adds.c"
''',
    "labs/02-memory/mutants/off_by_one.toml": '''what = "The last number is left out."
why = "A count is no index."
block = "2.1"
must = ["adds"]
[[change]]
file = "kernel/mm/sums.c"
old = "secret_index < count"
new = "secret_index + 1 < count"
''',
    "labs/02-memory/cheats/lie.toml": '''what = "The test says what is wanted."
expect = "refused"
[[file]]
path = "tests/guests/adds.c"
text = "int lie;"
''',
    "labs/INSTRUCTORS.md": "Not for students.\n",
    "tests/guests/adds.c": "/* A tset of sums. */\n\nint adds;\n",
}


class TreeTest(unittest.TestCase):
    """A test that gets a private folder with the reference in `tree`."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="koan-grading-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.tree = self.folder / "reference"
        for name, text in FILES.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        gitrepo.git(self.tree, "init", "-q", "-b", "main", ours=True)
        self.commit()

    def commit(self, folder=None):
        """Everything in a folder, as one commit."""
        folder = folder or self.tree
        gitrepo.git(folder, "add", "-A", ours=True)
        gitrepo.git(folder, "commit", "-q", "--allow-empty", "-m", "work", ours=True)

    def change(self, name, old, new, folder=None):
        """Replace a text that must be there."""
        path = (folder or self.tree) / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new), encoding="utf-8")
