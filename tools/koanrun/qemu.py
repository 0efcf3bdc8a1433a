"""QEMU's command line for one machine. TCG unless ACCEL says otherwise in the environment."""

import os
import pathlib
import shutil

from koanrun import paths
from koanrun.errors import UsageError

MACHINES = ("pc", "q35")
EXIT_PORT = 0xF4
# The firmware's code and its variable store belong together; Debian 12 has both pairs.
OVMF = [("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
        ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd")]


def firmware_arguments(firmware, work):
    """Nothing for BIOS (SeaBIOS is QEMU's own); OVMF with a private copy of its variables for UEFI."""
    if firmware == "bios":
        return []
    for code, variables in OVMF:
        if pathlib.Path(code).is_file() and pathlib.Path(variables).is_file():
            private = pathlib.Path(work) / "ovmf-vars.fd"
            shutil.copyfile(variables, private)
            return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={comma(code)}",
                    "-drive", f"if=pflash,format=raw,unit=1,file={comma(private)}"]
    raise UsageError("/usr/share/OVMF: no OVMF firmware there; install the package ovmf (make setup does)")


def comma(text):
    """QEMU's options are split at commas; a comma in a value is doubled."""
    return str(text).replace(",", ",,")


def memory_arguments(mem, ram_file, machine):
    """RAM as a private mapping, or as a file that others may map (and look into)."""
    if ram_file is None:
        return ["-m", f"{mem}M", "-machine", machine]
    return ["-m", f"{mem}M", "-object", f"memory-backend-file,id=ram0,size={mem}M,mem-path={comma(ram_file)},share=on",
            "-machine", f"{machine},memory-backend=ram0"]


def command(spec, work, boot):
    """The whole command. spec is a machine.Machine; boot the arguments that name what to start."""
    accel = os.environ.get("ACCEL", "tcg")
    line = [paths.need_tool("qemu-system-x86_64", "qemu-system-x86"), "-nodefaults", "-no-user-config",
            "-accel", accel, "-display", "none", "-vga", "std", "-no-reboot",
            "-cpu", spec.cpu, "-smp", str(spec.smp)]
    line += memory_arguments(spec.mem, spec.ram_file, spec.machine)
    line += firmware_arguments(spec.firmware, work)
    line += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console", "-monitor", "none"]
    line += ["-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4"]
    if spec.icount:
        line += ["-icount", "shift=0,sleep=off" if spec.smp == 1 else "shift=0"]
    if spec.qmp_path:
        line += ["-qmp", f"unix:{comma(spec.qmp_path)},server=on,wait=off"]
    if spec.gdb:
        line += ["-S", "-gdb", str(spec.gdb)]
    return line + list(spec.extra) + list(boot)
