"""make trace: rings are read as they lie in memory, what isn't a ring is refused, and a real run makes a whole timeline."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

from koanrun import paths
from tracing import chrome, figure, page, rings, strip, timeline

KINDS = rings.kind_names()
LINE = "(koan) trace: cpu {} records {} events at machine address {:#x}"


def memory(records, *, cpu=0, count=None, pages=1, magic=b"TKring01"):
    """64 KiB of RAM with a ring's head in frame 1 and its pages from frame 2 on. records: (tsc, a, b, domain, vcpu, kind)."""
    ram = bytearray(16 * 4096)
    head = struct.pack("<8sQIIIi", magic, len(records) if count is None else count, cpu, pages, 1 << 31, 1)  # 1 tick = 1 ns
    ram[4096:4096 + len(head) + 8 * pages] = head + struct.pack(f"<{pages}Q", *range(2, 2 + pages))
    for index, (tsc, a, b, domain, vcpu, kind) in enumerate(records):
        at = 2 * 4096 + index % (128 * pages) * 32
        ram[at:at + 32] = struct.pack("<QQQHBBI", tsc, a, b, domain, vcpu, KINDS.index(kind), 0)
    return bytes(ram)


class Rings(unittest.TestCase):
    def test_records(self):
        ram = memory([(1000, 1, 0, 0xFFFF, 0, "switch"), (1500, 29, 7, 1, 0, "hypercall"), (2500, 0xFFFF, 0, 1, 0, "switch")])
        ring, = rings.read_rings(ram, [LINE.format(0, 128, 4096)])
        self.assertEqual([(r.time, r.who, r.kind) for r in ring.records],
                         [(0, None, "switch"), (500, (1, 0), "hypercall"), (1500, (1, 0), "switch")])
        self.assertEqual(ring.dropped, 0)

    def test_full(self):
        ring, = rings.read_rings(memory([(i, 0, 0, 1, 0, "hypercall") for i in range(300)]), [LINE.format(0, 128, 4096)])
        self.assertEqual((len(ring.records), ring.dropped), (128, 172))
        self.assertEqual([r.time for r in ring.records], list(range(128)))

    def test_no_ring(self):
        good = memory([(1, 1, 0, 1, 0, "switch")])
        for ram, lines in ((good, []), (good, [LINE.format(0, 128, 8192)]), (good, [LINE.format(1, 128, 4096)]),
                           (good, [LINE.format(0, 128, 4097)]), (good, [LINE.format(0, 128, 1 << 30)]),
                           (good, ["(guest) " + LINE.format(0, 128, 4096)]),
                           (memory([], pages=0), [LINE.format(0, 128, 4096)]), (memory([], magic=b"x" * 8), [LINE.format(0, 128, 4096)])):
            with self.assertRaises(rings.TraceError):
                rings.read_rings(ram, lines)

    @unittest.skipIf((paths.TREE / "labs" / "handout.toml").exists(), "where they stand, a lab may have to be written")
    def test_every_kind_is_recorded_somewhere(self):
        text = "".join(path.read_text(encoding="utf-8") for path in (paths.TREE / "kernel").rglob("*") if path.suffix in (".c", ".asm"))
        for kind in KINDS:
            where = r"\brefuse\(" if kind == "refusal" else rf"trace_event\(TRACE_{kind.upper()},|TRACE_SITE \w+, TRACE_{kind.upper()}\b"
            self.assertRegex(text, where)

    def test_names(self):
        self.assertEqual(rings.hypercall_names()[29], "sched_op")
        self.assertEqual(rings.domain_names(["(koan) hello: domain 7, 64 MiB", "(x) evil: domain 8, 1"]), {7: "hello"})


class Timeline(unittest.TestCase):
    def setUp(self):
        ram = memory([(0, 1, 0, 0xFFFF, 0, "switch"), (100, 29, 0, 1, 0, "hypercall"), (400, 2, 3, 1, 0, "switch"),
                      (600, 14, 4096, 2, 3, "exception"), (1000, 0xFFFF, 0, 2, 3, "switch"), (1200, 2, 3, 0xFFFF, 0, "wake")])
        self.timeline = timeline.build(rings.read_rings(ram, [LINE.format(0, 128, 4096)]), {1: "<one>"})

    def test_spans(self):
        self.assertEqual([(s.who, s.start, s.end) for s in self.timeline.spans], [((1, 0), 0, 400), ((2, 3), 400, 1000)])
        self.assertEqual([(m.time, m.who, m.text) for m in self.timeline.marks],
                         [(100, (1, 0), "sched_op(0x0)"), (600, (2, 3), "#PF at 0x1000"), (1200, None, "wakes d2v3")])

    def test_chrome(self):
        events = json.loads(json.dumps(chrome.document(self.timeline)))["traceEvents"]
        self.assertEqual(sorted((e["ts"], e["dur"]) for e in events if e["ph"] == "X" and e["pid"] == chrome.CPUS), [(0, .4), (.4, .6)])
        self.assertEqual({e["name"] for e in events if e["ph"] == "i"}, {"sched_op(0x0)", "#PF at 0x1000", "wakes d2v3"})

    def test_page(self):
        text = page.document(self.timeline, "a & b")
        svg = xml.etree.ElementTree.fromstring(text[text.index("<svg"):text.index("</svg>") + 6])
        titles = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}title")]
        self.assertIn("<one>.0 on CPU 0: 400 ns from 0 ns", titles)
        self.assertNotIn("<one>", text)
        for outside in ("http://", "https://", "src="):
            self.assertNotIn(outside, text.replace("http://www.w3.org/2000/svg", ""))

    def test_figure(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "of" / "it.svg"
            figure.write(self.timeline, figure.parse_window("0ns-500ns"), path)
            svg = path.read_text(encoding="utf-8")
            with self.assertRaisesRegex(ValueError, "the run took 1"):
                figure.write(self.timeline, figure.parse_window("1s-2s"), path)
        root = xml.etree.ElementTree.fromstring(svg)
        bars = [r.get("width") for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("height") == str(figure.BAR)]
        span = figure.WIDTH - figure.LEFT - figure.RIGHT
        self.assertEqual(bars, [f"{span * 400 / 500:.2f}", f"{span * 100 / 500:.2f}"])
        self.assertIn("&lt;one&gt;", svg)
        self.assertNotIn("exception", svg)  # it comes later

    def test_strip(self):
        first, second, key = strip.lines(self.timeline, (0, 960))   # a letter is 10 ns
        self.assertEqual(first.split(), ["<one>.0", "#" * 10 + "h" + "#" * 29 + "." * 56])
        self.assertEqual(second.split()[-1], "." * 40 + "#" * 20 + "x" + "#" * 35)
        self.assertIn("0 ns to 960 ns, a letter is 10 ns: # runs, h hypercall, x exception", key)
        with self.assertRaisesRegex(ValueError, "the run took 1"):
            strip.lines(self.timeline, (10**9, 2 * 10**9))

    def test_window(self):
        self.assertEqual(figure.parse_window("40ms-1s"), [40_000_000, 1_000_000_000])
        for text in ("", "40ms", "2ms-1ms", "1ms-1ms", "a-b", "40-50", "1ms-2ms-3ms", "-1ms-2ms", "1 ms-2ms"):
            with self.subTest(text), self.assertRaises(ValueError):
                figure.parse_window(text)


class Run(unittest.TestCase):
    """The real thing: two guests on two CPUs."""

    def test_run(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, str(paths.TREE / "tools/trace.py"), "--smp", "2", "--pages", "4", "--dir", folder,
                                   "hello", "counter"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            text = (pathlib.Path(folder) / "trace.html").read_text(encoding="utf-8")
            events = json.loads((pathlib.Path(folder) / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
        names = {e["args"]["name"] for e in events if e["ph"] == "M"}
        self.assertLessEqual({"CPUs", "CPU 0", "CPU 1", "hello", "counter"}, names)
        spans = sorted((e["tid"], e["ts"], e["ts"] + e["dur"]) for e in events if e["ph"] == "X" and e["pid"] == chrome.CPUS)
        for before, after in zip(spans, spans[1:]):   # a CPU has one vCPU at a time
            self.assertTrue(before[0] != after[0] or before[2] <= after[1] + 1e-6, (before, after))
        ends = [e for e in events if e["ph"] == "i" and e["name"].startswith("sched_op(0x2")]  # SCHEDOP_shutdown of each
        self.assertEqual(len(ends), 2)
        self.assertIn("hello.0", text)

    def test_words_from_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            words = pathlib.Path(folder) / "words"
            words.write_text("# two words of one argument\ncounter:name=one,options=weight=512,args=to=2 work=1\n", encoding="utf-8")
            done = subprocess.run([sys.executable, str(paths.TREE / "tools/trace.py"), "--dir", folder, "--svg", f"{folder}/a.svg", f"@{words}"],
                                  capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("2 of 2", done.stdout)
            self.assertIn(">one<", (pathlib.Path(folder) / "a.svg").read_text(encoding="utf-8"))
