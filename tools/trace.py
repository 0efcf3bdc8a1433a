#!/usr/bin/python3
"""`make trace`: run guests with trace points on, and write a timeline of what happened.

    trace.py [options] GUEST[:KEY=VALUE,...]...     guests below build/guests, or paths; keys: mem (MiB), vcpus, name, args,
                                                    options (more of Koan's words for this guest: options=weight=512 cap=50);
                                                    `linux` is Debian's stock kernel, with args=work=1 at work until it powers off

Writes DIR/trace.html (one self-contained page) and DIR/trace.json (for Chrome's about:tracing and Perfetto); with --svg a stretch of it
as a figure that stands still, for slides and texts, and with --text as lines of text. The rings are
read out of the machine's memory when it has ended, or after --limit instructions; a ring that was full says how much it dropped.
"""

import argparse
import mmap
import pathlib
import sys

from koanrun import endings, linux, paths
from koanrun.errors import UsageError
from koanrun.machine import Machine, Module
from tracing import chrome, figure, page, strip, timeline
from tracing.rings import TraceError, domain_names, read_rings

KEYS = ("mem", "vcpus", "name", "args", "options")
KINDS = "switch,hypercall,exception,event,wake,domain"
LIMIT_SECONDS = 600
LEAST_MIB, KOAN_MIB = 512, 128   # of the machine; what of it isn't the guests'
LINUX, LINUX_MIB, LINUX_ARGS = "linux", 256, "console=hvc0 earlyprintk=xen"


def guest(text, seen):
    """A Module from GUEST[:KEY=VALUE,...]."""
    name, _, keys = text.partition(":")
    stock = name == LINUX
    path = linux.kernel("cloud") if stock else pathlib.Path(name) if "/" in name else paths.BUILD / "guests" / name
    values = dict(mem=LINUX_MIB if stock else 32, vcpus=1, name=LINUX if stock else "", args="", options="")
    for word in filter(None, keys.split(",")):
        key, equals, value = word.partition("=")
        if key not in KEYS or not equals or not (key not in ("mem", "vcpus") or value.isdigit()):
            raise UsageError(f"{text}: {word!r} is no key=value of mem (MiB), vcpus, name, args, options")
        values[key] = int(value) if key in ("mem", "vcpus") else value
    base = values["name"] or path.name
    seen[base] = seen.get(base, 0) + 1
    called = base if seen[base] == 1 else f"{base}{seen[base]}"
    return Module(paths.need_file(path, "build it: make"), called, mem=values["mem"], vcpus=values["vcpus"], ramdisk="ramdisk" if stock else None,
                  cmdline=f"{LINUX_ARGS} {values['args']}" if stock else values["args"], options=values["options"])


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0], fromfile_prefix_chars="@",
                                     epilog="@FILE: a word of this command line from each line of it that doesn't begin with #")
    parser.convert_arg_line_to_args = lambda line: [] if line.startswith("#") else [line]
    parser.add_argument("guests", nargs="+", metavar="GUEST")
    parser.add_argument("--kinds", default=KINDS, help="what to record (default: %(default)s)")
    parser.add_argument("--pages", type=int, default=200, help="pages of records a CPU, 128 each (default: %(default)s)")
    parser.add_argument("--smp", type=int, default=1, help="host CPUs (default: %(default)s)")
    parser.add_argument("--options", default="", help="more words for Koan's command line")
    parser.add_argument("--limit", type=int, default=2_000_000_000, help="stop after so many instructions (default: %(default)s)")
    parser.add_argument("--dir", type=pathlib.Path, default=paths.BUILD / "trace", help="where to write (default: build/trace)")
    parser.add_argument("--svg", type=pathlib.Path, help="a figure of it, too")
    parser.add_argument("--window", type=figure.parse_window, metavar="A-B", help="the stretch that the figure shows (40ms-140ms; default: all)")
    parser.add_argument("--text", action="store_true", help="print that stretch as lines of text, too")
    return parser.parse_args()


def run(args):
    """Boot, read the rings; returns the timeline and how the machine ended."""
    seen = {}
    modules = [guest(text, seen) for text in args.guests]
    args.dir.mkdir(parents=True, exist_ok=True)
    ram_file = args.dir.resolve() / "ram"  # the emulator may run elsewhere
    options = f"trace={args.kinds} trace_pages={args.pages} {args.options}".strip()
    mem = max(LEAST_MIB, sum(module.mem for module in modules) + KOAN_MIB)
    if any(module.ramdisk for module in modules):
        modules.append(Module(linux.ramdisk(), "ramdisk", kind="ramdisk"))
    machine = Machine("koan", modules, options, mem=mem, smp=args.smp, icount=True, ram_file=ram_file,
                      timeout=LIMIT_SECONDS, budget=args.limit)
    try:
        with machine:
            for line in machine.lines():
                print(line, flush=True)
        with open(ram_file, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as ram:
            rings = read_rings(ram, machine.output)
    finally:
        ram_file.unlink(missing_ok=True)
    return timeline.build(rings, domain_names(machine.output)), machine.ending


def main():
    """Returns the exit status: 0, or 2 for bad use, or 1 when there is nothing to show."""
    args = arguments()
    try:
        result, ending = run(args)
    except UsageError as error:
        print(f"make trace: {error}", file=sys.stderr)
        return endings.BAD_USE
    except TraceError as error:
        print(f"make trace: {error}", file=sys.stderr)
        return 1
    page.write(result, "Koan: " + " ".join(args.guests), args.dir / "trace.html")
    chrome.write(result, args.dir / "trace.json")
    try:
        if args.svg:
            figure.write(result, args.window, args.svg)
        if args.text:
            print("\n".join(strip.lines(result, args.window)))
    except ValueError as error:
        print(f"make trace: {error}", file=sys.stderr)
        return 1
    dropped = sum(result.dropped.values())
    print(f"{ending}\n{len(result.spans)} stretches on a CPU, {len(result.marks)} marks, {dropped} dropped: "
          f"{args.dir / 'trace.html'}, {args.dir / 'trace.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
