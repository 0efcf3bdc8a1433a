#!/usr/bin/python3
"""`make linux`: Debian's stock cloud kernel, unmodified, as a guest of Koan.

The package linux-image-cloud-amd64 is fetched with apt and unpacked below build/linux, never
installed. The kernel must say its own `Linux version` line and get through the set-up of its page
tables, to its `Memory:` line; how far it gets beyond is shown, not judged.
"""

import sys

from check import format_summary
from koanrun import console, debian, paths
from koanrun.errors import UsageError
from koanrun.machine import Machine, Module

FOLDER = paths.BUILD / "linux"
IMAGE = FOLDER / "vmlinuz"
POINTER, PREFIX = "linux-image-cloud-amd64", "linux-image-"
MILESTONES = ("] Linux version 6.1", "] Memory: ")
LIMIT_SECONDS = 240


def fetch():
    """The kernel image; at first use it is fetched."""
    if not IMAGE.is_file():
        with debian.unpacked(debian.dependency(POINTER, PREFIX), FOLDER) as tree:
            images = sorted((tree / "boot").glob("vmlinuz-*"))
            if not images:
                raise UsageError(f"{POINTER}: its package holds no boot/vmlinuz-*; take the package of Debian 12")
            debian.keep(images[0].read_bytes(), IMAGE)
    return IMAGE


def main():
    """Run it, show its lines, judge the milestones."""
    try:
        machine = Machine("koan", [Module(fetch(), "linux", mem=256, cmdline="earlyprintk=xen")], mem=768,
                          timeout=LIMIT_SECONDS)
        console.run(machine, quiet=True)
    except UsageError as error:
        print(f"make linux: {error}", file=sys.stderr)
        print(format_summary(0, len(MILESTONES)))
        return 1
    missed = [words for words in MILESTONES if not any(words in line for line in machine.output)]
    if machine.ending.kind == "panic":
        missed = list(MILESTONES)
    print(f"Debian's kernel {debian.version(FOLDER)} ended so: {machine.ending}")
    for words in missed:
        print(f"make linux: it never said `{words[2:]}`")
    print(format_summary(len(MILESTONES) - len(missed), len(missed)))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
