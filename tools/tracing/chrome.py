"""The timeline as JSON that Chrome's about:tracing and Perfetto read (the Trace Event Format).

Two groups: `CPUs` with a row for each CPU, and one for each domain with a row for each vCPU. Times are microseconds.
"""

import json

CPUS = 1_000_000  # the group of the CPUs: no domain id is so high


def event(phase, name, group, row, time, **more):
    """One event of the format; time in ns."""
    return {"ph": phase, "name": name, "pid": group, "tid": row, "ts": time / 1000, **more}


def document(timeline):
    """The whole as a dict."""
    events = [event("M", "process_name", CPUS, 0, 0, args={"name": "CPUs"})]
    events += [event("M", "thread_name", CPUS, cpu, 0, args={"name": f"CPU {cpu}"}) for cpu in timeline.dropped]
    for domain, vcpu in timeline.vcpus():
        events.append(event("M", "process_name", domain, 0, 0, args={"name": timeline.names.get(domain, f"domain {domain}")}))
        events.append(event("M", "thread_name", domain, vcpu, 0, args={"name": f"vCPU {vcpu}"}))
    for span in timeline.spans:
        length = (span.end - span.start) / 1000
        events.append(event("X", timeline.name(span.who), CPUS, span.cpu, span.start, dur=length, cat="switch"))
        events.append(event("X", f"on CPU {span.cpu}", *span.who, span.start, dur=length, cat="switch"))
    for mark in timeline.marks:
        group, row = mark.who or (CPUS, mark.cpu)
        events.append(event("i", mark.text, group, row, mark.time, s="t", cat=mark.kind))
    dropped = {f"CPU {cpu}": count for cpu, count in timeline.dropped.items()}
    return {"displayTimeUnit": "ns", "otherData": {"dropped records": dropped}, "traceEvents": events}


def write(timeline, path):
    """Write it to PATH."""
    path.write_text(json.dumps(document(timeline)), encoding="utf-8")
