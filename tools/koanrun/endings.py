"""How a run ended, and the exit status of koan-run that says so.

Koan says it by itself (option end=exit): a code written to QEMU's isa-debug-exit, whose status
is then twice the code plus one, or, in Bochs, a line `KOAN-END <code in hex>` on the serial port.
Real Xen says it in words only.
"""

import dataclasses
import re

# Exit statuses of koan-run.
CLEAN, CRASHED, BAD_USE, PANIC, TIMEOUT = 0, 1, 2, 3, 124

# Koan's end codes (kernel/boot, option end=exit).
END_CODES = {0x10: "clean", 0x11: "crashed", 0x12: "bad-image", 0x13: "panic"}

STATUS = {
    "clean": CLEAN,          # every guest shut down by itself
    "crashed": CRASHED,      # a guest crashed
    "bad-image": BAD_USE,    # Koan refused an image or a line of the boot image
    "emulator": BAD_USE,     # the emulator did not start; detail says why
    "panic": PANIC,          # the hypervisor panicked
    "reset": PANIC,          # the machine reset without a word: a triple fault
    "timeout": TIMEOUT,      # the wall clock's limit
    "budget": TIMEOUT,       # the limit of instructions
    "stopped": TIMEOUT,      # stop() was called before the end
}


WORDS = {
    "clean": "all guests shut down", "crashed": "a guest crashed", "bad-image": "an image was refused",
    "emulator": "the emulator failed", "panic": "the hypervisor panicked", "reset": "the machine reset",
    "timeout": "time-out", "budget": "out of instructions", "stopped": "stopped",
}


@dataclasses.dataclass(frozen=True)
class Ending:
    """kind is a key of STATUS; detail a few words for a person; status what koan-run exits with."""

    kind: str
    detail: str = ""

    @property
    def status(self):
        return STATUS[self.kind]

    def __str__(self):
        return WORDS[self.kind] + (f": {self.detail}" if self.detail else "")


def from_code(code, where):
    """The ending that one of Koan's codes stands for."""
    kind = END_CODES.get(code)
    if kind is None:
        return Ending("emulator", f"{where} ended with a code that Koan doesn't have: {code:#x}")
    return Ending(kind)


def of_koan_in_qemu(status, complaint=""):
    """QEMU's exit status after a run of Koan with end=exit and -no-reboot."""
    if status == 0:
        return Ending("reset", "no word of Koan's before it; a triple fault?")
    if status is not None and status > 1 and status % 2 == 1:
        return from_code(status >> 1, "QEMU")
    return Ending("emulator", complaint or f"QEMU ended with status {status}")


BOCHS_END = re.compile(r"^(?:\(koan\) )?KOAN-END (?:0x)?([0-9a-fA-F]+)\b")  # a guest's line begins with its name


def of_koan_in_bochs(lines, complaint=""):
    """Bochs's status says nothing; the last KOAN-END line does."""
    for line in reversed(lines):
        match = BOCHS_END.match(line)
        if match:
            return from_code(int(match.group(1), 16), "Bochs")
    if not lines:
        return Ending("emulator", complaint or "Bochs ended before the machine printed anything")
    return Ending("reset", complaint or "no word of Koan's before it; a triple fault?")


# Xen 4.17's words, with the kind they stand for. Order matters: a panic outranks all.
XEN_WORDS = [
    (re.compile(r"\(XEN\) Panic on CPU"), "panic"),
    (re.compile(r"\(XEN\) (?:FATAL TRAP|Xen BUG at|Assertion .* failed)"), "panic"),
    (re.compile(r"\(XEN\) Hardware Dom\d+ crashed"), "crashed"),
    (re.compile(r"\(XEN\) Domain 0 (?:crashed|.*watchdog)"), "crashed"),
    (re.compile(r"\(XEN\) Hardware Dom\d+ (?:halted|shutdown)"), "clean"),
    (re.compile(r"\(XEN\) Entering ACPI S5 state"), "clean"),  # a Linux dom0 switches the machine off
]

# Xen panics where it can't build its dom0; that is the image's fault, not Xen's.
XEN_BAD_IMAGE = re.compile(r"\(XEN\) Could not construct domain 0")


def of_xen(lines):
    """What Xen's console said, or None while it has not said anything that ends a run."""
    text = "\n".join(lines)
    for pattern, kind in XEN_WORDS:
        match = pattern.search(text)
        if match:
            if kind == "panic" and XEN_BAD_IMAGE.search(text):
                return Ending("bad-image", "Xen could not build its dom0 from this image")
            line = next(line for line in lines if pattern.search(line))
            return Ending(kind, line.strip())
    return None
