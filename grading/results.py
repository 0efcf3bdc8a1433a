"""Results as a table, as JSON (schema in README.md) and as JUnit XML."""

import dataclasses
import json
import re
from xml.etree import ElementTree

SCHEMA = 2
PASS, FAIL, ERROR = "pass", "fail", "error"
STATUS_ALL, STATUS_LOST, STATUS_USE, STATUS_INFRASTRUCTURE = 0, 1, 2, 3
MEANING = ("all points", "points lost", "bad use or bad lab file", "infrastructure: nobody's points are touched")
UNFIT = re.compile(r"[^\t\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]")


@dataclasses.dataclass
class Result:
    """What came of one test."""

    test: str
    verdict: str
    expected: str = ""
    seen: str = ""
    where: str = ""
    hint: str = ""
    reproduce: str = ""
    seed: str = ""
    tries: int = 1
    seconds: float = 0.0
    log: str = ""


@dataclasses.dataclass
class Report:
    """What came of a submission."""

    lab: object
    submission: str
    results: dict = dataclasses.field(default_factory=dict)   # test name -> Result
    refused: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)     # what was not taken though nothing speaks against it
    complete: bool = True                                     # False: only some tests were asked for
    first_seconds: float = 0.0                                # of the wall clock, to the first verdict
    seconds: float = 0.0                                      # and to the last

    def backing(self, name):
        """The test that backs this one and did not pass, or "". One that was not run takes nothing away."""
        backing = next((test.backed_by for test in self.lab.tests if test.name == name), "")
        return backing if backing in self.results and self.results[backing].verdict != PASS else ""

    def counts(self, name):
        """Does this test earn its points?"""
        return name in self.results and self.results[name].verdict == PASS and not self.backing(name)

    def troubled(self, name):
        """Is it our own trouble that this test, or the one that backs it, has no verdict?"""
        test = next(test for test in self.lab.tests if test.name == name)
        return any(other in self.results and self.results[other].verdict == ERROR for other in (name, test.backed_by))

    def points(self, exercise):
        """Whole points: the share of the tests that count, rounded down. None where that isn't known: an infrastructure error scores nobody,
        nor does a test that wasn't asked for."""
        if self.refused or not exercise.tests:
            return 0
        if any(map(self.troubled, exercise.tests)) or not (self.complete or any(name in self.results for name in exercise.tests)):
            return None
        return exercise.points * sum(map(self.counts, exercise.tests)) // len(exercise.tests)

    @property
    def total(self):
        """Of the lab, or None; where only some tests ran, of these."""
        points = [self.points(exercise) for exercise in self.lab.exercises]
        return None if None in points and self.complete or ERROR in self.verdicts else sum(number or 0 for number in points)

    @property
    def verdicts(self):
        """Of all tests that ran."""
        return [result.verdict for result in self.results.values()]

    @property
    def status(self):
        """The exit status."""
        if ERROR in self.verdicts:
            return STATUS_INFRASTRUCTURE
        if self.refused or FAIL in self.verdicts or not self.verdicts:
            return STATUS_LOST
        return STATUS_ALL if not self.complete or self.total == self.lab.points else STATUS_LOST


def line_of(result):
    """One line, as soon as it is known."""
    return f"  {result.verdict.upper():5} {result.test} ({result.seconds:.1f} s" + (f", {result.tries} tries)" if result.tries > 1 else ")")


def details(result):
    """Why a test did not pass."""
    rows = [("expected", result.expected), ("seen", result.seen), ("where", result.where), ("hint", result.hint), ("again", result.reproduce)]
    return "\n".join([f"{result.test}: {result.verdict}"] + [f"  {name + ':':10}{clean(' '.join(text.split()))}" for name, text in rows if text])


def word(report, name):
    """A verdict as the table shows it."""
    if name not in report.results:
        return "-"
    return report.results[name].verdict + ("*" if report.results[name].verdict == PASS and report.backing(name) else "")


def times(report):
    """How long it took, for whoever waits: nothing is judged by it."""
    return f"first verdict after {report.first_seconds:.1f} s, the last of {len(report.results)} after {report.seconds:.1f} s"


def number(points):
    """Points as the table shows them."""
    return "-" if points is None else points


def table(report):
    """Exercises with their points."""
    rows = [("exercise", "points", "tests")]
    for exercise in report.lab.exercises:
        verdicts = " ".join(f"{name}:{word(report, name)}" for name in exercise.tests)
        rows.append((f"{exercise.id} {exercise.title}", f"{number(report.points(exercise))}/{exercise.points}", verdicts))
    open_end = f"not known: {report.verdicts.count(ERROR)} of the tests ended in trouble of the grader's own; grade again" if report.total is None else ""
    rows.append(("total" if report.complete else "of the tests that ran", f"{number(report.total)}/{report.lab.points}", open_end))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{row[0]:{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]}".rstrip() for row in rows]
    backings = sorted({report.backing(name) for name in report.results if report.results[name].verdict == PASS} - {""})
    if backings:
        lines.append(f"pass*: the guest says so itself, and that earns its points only together with a look from outside: {', '.join(backings)}")
    return "\n".join(lines)


def clean(text):
    """Text that may stand in XML and on a terminal, which would obey an escape: a kernel prints what it likes, and so does an #error."""
    return UNFIT.sub("?", text)


def as_json(report):
    """The schema is documented in README.md; a change of it is a new number."""
    return {
        "schema": SCHEMA, "lab": report.lab.name, "submission": report.submission, "complete": report.complete,
        "points": report.total, "points_max": report.lab.points, "status": report.status, "refused": report.refused, "notes": report.notes,
        "first_seconds": report.first_seconds, "seconds": report.seconds,
        "exercises": [{"id": e.id, "title": e.title, "points": report.points(e), "points_max": e.points, "tests": e.tests}
                      for e in report.lab.exercises],
        "tests": [dataclasses.asdict(result) | {"counts": report.counts(result.test)} for result in report.results.values()],
    }


def as_junit(report):
    """One suite; an infrastructure error is an <error>."""
    suite = ElementTree.Element("testsuite", name=f"koan.{report.lab.name}", tests=str(len(report.verdicts)), time=f"{report.seconds:.3f}",
                                failures=str(report.verdicts.count(FAIL)), errors=str(report.verdicts.count(ERROR)))
    owner = {name: exercise.id for exercise in report.lab.exercises for name in exercise.tests}
    for result in report.results.values():
        case = ElementTree.SubElement(suite, "testcase", name=result.test, time=f"{result.seconds:.3f}",
                                      classname=f"{report.lab.name}.{owner.get(result.test, 'none')}")
        if result.verdict != PASS:
            kind = "failure" if result.verdict == FAIL else "error"
            inner = ElementTree.SubElement(case, kind, message=clean(f"expected {result.expected}; seen {result.seen}"))
            inner.text = clean(details(result))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def write(report, folder):
    """results.json and results.xml in FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(as_json(report), indent=2) + "\n", encoding="utf-8")
    (folder / "results.xml").write_text(as_junit(report) + "\n", encoding="utf-8")
