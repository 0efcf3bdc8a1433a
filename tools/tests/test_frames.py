"""The picture of frame owners: valid XML, and each frame is drawn and counted once. With made frames, then with a machine's."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from xml.etree import ElementTree

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tools"), str(TREE / "grading")]

import frames_page  # noqa: E402  (the path comes first)
from frametable import L1, L4, NONE, WRITABLE, Frame  # noqa: E402
from koanrun import paths  # noqa: E402

NUMBERS = {"OWNER_FREE": 0x7FFE, "OWNER_KOAN": 0x7FFD, "OWNER_NONE": 0x7FFC, "OWNER_LIMBO": 0x7FFB, "FRAME_PINNED": 1}
SVG = "{http://www.w3.org/2000/svg}"


def made():
    """1300 frames of all kinds; the last row is no whole one."""
    free, koan, hole = Frame(0, 0, NONE, 0, 0x7FFE), Frame(1, 0, NONE, 0, 0x7FFD), Frame(0, 0, NONE, 0, 0x7FFC)
    page, table, root = Frame(2, 1, WRITABLE, 0, 1), Frame(3, 2, L1, 0, 1), Frame(2, 1, L4, 1, 2)
    return [koan] * 100 + [hole] * 28 + [page] * 500 + [table, root, Frame(1, 0, WRITABLE, 0, 1), Frame(2, 1, L1, 0, 0x7FFB)] + [free] * 668


def drawn(text):
    """Frames that the titles of the picture tell of, by number."""
    found = []
    for title in ElementTree.fromstring(text).iter(f"{SVG}title"):
        span = re.match(r"frames? (0x[0-9a-f]+)(?: to (0x[0-9a-f]+))?", title.text)
        first = int(span[1], 16)
        found += range(first, int(span[2] or span[1], 16) + 1)
    return found


def totals(text):
    """Column `frames` of the legend: (those of the owners, that of all)."""
    rows = [[cell.replace(",", "") for cell in re.findall(r"<td>([\d,]*)</td>", re.sub(r"<(span|svg).*?</\1>", "", row))]
            for row in re.findall(r"<tr.*?</tr>", text)][1:]
    return [int(row[0]) for row in rows[:-1]], int(rows[-1][0])


class Page(unittest.TestCase):
    def setUp(self):
        self.picture = frames_page.Picture(made(), {1: "a<b>&c", 2: ""}, NUMBERS, "made & drawn")

    def test_xml(self):
        ElementTree.fromstring(self.picture.page())
        ElementTree.fromstring(self.picture.svg(alone=True))
        self.assertNotIn("a<b>", self.picture.page())

    def test_each_frame_is_drawn_once(self):
        self.assertEqual(drawn(self.picture.page()), list(range(1300)))

    def test_counts_add_up(self):
        owners, everything = totals(self.picture.page())
        self.assertEqual((sum(owners), everything, len(owners)), (1300, 1300, 6))

    def test_uses(self):
        counts = {owner: uses for owner, uses, _ in self.picture.counts()}
        self.assertEqual(counts[1], {"writable": 500, "L1 table": 1, "unused": 1})
        self.assertEqual([pins for _, _, pins in self.picture.counts()], [0, 1, 0, 0, 0, 0])

    def test_what_stands_under_the_pointer(self):
        text = self.picture.page()
        self.assertIn("frame 0x275: domain 2, L4 table, pinned; refs 2, type_refs 1<", text)
        self.assertIn("frame 0x277: limbo, L1 table; refs 2, type_refs 1<", text)

    def test_nothing_from_outside(self):
        self.assertEqual(re.findall(r'(?:src|href)="(?!#)', self.picture.page()), [])


class OfAMachine(unittest.TestCase):
    def run_tool(self, *arguments):
        return subprocess.run([sys.executable, str(TREE / "tools/frames.py"), *arguments], capture_output=True, text=True, check=False, timeout=240)

    def test_two_domains(self):
        if not (paths.BUILD / "koan.elf").is_file():
            self.skipTest("the tree is not built")
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "frames.html")
            done = self.run_tool("--out", str(out), "--mem", "64", "hello=8M", "hello=12M")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            text = out.read_text(encoding="utf-8")
        self.assertEqual(drawn(text), list(range(64 << 8)))
        owners, everything = totals(text)
        self.assertEqual((sum(owners), everything), (64 << 8, 64 << 8))
        # What was asked for, and the pages that each shares with the hypervisor: shared_info, and the first of its grant table.
        self.assertLessEqual({8 << 8, 12 << 8}, {n - 2 for n in owners})

    def test_no_such_guest(self):
        done = self.run_tool("none-such")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)


if __name__ == "__main__":
    unittest.main()
