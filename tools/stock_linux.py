#!/usr/bin/python3
"""`make linux`: Debian's stock kernel, unmodified, as an unprivileged guest of Koan.

    stock_linux.py [FLAVOUR [VCPUS]]     cloud (linux-image-cloud-amd64) or full (linux-image-amd64); 1 vCPU

On a terminal, a shell in it to play with: `exit` or `poweroff -f` ends it. Without one, the test: both flavours with one and with four
vCPUs go through a script of real work, whose answers are judged outside (tests/linux/run.py), one of them once more as a domain that the
builder guest makes, and a shell gets typed to.

Kernel and busybox are fetched with apt and unpacked below build/linux, never installed.
"""

import os
import sys

from koanrun import console, endings, linux, paths
from koanrun.errors import UsageError
from koanrun.machine import Machine, Module

GUEST_MIB, MACHINE_MIB = 256, 768
CASES = ["koan-cloud-1", "koan-cloud-4", "koan-full-1", "koan-full-4", "koan-cloud-4p", "koan-domu-cloud-1", "koan-cloud-shell"]
RUNNER = paths.TREE / "tests" / "linux" / "run.py"


def demo(flavour="cloud", vcpus="1"):
    """The demo on this terminal: the exit status."""
    modules = [Module(linux.kernel(flavour), "linux", GUEST_MIB, int(vcpus), "ramdisk", cmdline="console=hvc0 earlyprintk=xen"),
               Module(linux.ramdisk(), "ramdisk", kind="ramdisk")]
    try:
        return console.run(Machine("koan", modules, mem=MACHINE_MIB, smp=min(int(vcpus), 2))).status
    except KeyboardInterrupt:
        return 0


def main(arguments):
    """Demo or test."""
    if not sys.stdin.isatty():
        os.execv(sys.executable, [sys.executable, str(RUNNER), *CASES])
    try:
        return demo(*arguments)
    except UsageError as error:
        print(f"make linux: {error}", file=sys.stderr)
        return endings.BAD_USE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
