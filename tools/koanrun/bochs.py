"""Bochs's configuration for one machine: the stricter emulator, and the one with x2APIC.

The serial port is a socket to us (a file is only written out when Bochs ends). Debian builds
Bochs with its debugger in, which stops at the first instruction: a command file says `c`.
The end comes from the guest, by `Shutdown` written to port 0x8900.
"""

import pathlib
import socket
import subprocess

from koanrun import paths
from koanrun.errors import UsageError

SHARE = pathlib.Path("/usr/share/bochs")
CPU = "corei7_skylake_x"
MAX_CPUS = 8
MAX_MEM = 3072


def config(iso, mem, smp, port, log, cpu=CPU):
    """The text of the bochsrc; PORT is where we listen for the serial line."""
    bios = paths.need_file(SHARE / "BIOS-bochs-latest", "install the package bochsbios (make setup does)")
    vga = paths.need_file(SHARE / "VGABIOS-lgpl-latest", "install the package bochs (make setup does)")
    if '"' in str(iso) or "," in str(iso):
        raise UsageError(f"{iso}: Bochs can't take a path with a quote or a comma; move the tree")
    return "\n".join([
        'display_library: rfb, options="timeout=0"',
        f"cpu: model={cpu}, count={smp}, ips=100000000, reset_on_triple_fault=0",
        f"memory: guest={mem}, host={min(mem, 1024)}",
        f'romimage: file="{bios}"',
        f'vgaromimage: file="{vga}"',
        "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14",
        f'ata0-master: type=cdrom, path="{iso}", status=inserted',
        "boot: cdrom",
        "clock: sync=none, time0=utc",
        f"com1: enabled=1, mode=socket-client, dev=127.0.0.1:{port}",
        f'log: "{log}"',
        "sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy",
        "panic: action=fatal",
        "error: action=report",
        "info: action=ignore",
        "debug: action=ignore",
        "",
    ])


def check(mem, smp, firmware):
    """Refuse what this Bochs can't do, before it does something else."""
    if firmware != "bios":
        raise UsageError("--firmware uefi: Bochs starts with its own BIOS only; use --emulator qemu")
    if smp > MAX_CPUS:
        raise UsageError(f"--smp {smp}: Bochs here takes at most {MAX_CPUS} CPUs")
    if mem > MAX_MEM:
        raise UsageError(f"memory {mem} MiB: Bochs here takes at most {MAX_MEM} MiB")


def write_symbols(elf, target):
    """Bochs's symbol file: a line `address name` for each function of the hypervisor."""
    listing = subprocess.run([paths.need_tool("nm", "binutils"), "--defined-only", "-n", str(elf)],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    fields = (line.split() for line in listing.splitlines())
    target.write_text("".join(f"{address} {name}\n" for address, kind, name in fields if kind in "tT"), encoding="ascii")


def command(work, iso, mem, smp, port, interactive=False):
    """Write the files below WORK and give the command line. INTERACTIVE leaves the debugger to the user; it then
    knows the hypervisor's symbols (`lb "domain_crash"`)."""
    program = paths.need_tool("bochs", "bochs")
    work = pathlib.Path(work)
    (work / "bochsrc").write_text(config(iso, mem, smp, port, work / "bochs.log"), encoding="utf-8")
    first = "c\n"
    if interactive:
        write_symbols(paths.KOAN_ELF, work / "symbols")
        first = f'ldsym global "{work / "symbols"}"\n'
    (work / "debugger").write_text(first, encoding="utf-8")
    return [program, "-q", "-f", str(work / "bochsrc"), "-rc", str(work / "debugger")]


def listen():
    """A socket for Bochs's serial line to come to."""
    return socket.create_server(("127.0.0.1", 0))


def accept(listener, process, work):
    """The serial line of a Bochs that has just been started, or a refusal with Bochs's own words."""
    listener.settimeout(0.25)
    for _ in range(120):
        try:
            connection, _ = listener.accept()
            connection.settimeout(None)
            return connection
        except TimeoutError:
            if process.poll() is not None:
                break
    raise UsageError(f"Bochs did not start: {complaint(work) or 'it opened no serial line'}")


def complaint(work):
    """The last panic line of Bochs's own log, for the ending's detail."""
    try:
        lines = (pathlib.Path(work) / "bochs.log").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    panics = [line for line in lines if ">>PANIC<<" in line and "shutdown requested" not in line]
    return panics[-1].strip() if panics else ""
