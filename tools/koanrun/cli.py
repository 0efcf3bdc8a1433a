"""koan-run's command line: options in, one Machine run on this terminal, exit status out."""

import argparse
import os
import pathlib
import re
import signal
import socket
import sys

from koanrun import console, endings, images, qemu
from koanrun.errors import UsageError
from koanrun.machine import Machine, Module

EPILOG = """exit status: 0 all guests shut down cleanly, 1 a guest crashed, 2 bad use or bad image,
3 the hypervisor panicked, 124 time-out. Guests write to standard output, the hypervisor to
standard error. With a terminal as standard input the console is interactive."""

DEFAULT_MEM = {"elf": 64, "bzimage": 256}
# What the machine has besides its guests: hypervisor, boot modules as GRUB loads them, firmware.
OVERHEAD_MEM, LEAST_MEM = 192, 512  # the builder of --domu is in the overhead
GDB_PORT = 1234
NAME_LENGTH = 31  # kernel/domain: NAME_LEN less the NUL
RESERVED_NAMES = {"koan", "XEN"}


def positive(text):
    """An argparse type: a whole number from 1 on."""
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return value


def seconds(text):
    """An argparse type: a number of seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def parser():
    """The options, as README.md tells them."""
    made = argparse.ArgumentParser(prog="koan-run", description="Boot any 64-bit PV kernel image, ours or anybody's, on Koan or on real Xen.", epilog=EPILOG, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    add = made.add_argument
    add("--on", choices=("koan", "xen"), default="koan",
        help="the hypervisor: Koan, or Debian's Xen 4.17 with GUEST as its dom0 (fetched below build/xen at first use)")
    add("--dom0", action="store_true", help="the first guest is privileged (on Xen it always is)")
    add("--domu", action="store_true",
        help="the guests are made by the builder guest, as unprivileged domains, on Koan and on Xen alike")
    add("--mem", type=positive, metavar="N", help="MiB for each guest (default 64; 256 for a bzImage)")
    add("--vcpus", type=positive, default=1, metavar="N", help="virtual CPUs of each guest (default 1)")
    add("--ramdisk", metavar="F", help="a ramdisk for each guest")
    add("--cmdline", default="", metavar="S", help="the command line of each guest")
    add("--smp", type=positive, default=1, metavar="N", help="CPUs of the machine (default 1)")
    add("--cpu", metavar="M", help="QEMU's CPU model (default max,-smap; on Xen max,-smap,-smep)")
    add("--machine", choices=qemu.MACHINES, default="pc", help="QEMU's machine (default pc)")
    add("--firmware", choices=("bios", "uefi"), default="bios", help="default bios")
    add("--emulator", choices=("qemu", "bochs"), default="qemu", help="default qemu")
    add("--timeout", type=seconds, metavar="S", help="end after S seconds with status 124 (default: no limit)")
    add("--icount", action="store_true", help="an instruction is a nanosecond: the run repeats exactly (QEMU)")
    add("--gdb", action="store_true", help="start stopped and wait for GDB on a local port (QEMU)")
    add("guests", nargs="+", metavar="GUEST", help="a 64-bit PV kernel: ELF or bzImage")
    return made


def guest_names(paths):
    """A name for each guest: from its file name, in characters that Koan takes, no two alike."""
    names = []
    for path in paths:
        base = re.sub(r"[^A-Za-z0-9_-]", "-", pathlib.Path(path).name)[:NAME_LENGTH].strip("-") or "guest"
        name, number = base, 2
        while name in names or name in RESERVED_NAMES:
            suffix = f"-{number}"
            name, number = base[:NAME_LENGTH - len(suffix)] + suffix, number + 1
        names.append(name)
    return names


def modules_of(options):
    """The boot modules that the options ask for."""
    modules = []
    for number, (path, name) in enumerate(zip(options.guests, guest_names(options.guests))):
        mem = options.mem or DEFAULT_MEM[images.kind(path)]
        modules.append(Module(path, name, mem, options.vcpus, "ramdisk" if options.ramdisk else None,
                              options.dom0 and number == 0, True, options.cmdline))
    if options.ramdisk:
        modules.append(Module(options.ramdisk, "ramdisk", kind="ramdisk"))
    return modules


def machine_mem(modules):
    """MiB for the machine: all guests, their files once more, and the overhead."""
    guests = sum(module.mem for module in modules if module.kind == "guest")
    try:
        files = sum(os.stat(module.path).st_size for module in modules) >> 20
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}; name a file that can be read") from error
    return max(LEAST_MEM, guests + 4 * files + OVERHEAD_MEM)


def xen_options(options):
    """What the options mean on Xen's command line."""
    given = []
    if options.domu:
        return ""  # they are the guests', not dom0's
    if options.mem:
        given.append(f"dom0_mem={options.mem}M,max:{options.mem}M")
    if options.vcpus > 1:
        given.append(f"dom0_max_vcpus={options.vcpus}")
    return " ".join(given)


def free_port(wanted):
    """WANTED if nobody has it, else any free one."""
    for port in (wanted, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as server:
                return server.getsockname()[1]
        except OSError:
            continue
    raise UsageError("no free local TCP port for GDB; end another program and try again")


def machine_of(options, **more):
    """The Machine that the options ask for."""
    modules = modules_of(options)
    if options.domu and options.dom0:
        raise UsageError("--dom0 and --domu: the builder is the privileged domain; take one of them off")
    if options.emulator == "bochs" and (options.icount or options.gdb or options.cpu):
        raise UsageError("--emulator bochs: has no --icount, --gdb or --cpu; take them off, or use QEMU "
                         "(make bochs has Bochs's own debugger)")
    gdb = f"tcp:127.0.0.1:{free_port(GDB_PORT)}" if options.gdb else None
    return Machine(options.on, modules, xen_options(options) if options.on == "xen" else "",
                   mem=machine_mem(modules), smp=options.smp, cpu=options.cpu, machine=options.machine,
                   firmware=options.firmware, emulator=options.emulator, icount=options.icount, gdb=gdb,
                   timeout=options.timeout, domu=options.domu, **more)


def on_terminate(*_):
    """SIGTERM ends the run as Ctrl-C does: the emulator goes first."""
    raise SystemExit(128 + signal.SIGTERM)


def drop_bad_images(options):
    """Take out the guests that are no images, each with its line; the others run all the same. True if there were any."""
    if options.on == "xen" and not options.domu or len(options.guests) == 1:
        return False
    good = []
    for path in options.guests:
        try:
            images.elf_of(path)
            good.append(path)
        except UsageError as error:
            print(f"koan-run: {error}", file=sys.stderr)
    bad = len(good) < len(options.guests)
    if not good:
        raise UsageError("none of the guests can be started")
    options.guests = good
    return bad


def main(arguments):
    """Run, and return the exit status."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, on_terminate)
    try:
        some_bad = drop_bad_images(options)
        machine = machine_of(options)
        if machine.gdb:
            print(f"koan-run: the machine waits: gdb build/koan.elf -ex 'target remote {machine.gdb[4:]}'",
                  file=sys.stderr, flush=True)
        status = console.run(machine).status
        return endings.BAD_USE if some_bad and status == 0 else status
    except UsageError as error:
        print(f"koan-run: {error}", file=sys.stderr)
        return endings.BAD_USE
    except BrokenPipeError:
        # Nobody reads any more (`koan-run guest | head`): no complaint, but no success either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
