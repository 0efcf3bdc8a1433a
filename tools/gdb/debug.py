#!/usr/bin/python3
"""`make gdb`, `make dump` and `make bochs`: Koan under a debugger.

    debug.py gdb   [--smp N] [--options WORDS] GUEST...   QEMU stopped at its first instruction, GDB attached, Koan's commands loaded
    debug.py dump  [--smp N] [--options WORDS] GUEST...   a core file of a machine: of one that `gdb` runs, else of a new one
    debug.py bochs [--smp N] [--options WORDS] GUEST...   the same boot image in Bochs, at the prompt of its debugger

GUESTs are names below build/guests or paths. `dump` boots GUESTs with end=halt, so that a machine whose guests have ended or whose
hypervisor has panicked stays as it is, waits for its end (or --seconds), and writes build/dump.core.
"""

import argparse
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from koanrun import bochs, errors, paths, qmp  # noqa: E402  (the path comes first)
from koanrun.machine import Machine, Module  # noqa: E402

GUEST_MIB = 64
DUMP_SOCKET = "dump.sock"
CORE = paths.BUILD / "dump.core"
LOG = paths.BUILD / "gdb-console.log"
# A line of Koan's after which a machine with end=halt does nothing more.
LAST_WORDS = ("(koan) all domains have ended", "(koan) The hypervisor has stopped")


def guest_path(word):
    """A guest's image: a path, or a name below build/guests or build/tests/guests."""
    for path in (pathlib.Path(word), paths.BUILD / "guests" / word, paths.BUILD / "tests" / "guests" / word):
        if path.is_file():
            return path.resolve()
    raise errors.UsageError(f"{word}: no such guest; name one of build/guests (make builds them) or a path")


def machine_of(options, **more):
    """The machine with the guests that the user named."""
    modules = [Module(guest_path(word), pathlib.Path(word).name, mem=GUEST_MIB) for word in options.guests]
    return Machine("koan", modules, options.options, smp=options.smp, mem=max(512, 192 + GUEST_MIB * len(modules)), **more)


def free_port():
    """A local TCP port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def gdb_command(guests, *more):
    """GDB with the hypervisor's symbols, the guests', and Koan's commands. Guests overlap: the first one named wins."""
    command = [paths.need_tool("gdb", "gdb"), "-q", "-nx", "-iex", "set confirm off", "-iex", "set pagination off",
               str(paths.KOAN_ELF), "-ex", f"source {HERE / 'koan.py'}"]
    for guest in guests:
        command += ["-ex", f"add-symbol-file {guest_path(guest)}"]
    return command + list(more)


def log_lines(machine):
    """In a thread: keep the serial line, so that the machine never waits for a reader."""
    with open(LOG, "w", encoding="utf-8") as log:
        for line in machine.lines():
            log.write(line + "\n")
            log.flush()


def run_gdb(options):
    """`make gdb`."""
    port = free_port()
    with machine_of(options, gdb=f"tcp:127.0.0.1:{port}", qmp=False,
                    extra=["-qmp", f"unix:{DUMP_SOCKET},server=on,wait=off"]) as machine:
        reader = threading.Thread(target=log_lines, args=(machine,), daemon=True)
        reader.start()
        print("The machine stands before its first instruction; its serial line goes to build/gdb-console.log.\n"
              "Try: hbreak domain_crash, continue, koan domains, koan vcpus, help koan. `make dump` in another terminal\n"
              "writes a dump of this machine. In code of the firmware GDB knows no symbols.", flush=True)
        status = subprocess.call(gdb_command(options.guests, "-ex", f"target remote 127.0.0.1:{port}"))
    return status


def running_machine():
    """The folder of a machine that `make gdb` runs, or None."""
    for path in sorted(paths.RUNS.glob(f"*/{DUMP_SOCKET}"), key=os.path.getmtime, reverse=True):
        try:
            qmp.Qmp(path.parent, DUMP_SOCKET, timeout=5).close()
            return path.parent
        except qmp.QmpError:
            continue
    return None


def write_core(connection, target):
    """Have QEMU write its memory, by the page tables of the first CPU: GDB then reads virtual addresses from it."""
    partial = pathlib.Path(f"{target}.part")
    connection.command("dump-guest-memory", paging=True, protocol=f"file:{partial}")
    partial.replace(target)


def watch_to_end(machine, seconds):
    """Show the lines of a machine until Koan's last words, or until SECONDS have passed."""
    limit = time.monotonic() + seconds
    seen = False
    while time.monotonic() < limit and not seen:
        chunk = machine.read()
        if chunk == b"":
            raise errors.UsageError("the machine is gone before its dump; give --options end=halt")
        for line in machine.take(chunk or b""):
            print(line, flush=True)
            seen = seen or line.startswith(LAST_WORDS)
    return seen


def run_dump(options):
    """`make dump`."""
    folder = running_machine()
    if folder:
        print(f"dumping the machine of `make gdb` ({folder})")
        connection = qmp.Qmp(folder, DUMP_SOCKET)
        write_core(connection, CORE)
        connection.close()
    else:
        options.options = f"{options.options} end=halt".strip()
        with machine_of(options, qmp=True) as machine:
            ended = watch_to_end(machine, options.seconds)
            print("dumping the machine " + ("at its end" if ended else f"as it is after {options.seconds} s"))
            write_core(machine.qmp, CORE)
    print(f"written: {CORE}\nlook at it: gdb {paths.KOAN_ELF} {CORE} -ex 'source {HERE / 'koan.py'}'")
    return 0


def show_serial(connection):
    """In a thread: a serial line on standard output, each line behind a bar."""
    with connection, connection.makefile("r", encoding="utf-8", errors="replace", newline="\n") as stream:
        for line in stream:
            print("| " + line.strip("\r\n"), flush=True)


def run_bochs(options):
    """`make bochs`: the debugger has the terminal, serial lines are shown in between."""
    machine = machine_of(options, emulator="bochs")
    bochs.check(machine.mem, machine.smp, machine.firmware)
    interactive = sys.stdin.isatty()
    if interactive:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the debugger
        print("Bochs stands before the machine's first instruction. c goes on, Ctrl-C stops, lb \"domain_crash\" sets a breakpoint,\n"
              "r shows registers, page ADDRESS walks the page tables, help lists the rest, q leaves.", flush=True)
    work = paths.work_dir("bochs-")
    try:
        with bochs.listen() as listener:
            command = bochs.command(work, machine.boot_iso(work / "boot.iso"), machine.mem, machine.smp,
                                    listener.getsockname()[1], interactive)
            with subprocess.Popen(command, cwd=work, stdin=None if interactive else subprocess.DEVNULL,
                                  stdout=None if interactive else subprocess.DEVNULL) as process:
                try:
                    connection = bochs.accept(listener, process, work)
                    threading.Thread(target=show_serial, args=(connection,), daemon=True).start()
                    process.wait()
                finally:
                    process.kill()
    finally:
        paths.remove_dir(work)
    return 0


def main(arguments):
    """See the head of this file."""
    parser = argparse.ArgumentParser(prog="debug.py")
    parser.add_argument("what", choices=("gdb", "dump", "bochs"))
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--options", default="", help="words for Koan's command line")
    parser.add_argument("--seconds", type=float, default=20, help="dump: how long to wait for the end of the machine")
    parser.add_argument("guests", nargs="+")
    options = parser.parse_args(arguments)
    try:
        return {"gdb": run_gdb, "dump": run_dump, "bochs": run_bochs}[options.what](options)
    except (errors.UsageError, qmp.QmpError) as error:
        print(f"make {options.what}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
