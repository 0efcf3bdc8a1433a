#!/usr/bin/python3
"""`make bochs`: the demo's boot image in Bochs, under Bochs's own debugger.

    bochs_debug.py ISO KOAN_ELF

The debugger has the terminal (`help`, `c` goes on, Ctrl-C stops, `b NAME`, `r`, `info tab`, `q`); it
knows the hypervisor's symbols. Lines of the serial port are shown as they come, behind a bar.
When standard input is no terminal the machine simply runs to its end.
"""

import signal
import subprocess
import sys
import threading

from koanrun import bochs, endings, paths
from koanrun.errors import UsageError
from koanrun.machine import Machine

MEM = 512


def write_symbols(elf, target):
    """Bochs's symbol file: a line `address name` for each function of the hypervisor."""
    listing = subprocess.run([paths.need_tool("nm", "binutils"), "--defined-only", "-n", str(elf)],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    fields = (line.split() for line in listing.splitlines())
    target.write_text("".join(f"{address} {name}\n" for address, kind, name in fields if kind in "tT"), encoding="ascii")


def show_serial(connection, lines):
    """Copy serial lines to the terminal until the machine is gone."""
    with connection, connection.makefile("r", encoding="utf-8", errors="replace", newline="\n") as stream:
        for line in stream:
            lines.append(line.strip("\r\n"))
            print(f"| {lines[-1]}", flush=True)


def run(iso, elf, interactive):
    """Start Bochs and stay until it ends; returns the serial lines."""
    work = paths.work_dir("bochs-")
    lines = []
    try:
        write_symbols(elf, work / "symbols")
        with bochs.listen() as listener:
            command = bochs.command(work, iso, MEM, 1, listener.getsockname()[1], work / "symbols", interactive)
            with subprocess.Popen(command, cwd=work, stdin=None if interactive else subprocess.DEVNULL,
                                  stdout=None if interactive else subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as process:
                try:
                    connection = bochs.accept(listener, process, work)
                    threading.Thread(target=show_serial, args=(connection, lines), daemon=True).start()
                    process.wait()
                finally:
                    process.kill()
    finally:
        paths.remove_dir(work)
    return lines


def main(arguments):
    """Run; the status says how the machine ended, where it came to an end."""
    # Ctrl-C belongs to the debugger, which shares the terminal with us.
    interactive = sys.stdin.isatty()
    if interactive:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("make bochs: the machine is stopped at its first instruction: `c` goes on, Ctrl-C stops, `q` leaves")
    try:
        iso, elf = (paths.need_file(path, "build it: make").resolve() for path in arguments)
        lines = run(iso, elf, interactive)
    except UsageError as error:
        print(f"make bochs: {error}", file=sys.stderr)
        return endings.BAD_USE
    if interactive:
        return 0
    ending = endings.of_koan_in_bochs(lines)
    print(f"make bochs: {ending}")
    return 0 if ending.kind in ("clean", "crashed") else ending.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
