"""One emulated machine with a hypervisor and its guests: the part that runners import.

    from koanrun.machine import Machine, Module

    with Machine("koan", [Module("build/guests/hello")], timeout=60) as machine:
        for line in machine.lines():     # from the hypervisor's first line on
            print(line)
    print(machine.ending.kind, machine.ending.status)

The rules:
- start() makes the boot image and starts the emulator; lines() yields the serial lines until the
  machine ends, a limit is passed, or stop() is called; then `ending` (endings.Ending) says how it ended.
- Two limits: `timeout` in seconds of the wall clock (a broken machine), `budget` in instructions
  (a verdict that is the same on every machine; needs icount=True and QEMU).
- An emulator never outlives its Machine: leaving the `with` block, stop(), or the death of the
  Python process (of the thread, to be exact) kills it. Its folder below build/run goes with it.
- Lines of firmware and boot loader come before the hypervisor's first and are kept in `preamble`.
"""

import ctypes
import dataclasses
import os
import re
import select
import shutil
import signal
import subprocess
import time

from koanrun import bochs, domu, endings, images, iso, paths, qemu, qmp, xen
from koanrun.errors import UsageError

DEFAULT_CPU = {"koan": "max,-smap", "xen": "max,-smap,-smep", "native": "max,-smap,-smep"}
FIRST_LINE = {"koan": "(koan) ", "xen": "(XEN) ", "native": ""}
# Xen's last words: what follows them is five seconds of waiting, or nothing for ever.
XEN_LAST = re.compile(r"\(XEN\).*(?:Reboot in five seconds|Manual reset required|rebooting machine|halting machine)")
BUILDERS_LINE = f"({domu.NAME}) "
ANSI = re.compile(rb"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][0-9A-B]|[=>78cDEHM])")
POLL_SECONDS = 0.25


@dataclasses.dataclass
class Module:
    """One boot module. kind "guest" (path may be a bzImage) or "ramdisk"."""

    path: object
    name: str = "guest"
    mem: int = 64               # MiB
    vcpus: int = 1
    ramdisk: str | None = None  # the name of a module of kind "ramdisk"
    privileged: bool = False
    console: bool = True
    cmdline: str = ""
    kind: str = "guest"
    cpus: str | None = None     # the host CPUs that it may have, as Koan's cpus= takes them
    options: str = ""           # further key=value words of Koan's module2 line: weight=512 cpus=0

    def keys(self):
        """The key=value pairs of the module2 line."""
        if self.kind == "ramdisk":
            return [("name", self.name), ("kind", "ramdisk")]
        pairs = [("name", self.name), ("mem", f"{self.mem}M"), ("vcpus", str(self.vcpus))]
        if self.ramdisk:
            pairs.append(("ramdisk", self.ramdisk))
        if self.privileged:
            pairs.append(("privileged", "yes"))
        if self.cpus is not None:
            pairs.append(("cpus", self.cpus))
        pairs += [tuple(word.split("=", 1)) for word in self.options.split()]
        return pairs + [("console", "yes" if self.console else "no")]


def die_with_parent():
    """In the child, before exec: SIGKILL when the parent's thread is gone, and a session of its own,
    so that a Ctrl-C at the terminal reaches the runner only."""
    os.setsid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Machine:
    """See the head of this file.

    hypervisor  "koan" or "xen" (Debian's 4.17; the first guest is its dom0, the first ramdisk its initrd), or "native": the guest
                is a bzImage and has the machine to itself, for comparison
    modules     list of Module, guests and ramdisks
    domu        True: the builder guest makes all of them, as unprivileged domains
    builder     the builder's command line
    options     words for the hypervisor's command line (Koan gets console=com1 end=exit besides, unless given)
    mem, smp, cpu, machine, firmware ("bios", "uefi"), emulator ("qemu", "bochs"): the machine; mem in MiB
    icount      one instruction is one nanosecond of guest time: figures and budgets repeat exactly
    ram_file    RAM as this shared file (made here, removed by the caller)
    gdb         where QEMU's GDB stub listens ("tcp::1234"); the machine then starts stopped
    qmp         True: `machine.qmp` (qmp.Qmp) is there after start()
    timeout, budget: the two limits, or None
    koan_elf    another hypervisor image than build/koan.elf
    extra       more arguments for QEMU
    """

    def __init__(self, hypervisor, modules, options="", *, mem=512, smp=1, cpu=None, machine="pc",
                 firmware="bios", emulator="qemu", icount=False, ram_file=None, gdb=None, qmp=False,
                 timeout=None, budget=None, koan_elf=None, extra=(), domu=False, builder=""):
        if hypervisor not in FIRST_LINE:
            raise UsageError(f"hypervisor {hypervisor!r}: koan, xen or native")
        if budget is not None and not (icount and emulator == "qemu"):
            raise UsageError("a budget of instructions needs icount=True and QEMU")
        self.hypervisor, self.modules, self.options = hypervisor, list(modules), options
        self.mem, self.smp, self.machine, self.firmware = mem, smp, machine, firmware
        self.cpu = cpu or DEFAULT_CPU[hypervisor]
        self.emulator, self.icount, self.ram_file, self.gdb = emulator, icount, ram_file, gdb
        self.timeout, self.budget, self.extra = timeout, budget, list(extra)
        self.domu, self.builder = domu, builder
        self.koan_elf = koan_elf or paths.KOAN_ELF
        self.work = None
        self.process = None
        self.qmp = None
        self.qmp_path = "qmp.sock" if (qmp or budget is not None) and emulator == "qemu" else None
        self.ending = None
        self.preamble = []   # lines before the hypervisor's first
        self.output = []     # lines from there on
        self._listener = None
        self._socket = None
        self._buffer = b""
        self._deadline = None
        self._complaint = ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # --- start ----------------------------------------------------------------------------------

    def start(self):
        """Make the boot image and start the emulator. UsageError if it can't be had."""
        self.work = paths.work_dir()
        try:
            self._make_ram_file()
            command = self._bochs_command() if self.emulator == "bochs" else self._qemu_command()
            # Its standard output is the serial line under QEMU, the debugger's chatter under Bochs.
            chatter = self.emulator == "bochs"
            with open(self.work / "stdout", "wb") as stdout, open(self.work / "stderr", "wb") as stderr:
                self.process = subprocess.Popen(
                    command, cwd=self.work, stdin=subprocess.DEVNULL if chatter else subprocess.PIPE,
                    stdout=stdout if chatter else subprocess.PIPE, stderr=stderr, bufsize=0,
                    preexec_fn=die_with_parent)
            if self.timeout is not None:
                self._deadline = time.monotonic() + self.timeout
            self._connect()
        except BaseException:
            self.stop()
            raise

    def _make_ram_file(self):
        if self.ram_file is not None:
            if self.emulator == "bochs":
                raise UsageError("RAM as a shared file: QEMU only; leave it out or use --emulator qemu")
            with open(self.ram_file, "wb") as file:
                file.truncate(self.mem << 20)

    def _boot_modules(self):
        """The modules with every guest as a file that the hypervisor can load."""
        modules = [dataclasses.replace(module, path=images.elf_of(module.path)) if module.kind == "guest" else
                   dataclasses.replace(module, path=paths.need_file(module.path, "name a ramdisk that is there"))
                   for module in self.modules]
        return domu.through_builder(modules, Module, self.work, self.builder) if self.domu else modules

    def _xen_modules(self):
        """Xen unpacks its dom0 by itself."""
        return self._boot_modules() if self.domu else self.modules

    def boot_iso(self, target):
        """Write the boot image of this machine (Koan only) to TARGET."""
        if self.hypervisor != "koan":
            raise UsageError("a boot image is made for Koan only; Xen starts by QEMU's -kernel")
        kernel = paths.need_file(self.koan_elf, "build it: make")
        return iso.make(target, kernel, self.koan_options(), [(m.path, m.keys(), m.cmdline) for m in self._boot_modules()])

    def koan_options(self):
        """The given options, and those which every run of ours has unless they are given."""
        given = {word.partition("=")[0] for word in self.options.split()}
        defaults = [word for word in ("console=com1", "end=exit") if word.partition("=")[0] not in given]
        return " ".join([self.options] * bool(self.options) + defaults)

    def _qemu_command(self):
        if self.hypervisor == "xen":
            modules = self._xen_modules()
            guests = [module for module in modules if module.kind == "guest"]
            ramdisks = [module.path for module in modules if module.kind == "ramdisk"]
            if len(guests) != 1 or len(ramdisks) > 1:
                raise UsageError("--on xen: Xen starts one guest, its dom0, with at most one ramdisk; name one, or use --domu")
            images.kind(guests[0].path)
            options = f"{self.options} dom0_mem={guests[0].mem}M,max:{guests[0].mem}M" if self.domu else self.options
            boot = xen.boot_arguments(guests[0], ramdisks[0] if ramdisks else None, options, self.work)
            if self.firmware != "bios":
                raise UsageError("--on xen --firmware uefi: Xen starts by QEMU's -kernel here, from BIOS only")
        elif self.hypervisor == "native":
            boot = self._native_arguments()
        else:
            boot = ["-cdrom", str(self.boot_iso(self.work / "boot.iso")), "-boot", "d"]
        return qemu.command(self, self.work, boot)

    def _native_arguments(self):
        """QEMU starts a Linux by itself."""
        files = {module.kind: module.path for module in self.modules}
        ramdisk = ["-initrd", str(files["ramdisk"])] if "ramdisk" in files else []
        return ["-kernel", str(files["guest"]), "-append", self.modules[0].cmdline, *ramdisk]

    def _bochs_command(self):
        if self.hypervisor == "xen":
            raise UsageError("--on xen --emulator bochs: Xen starts by QEMU's -kernel here; use --emulator qemu")
        bochs.check(self.mem, self.smp, self.firmware)
        self._listener = bochs.listen()
        port = self._listener.getsockname()[1]
        return bochs.command(self.work, self.boot_iso(self.work / "boot.iso"), self.mem, self.smp, port)

    def _connect(self):
        """Bochs's serial line, QEMU's QMP."""
        if self._listener:
            with self._listener:
                self._socket = bochs.accept(self._listener, self.process, self.work)
        if self.qmp_path:
            self.qmp = self._open_qmp()

    def _open_qmp(self):
        """QEMU makes its socket a little after it starts."""
        for _ in range(int(30 / POLL_SECONDS) * 10):
            if self.process.poll() is not None:
                return None  # _finish() will tell why
            try:
                return qmp.Qmp(self.work, self.qmp_path)
            except qmp.QmpError:
                time.sleep(POLL_SECONDS / 10)
        raise UsageError(f"QEMU opened no QMP socket: {self._read_complaint()}")

    # --- while it runs --------------------------------------------------------------------------

    def fileno(self):
        """What to select() on for output."""
        return (self._socket or self.process.stdout).fileno()

    def write(self, data):
        """Type bytes into the serial line."""
        try:
            if self._socket:
                self._socket.sendall(data)
            else:
                self.process.stdin.write(data)
        except OSError:
            pass  # the machine is gone; the reader will see it

    def read(self, wait=POLL_SECONDS):
        """Bytes of the serial line; b"" at its end, None when nothing came within WAIT seconds."""
        if not select.select([self], [], [], wait)[0]:
            return None
        try:
            return os.read(self.fileno(), 65536)
        except OSError:
            return b""

    def over_limit(self):
        """Set `ending` and say True once a limit has been passed."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.ending = endings.Ending("timeout", f"no end within {self.timeout} s")
        elif self.budget is not None and self.qmp is not None:
            try:
                spent = self.qmp.instructions()
            except qmp.QmpError:
                return False  # it has just ended
            if spent > self.budget:
                self.ending = endings.Ending("budget", f"no end within {self.budget:,} instructions")
        return self.ending is not None

    def lines(self):
        """Yield serial lines from the hypervisor's first on, without line ends; sets `ending` at the end."""
        checked = time.monotonic()
        while self.ending is None:
            chunk = self.read()
            if chunk == b"":
                break
            yield from self.take(chunk or b"")
            if time.monotonic() - checked > POLL_SECONDS:
                checked = time.monotonic()
                if self.over_limit():
                    break
        yield from self.take(b"\n" if self._buffer else b"")
        self._finish()

    def take(self, chunk):
        """Keep CHUNK and return the lines that it completes (after the preamble)."""
        *complete, self._buffer = (self._buffer + chunk).split(b"\n")
        fresh = []
        for raw in complete:
            line = self._clean(raw)
            if self.domu and line.startswith(BUILDERS_LINE):
                line = line[len(BUILDERS_LINE):]  # Koan's prefix; what follows is as on Xen
            if not self.output and FIRST_LINE[self.hypervisor] not in line:
                self.preamble.append(line)
                continue
            if not self.output:
                line = line[line.index(FIRST_LINE[self.hypervisor]):]  # GRUB may leave its cursor in a line
            self.output.append(line)
            fresh.append(line)
            if self.hypervisor == "xen" and XEN_LAST.search(line):
                self.ending = endings.of_xen(self.output)
        return fresh

    @property
    def partial(self):
        """The unfinished line at the end of what has come so far."""
        return self._clean(self._buffer).removeprefix(BUILDERS_LINE if self.domu else "") if self.output else ""

    @staticmethod
    def _clean(raw):
        """A line as text, without carriage returns and the boot loader's cursor movements."""
        return ANSI.sub(b"", raw.replace(b"\r", b"")).decode("utf-8", "replace")

    def wait(self):
        """Run to the end; returns `ending`."""
        for _ in self.lines():
            pass
        return self.ending

    # --- the end --------------------------------------------------------------------------------

    def _read_complaint(self):
        """What the emulator has to complain about."""
        if self.emulator == "bochs" and self.work:
            return bochs.complaint(self.work)
        try:
            return (self.work / "stderr").read_text(errors="replace").strip()
        except (OSError, TypeError):
            return ""

    @property
    def complaint(self):
        """The emulator's own words on its standard error (a warning about the CPU model, say)."""
        return self._complaint or self._read_complaint()

    def _finish(self):
        """Classify the ending of a machine whose serial line is at its end, and clean up."""
        if self.ending is None:
            try:
                status = self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                status = None
            complaint = self._read_complaint()
            if self.hypervisor == "xen":
                self.ending = endings.of_xen(self.output) or (
                    endings.Ending("emulator", complaint or "QEMU did not start") if status else
                    endings.Ending("reset", "no word of Xen's before it; a triple fault?"))
            elif self.hypervisor == "native":
                self.ending = endings.Ending("clean") if status == 0 else endings.Ending("emulator", complaint)
            elif self.emulator == "bochs":
                self.ending = endings.of_koan_in_bochs(self.output, complaint)
            else:
                self.ending = endings.of_koan_in_qemu(status, complaint)
        if self.domu and self.ending.kind == "clean":
            said = domu.ending_kind(self.output)
            self.ending = endings.Ending(said) if said else endings.Ending("crashed", "the builder did not finish")
        self.stop()

    def stop(self):
        """Kill the emulator, if it still runs, and remove its folder. May be called at any time, twice too."""
        if self.qmp:
            self.qmp.close()
            self.qmp = None
        if self.process:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            self._complaint = self._complaint or self._read_complaint()
            for stream in (self.process.stdin, self.process.stdout):
                if stream:
                    stream.close()
        for connection in (self._socket, self._listener):
            if connection:
                connection.close()
        self._socket = self._listener = None
        if self.ending is None and self.process:
            self.ending = endings.Ending("stopped", "stopped before its end")
        if self.work:
            shutil.rmtree(self.work, ignore_errors=True)
