"""From records to a timeline: who ran where and from when to when, and the marks of what happened meanwhile."""

import dataclasses

from tracing.rings import NO_DOMAIN, hypercall_names, merge

EXCEPTIONS = {0: "#DE", 1: "#DB", 3: "#BP", 4: "#OF", 6: "#UD", 7: "#NM", 10: "#TS", 11: "#NP", 12: "#SS", 13: "#GP",
              14: "#PF", 16: "#MF", 17: "#AC", 19: "#XM"}


@dataclasses.dataclass
class Span:
    """A vCPU had a CPU from start to end (ns)."""

    who: tuple
    cpu: int
    start: int
    end: int


@dataclasses.dataclass
class Mark:
    """Something happened on a CPU, to or by a vCPU (None: by the hypervisor alone)."""

    time: int
    cpu: int
    who: tuple | None
    kind: str
    text: str


@dataclasses.dataclass
class Timeline:
    """All of a run. names: the domains' names by id; dropped: older records that a CPU's ring had no room for."""

    spans: list
    marks: list
    names: dict
    dropped: dict
    end: int

    def name(self, who):
        """A vCPU's name: `hello.0`."""
        return f"{self.names.get(who[0], f'domain {who[0]}')}.{who[1]}"

    def vcpus(self):
        """All vCPUs that were seen, in order."""
        return sorted({span.who for span in self.spans} | {mark.who for mark in self.marks if mark.who})


def text_of(record, calls):
    """What a record says, in a few words."""
    texts = {
        "hypercall": lambda: f"{calls.get(record.a, f'hypercall {record.a}')}({record.b:#x})",
        "exception": lambda: f"{EXCEPTIONS.get(record.a, f'exception {record.a}')} at {record.b:#x}",
        "event": lambda: f"event: port {record.b} of domain {record.a}",
        "wake": lambda: f"wakes d{record.a}v{record.b}",
        "type": lambda: f"frame {record.a:#x} becomes type {record.b}",
        "domain": lambda: f"domain {record.a} " + (f"ends ({record.b})" if record.b else "is made"),
    }
    return texts.get(record.kind, lambda: f"{record.kind} {record.a:#x} {record.b:#x}")()


def spans_of(ring, end):
    """One CPU's spans: each lasts until the next switch on that CPU. Before the first switch the records tell who runs."""
    spans, who, since = [], ring.records[0].who if ring.records else None, 0
    since = ring.records[0].time if ring.records else 0
    for record in ring.records:
        if record.kind != "switch":
            continue
        if who and record.time > since:
            spans.append(Span(who, ring.cpu, since, record.time))
        who, since = None if record.a == NO_DOMAIN else (record.a, record.b), record.time
    if who and end > since:
        spans.append(Span(who, ring.cpu, since, end))
    return spans


def build(rings, names):
    """The timeline of a run."""
    records = merge(rings)
    end = records[-1].time if records else 0
    calls = hypercall_names()
    marks = [Mark(record.time, record.cpu, record.who, record.kind, text_of(record, calls))
             for record in records if record.kind != "switch"]
    spans = [span for ring in rings for span in spans_of(ring, end)]
    return Timeline(spans, marks, names, {ring.cpu: ring.dropped for ring in rings}, end)
