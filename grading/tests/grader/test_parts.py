"""The parts of the grader, each by itself: what is taken of a submission, points, results, reading of tables, the sandbox."""

import errno
import json
import os
import pathlib
import socket
import stat
import struct
import tempfile
import unittest
import unittest.mock
from xml.etree import ElementTree

import bootrom
import grade
import labfile
import paging
import pristine
import results
import sandbox
import submission
from bootrom import Entry

TREE = pathlib.Path(__file__).resolve().parents[3]


class Folder(unittest.TestCase):
    """A handout with two files, and a submission that is a copy of it."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.base, self.sub = pathlib.Path(holder.name, "base"), pathlib.Path(holder.name, "sub")
        for root in (self.base, self.sub):
            (root / "kernel").mkdir(parents=True)
            (root / "kernel/a.c").write_text("int a;\n")
            (root / "Makefile").write_text("all:\n")

    def collect(self):
        return submission.collect(self.sub, self.base, {"kernel/a.c"})


class Taking(Folder):
    def test_the_lab_file_is_taken(self):
        (self.sub / "kernel/a.c").write_text("int b;\n")
        self.assertEqual(self.collect(), ({"kernel/a.c": b"int b;\n"}, []))

    def refused(self, name):
        lines = self.collect()[1]
        self.assertEqual([line.split(":")[0] for line in lines], [name])
        return lines[0]

    def test_a_changed_file_is_named(self):
        (self.sub / "Makefile").write_text("all: ; echo PASS\n")
        self.assertIn("was changed", self.refused("Makefile"))

    def test_an_added_file_is_named(self):
        (self.sub / "kernel/b.c").write_text("")
        self.assertIn("was added", self.refused("kernel/b.c"))

    def test_a_missing_file_is_noted(self):
        (self.sub / "Makefile").unlink()
        notes = []
        self.assertEqual(submission.collect(self.sub, self.base, {"kernel/a.c"}, notes=notes)[1], [])
        self.assertEqual(notes, ["Makefile: is missing; the grader's own is used"])

    def test_a_file_of_an_earlier_handout_is_noted(self):
        (self.sub / "Makefile").write_text("al:\n")
        notes = []
        taken, refused = submission.collect(self.sub, self.base, {"kernel/a.c"}, lambda name, data: data == b"al:\n", notes)
        self.assertEqual((list(taken), refused, len(notes)), (["kernel/a.c"], [], 1))

    def test_what_handouts_generate_is_no_cheat_when_it_is_older(self):
        known = pristine.was_handed_out(TREE)
        rules = (TREE / "tests/unit/build.mk").read_bytes()
        fewer = b"\n".join(line for line in rules.split(b"\n") if b"UNIT_mm_walk_SRCS" not in line)
        self.assertNotEqual(fewer, rules)
        self.assertTrue(known("tests/unit/build.mk", fewer))
        self.assertFalse(known("tests/unit/build.mk", rules + b"all: ; echo PASS\n"))
        self.assertTrue(known("labs/objects/02-memory.o", b"of another version"))
        for name in ("labs/objects/../../Makefile", "labs/objects/mine.o", "kernel/mm/evil.o"):
            self.assertFalse(known(name, b"x"), name)

    def test_a_link_is_refused_though_it_has_a_lab_files_name(self):
        (self.sub / "kernel/a.c").unlink()
        (self.sub / "kernel/a.c").symlink_to("/etc/passwd")
        self.assertIn("symbolic link", self.refused("kernel/a.c"))

    def test_a_linked_folder_is_refused(self):
        (self.sub / "more").symlink_to("/etc")
        self.assertIn("symbolic link", self.refused("more"))

    def test_a_pipe_is_refused_and_stops_nobody(self):
        (self.sub / "kernel/a.c").unlink()
        os.mkfifo(self.sub / "kernel/a.c")
        self.assertIn("no regular file", self.refused("kernel/a.c"))

    def test_a_device_a_socket_and_a_pipe_are_never_opened(self):
        if os.geteuid() == 0:
            os.mknod(self.sub / "kernel/device", 0o600 | stat.S_IFCHR, os.makedev(1, 5))   # /dev/zero
            self.assertIn("no regular file", self.refused("kernel/device"))
            (self.sub / "kernel/device").unlink()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.sub / "kernel/socket"))
            self.assertIn("no regular file", self.refused("kernel/socket"))

    def test_a_hard_link_is_refused(self):
        (self.folder / "secret").write_text("int secret;\n")
        (self.sub / "kernel/a.c").unlink()
        os.link(self.folder / "secret", self.sub / "kernel/a.c")
        self.assertIn("hard link", self.refused("kernel/a.c"))

    def test_links_that_the_handout_has_are_none(self):
        (self.sub / "Makefile").unlink()
        os.link(self.base / "Makefile", self.sub / "Makefile")   # as `cp -al` makes them
        self.assertEqual(self.collect()[1], [])

    def test_names_that_are_no_text(self):
        (self.sub / os.fsdecode(b"kernel/\xff\n\x1b[31m.c")).write_text("")
        line, = self.collect()[1]
        self.assertEqual(line.split(":")[0], "kernel/\\xff\\n\\x1b[31m.c")
        line.encode("utf-8")

    def test_a_tree_without_end(self):
        deep = self.sub / "/".join(["d"] * (submission.MAX_DEPTH + 2))
        deep.mkdir(parents=True)
        self.assertIn("folders deep", self.refused("the submission"))

    def test_a_tree_of_very_many(self):
        self.addCleanup(setattr, submission, "MAX_ENTRIES", submission.MAX_ENTRIES)
        submission.MAX_ENTRIES = 10
        for number in range(20):
            (self.sub / f"f{number}").mkdir()
        self.assertIn("files and folders", self.refused("the submission"))

    def test_a_folder_that_is_closed(self):
        (self.sub / "closed").mkdir()
        (self.sub / "closed/x.c").write_text("")
        really = os.scandir

        def scandir(path):   # to root no folder is closed
            if pathlib.Path(path).name == "closed":
                raise PermissionError(errno.EACCES, "closed", str(path))
            return really(path)
        with unittest.mock.patch("os.scandir", scandir):
            self.assertIn("can't be read", self.refused("closed"))

    def test_a_build_folder_further_down_is_no_hiding_place(self):
        (self.sub / "kernel/build").mkdir()
        (self.sub / "kernel/build/x.c").write_text("")
        self.refused("kernel/build/x.c")

    def test_a_file_in_the_place_of_a_folder(self):
        (self.sub / "kernel/a.c").unlink()
        (self.sub / "kernel").rmdir()
        (self.sub / "kernel").write_text("")
        self.refused("kernel")

    def test_a_folder_in_the_place_of_a_file(self):
        (self.sub / "kernel/a.c").unlink()
        (self.sub / "kernel/a.c").mkdir()
        (self.sub / "kernel/a.c/x").write_text("")
        self.refused("kernel/a.c/x")

    def test_a_large_file_is_refused(self):
        (self.sub / "kernel/a.c").write_bytes(b"/" * (submission.MAX_FILE + 1))
        self.assertIn("larger than", self.refused("kernel/a.c"))

    def test_what_make_and_git_leave_is_nothing(self):
        (self.sub / "build").mkdir()
        (self.sub / "build/koan.elf").write_text("x")
        self.assertEqual(self.collect()[1], [])


def lab():
    """A lab of two exercises, 10 points with three tests and 5 with one."""
    tests = [labfile.Test(name, "machine", "tests/x.py:X") for name in "abcd"]
    return labfile.Lab("09-x", 9, "x", 1, [], [labfile.Exercise("9.1", "one", 10, tests=["a", "b", "c"]),
                                              labfile.Exercise("9.2", "two", 5, tests=["d"])], tests, [], "object", {}, 0, [])


def report(**verdicts):
    return results.Report(lab(), "x", {name: results.Result(name, verdict) for name, verdict in verdicts.items()})


class Points(unittest.TestCase):
    def test_all(self):
        done = report(a="pass", b="pass", c="pass", d="pass")
        self.assertEqual((done.total, done.status), (15, 0))

    def test_a_part_is_rounded_down(self):
        done = report(a="pass", b="pass", c="fail", d="pass")
        self.assertEqual((done.total, done.status), (6 + 5, 1))

    def test_infrastructure_outranks(self):
        done = report(a="pass", b="error", c="fail", d="pass")
        self.assertEqual((done.total, done.status, [done.points(e) for e in done.lab.exercises]), (None, 3, [None, 5]))
        self.assertRegex(results.table(done), r"(?s)9.1 one +-/10 .*total +-/15  not known: 1 of the tests ")

    def test_refused_has_none(self):
        done = report(a="pass", b="pass", c="pass", d="pass")
        done.refused = ["Makefile: was changed"]
        self.assertEqual((done.total, done.status), (0, 1))

    def test_no_test_is_no_pass(self):
        self.assertEqual(report().status, 1)

    def test_a_test_that_did_not_run_is_no_point(self):
        self.assertEqual(report(a="pass", d="pass").total, 3 + 5)

    def test_a_part_of_the_tests_is_no_zero_for_the_rest(self):
        done = report(a="pass")
        self.assertRegex(results.table(done), r"9.2 two +0/5 ")
        done.complete = False
        self.assertRegex(results.table(done), r"(?s)9.2 two +-/5 .*\nof the tests that ran +3/15$")

    def test_a_guests_word_counts_when_it_is_backed(self):
        for verdict, points in (("pass", [10, 5]), ("fail", [3, 0]), ("error", [None, None])):
            done = report(a="pass", b="pass", c=verdict, d="pass")
            done.lab.tests[1].backed_by = done.lab.tests[3].backed_by = "c"
            self.assertEqual([done.points(e) for e in done.lab.exercises], points)
            self.assertEqual((done.total, done.results["d"].verdict), (None if None in points else sum(points), "pass"), verdict)
            self.assertEqual("d:pass*" in results.table(done), verdict != "pass")
        self.assertEqual(results.as_json(done)["tests"][3]["counts"], False)

    def test_backing_that_did_not_run_takes_nothing_away(self):
        done = report(a="pass", b="pass")
        done.lab.tests[1].backed_by = "c"
        self.assertEqual(done.total, 6)


class Files(unittest.TestCase):
    def setUp(self):
        done = report(a="pass", b="fail", c="error", d="pass")
        done.results["b"].seen = "a \x00\x1b[31m line <of> the kernel's \udc80"
        done.results["b"].expected = "order & calm"
        self.done = done

    def test_json_has_the_documented_keys(self):
        data = json.loads(json.dumps(results.as_json(self.done)))
        self.assertEqual(set(data), {"schema", "lab", "submission", "complete", "points", "points_max", "status", "refused", "notes", "first_seconds", "seconds",
                                     "exercises", "tests"})
        self.assertEqual((data["schema"], data["points"], data["points_max"], data["tests"][1]["verdict"]), (2, None, 15, "fail"))
        text = (TREE / "grading/README.md").read_text(encoding="utf-8")
        for key in list(data) + list(data["tests"][0]) + list(data["exercises"][0]):
            self.assertIn(f"`{key}`", text, "every key stands in grading/README.md")

    def test_junit_is_xml_whatever_was_printed(self):
        suite = ElementTree.fromstring(results.as_junit(self.done))
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("errors")), ("4", "1", "1"))

    def test_a_terminal_gets_no_escapes(self):
        """Or a panic, a compiler's message and a symbol could paint points over the table."""
        self.done.results["b"].where = "LAB 1.1, a.c, is not written yet: \x1b[2Jtotal 100/100\rtotal"
        said = []
        grade.show(self.done, said.append)
        self.done.results["b"].where = "\x9b2J line\nof code"
        grade.show(self.done, said.append)
        text = "\n".join(said)
        self.assertIn("is not written yet: ?[2J", text)
        self.assertIn("?2J line of code", text)
        self.assertEqual([char for char in text if not char.isprintable() and char != "\n"], [])
        self.assertEqual(len([line for line in text.splitlines() if line.startswith("total")]), 2)

    def test_table(self):
        self.done.results["c"].verdict = "pass"
        self.assertIn("11/15", results.table(self.done))


class Maps(unittest.TestCase):
    def test_ends_shrink_and_holes_grow(self):
        entries = [Entry(0x1001, 0x5FFF), Entry(0x3800, 0x10, bootrom.RESERVED)]   # usable: [0x1001, 0x7000)
        self.assertEqual(bootrom.usable_pages(entries), {2, 4, 5, 6})

    def test_an_empty_hole_is_none(self):
        self.assertEqual(bootrom.usable_pages([Entry(0, 0x2000), Entry(0x1000, 0, bootrom.BAD)]), {0, 1})

    def test_checksum(self):
        root, tables = bootrom.acpi_tables(0x5000, [0, 1])
        self.assertEqual((sum(root) & 255, sum(tables[:40]) & 255), (0, 0))

    def test_information_is_what_the_specification_says(self):
        info = bootrom.information("a=b", [(0x1000, 0x2000, "name=x")], [Entry(0, 4096)], b"", 24)
        total, _ = struct.unpack_from("<II", info)
        kinds, at = [], 8
        while at < total:
            kind, size = struct.unpack_from("<II", info, at)
            kinds.append(kind)
            at += -(-size // 8) * 8
        self.assertEqual((total, kinds), (len(info), [1, 2, 3, 6, 0]))


class Tables(unittest.TestCase):
    def setUp(self):
        self.memory = bytearray(8 * 4096)
        self.put(0, 511, 0x1003)
        self.put(1, 510, 0x2003)
        self.put(2, 0, 0x200000 | 0x83 | paging.NX)
        self.put(2, 1, 0x3001)     # read-only from here on
        self.put(3, 5, 0x7003)

    def put(self, page, index, entry):
        struct.pack_into("<Q", self.memory, page * 4096 + index * 8, entry)

    def test_rights_are_those_of_every_level(self):
        big, small = paging.walk(self.memory, 0)
        self.assertEqual((big.va, big.size, big.pa, big.write, big.execute), (0xFFFFFFFF80000000, 0x200000, 0x200000, True, False))
        self.assertEqual((small.va, small.pa, small.write, small.execute, small.user), (0xFFFFFFFF80205000, 0x7000, False, True, False))

    def test_translate_agrees(self):
        self.assertEqual(paging.translate(self.memory, 0, 0xFFFFFFFF80205123).pa, 0x7000)
        self.assertIsNone(paging.translate(self.memory, 0, 0xFFFFFFFF80206000))

    def test_a_table_outside_of_memory_is_said(self):
        self.put(0, 3, 0x900003)
        with self.assertRaises(ValueError):
            list(paging.walk(self.memory, 0))

    def test_gate(self):
        gate, = paging.gates(struct.pack("<HHBBHII", 0x1234, 0xE008, 2, 0xEE, 0x5678, 0xFFFF8180, 0))
        self.assertEqual((gate.target, gate.selector, gate.ist, gate.kind, gate.dpl, gate.present), (0xFFFF818056781234, 0xE008, 2, 14, 3, True))


class Sandbox(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def run_in(self, script, **more):
        return sandbox.run(["sh", "-c", script], self.folder, **more)

    def test_it_works_at_all(self):
        self.assertEqual(self.run_in("echo hi").output, "hi\n")

    def test_no_network(self):
        done = self.run_in("python3 -c 'import socket; print(len(socket.if_nameindex())); socket.create_connection((\"192.0.2.1\", 80), 2)'")
        self.assertIn("Network is unreachable", done.output)
        self.assertIn("1", done.output.splitlines(), "one interface: the loopback")

    def test_the_tree_is_not_there(self):
        self.assertNotEqual(self.run_in(f"ls {TREE}").status, 0)

    def test_the_system_cannot_be_written(self):
        done = self.run_in("touch /usr/x; touch /etc/x; echo y > /submission/mine")
        self.assertIn("Read-only file system", done.output)
        self.assertFalse(os.path.exists("/etc/x"))
        self.assertEqual((self.folder / "mine").read_text(), "y\n")

    def test_output_has_a_limit(self):
        self.assertIn("output", self.run_in("yes").limit)

    def test_time_has_a_limit(self):
        self.assertNotEqual(self.run_in("while :; do :; done", cpu=1).status, 0)

    def test_no_variable_of_ours_is_seen(self):
        os.environ["KOAN_SEED"] = "42"
        self.addCleanup(os.environ.pop, "KOAN_SEED")
        self.assertNotIn("KOAN_SEED", self.run_in("env").output)


if __name__ == "__main__":
    unittest.main()
