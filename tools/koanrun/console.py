"""A machine's serial line on this terminal.

Koan prefixes every line with `(NAME) `, its own with `(koan) `. The hypervisor's lines go to
standard error; a guest's to standard output, with the prefix when there are several guests.
On a terminal the keys go to the machine, except Ctrl-A, which introduces koan-run's own.
"""

import contextlib
import os
import select
import sys
import termios
import time

LEAVE_KEYS = b"\x01"   # Ctrl-A
PARTIAL_SECONDS = 0.05  # a line that stands unfinished this long is a prompt: show it
SWITCH = {"koan": "Ctrl-] switches the input between the hypervisor and the guests",
          "xen": "Ctrl-A typed six times switches the input between Xen and its dom0"}


def help_line(hypervisor):
    """How to leave and how to switch."""
    return f"koan-run: Ctrl-A x leaves, {SWITCH[hypervisor]}, Ctrl-A Ctrl-A types a Ctrl-A"


class Display:
    """Shows lines and unfinished lines, each on its stream, without a prefix where there is one guest."""

    def __init__(self, hypervisor, guests, out=None, err=None, builder=False):
        self.hypervisor = {"koan": "(koan) ", "xen": "(XEN) "}[hypervisor]
        self.koan = hypervisor == "koan"
        self.builder = "builder: " if builder else None  # speaks of the guests, like a hypervisor
        self.strip = f"({guests[0]}) " if len(guests) == 1 else None
        self.out, self.err = out or sys.stdout, err or sys.stderr
        self.shown = 0  # characters of the unfinished line that stand on the screen

    def split(self, line):
        """(stream, text to show) of a line."""
        if line.startswith(self.hypervisor) or self.koan and not line.startswith("("):
            return self.err, line  # under Koan every line of a guest has its prefix
        if self.builder and line.startswith(self.builder):
            return self.err, line
        if self.strip and line.startswith(self.strip):
            return self.out, line[len(self.strip):]
        return self.out, line

    def undecided(self, line):
        """Could an unfinished line still turn out to begin with a prefix?"""
        prefixes = [prefix for prefix in (self.hypervisor, self.strip, self.builder) if prefix]
        return any(prefix.startswith(line) for prefix in prefixes)

    def line(self, line):
        """Show a finished line, or what of it is not on the screen yet."""
        stream, text = self.split(line)
        stream.write(text[self.shown:] + "\n")
        stream.flush()
        self.shown = 0

    def partial(self, line):
        """Show an unfinished line as far as it goes."""
        if not line or self.undecided(line):
            return
        stream, text = self.split(line)
        if len(text) > self.shown:
            stream.write(text[self.shown:])
            stream.flush()
            self.shown = len(text)


@contextlib.contextmanager
def raw_keys(descriptor):
    """The terminal gives each key as it is typed; output stays as it was."""
    before = termios.tcgetattr(descriptor)
    raw = termios.tcgetattr(descriptor)
    raw[0] &= ~(termios.ICRNL | termios.INLCR | termios.IXON)
    raw[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
    termios.tcsetattr(descriptor, termios.TCSADRAIN, raw)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class Keys:
    """Splits typed bytes into those for the machine and koan-run's own."""

    def __init__(self):
        self.introduced = False
        self.leave = False
        self.help = False

    def feed(self, typed):
        """The bytes for the machine; sets `leave` and `help`."""
        onward = bytearray()
        for byte in typed:
            if not self.introduced:
                if byte == LEAVE_KEYS[0]:
                    self.introduced = True
                else:
                    onward.append(byte)
                continue
            self.introduced = False
            if byte in b"xX":
                self.leave = True
            elif byte == LEAVE_KEYS[0]:
                onward.append(byte)
            else:
                self.help = True
        return bytes(onward)


def play(machine, display):
    """No terminal: show lines until the end."""
    for line in machine.lines():
        display.line(line)


def forward_keys(machine, keys, descriptor):
    """Take what has been typed to the machine; False when the user leaves."""
    typed = os.read(descriptor, 1024)
    machine.write(keys.feed(typed))
    if keys.help:
        print(help_line(machine.hypervisor), file=sys.stderr, flush=True)
        keys.help = False
    return bool(typed) and not keys.leave


def converse(machine, display, descriptor):
    """A terminal: keys in, lines and unfinished lines out. False when the user left."""
    keys = Keys()
    checked = time.monotonic()
    print(help_line(machine.hypervisor), file=sys.stderr, flush=True)
    with raw_keys(descriptor):
        while machine.ending is None:
            ready, _, _ = select.select([machine, descriptor], [], [], PARTIAL_SECONDS)
            if descriptor in ready and not forward_keys(machine, keys, descriptor):
                return False
            if machine in ready:
                chunk = machine.read(0)
                if chunk == b"":
                    break
                for line in machine.take(chunk or b""):
                    display.line(line)
            elif not ready:
                display.partial(machine.partial)
            if time.monotonic() - checked > 1:
                checked = time.monotonic()
                machine.over_limit()
        for line in machine.lines():  # what is left; sets the ending
            display.line(line)
    return True


def report(machine):
    """A word on standard error where the ending is not a clean one."""
    said = [line for line in machine.preamble if line.strip()][-10:]
    if not machine.output and said:
        print(f"koan-run: {machine.hypervisor} printed nothing; firmware and boot loader said last:", file=sys.stderr)
        for line in said:
            print(f"    {line}", file=sys.stderr)
    if machine.ending.status != 0:
        print(f"koan-run: {machine.ending}", file=sys.stderr, flush=True)


def run(machine, quiet=False):
    """Start the machine, show it to its end, and return the ending; QUIET where the caller explains it."""
    guests = [module.name for module in machine.modules if module.kind == "guest"]
    display = Display(machine.hypervisor, guests, builder=machine.domu)
    descriptor = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
    left = False
    with machine:
        if descriptor is None:
            play(machine, display)
        else:
            left = not converse(machine, display, descriptor)
    if left:
        print("\nkoan-run: left; the machine is gone", file=sys.stderr)
        raise KeyboardInterrupt
    if not (quiet and machine.output):
        report(machine)
    return machine.ending
