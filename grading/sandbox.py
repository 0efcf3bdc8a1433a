"""Strangers' code runs in bubblewrap: no network, the system read-only, a private /tmp, and of the rest of the disk only the
folders that are named. Limits on time, memory and file size hold for every process inside.

Only compilers and the emulator run in it; what the student wrote runs in the emulator alone.
"""

import dataclasses
import os
import resource
import select
import signal
import subprocess
import time

from koanrun import paths

CPU_SECONDS = 120
MEMORY = 4 << 30
FILE_SIZE = 256 << 20
OUTPUT = 1 << 20
WALL_SECONDS = 600
SYSTEM = ["--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
          "--symlink", "usr/sbin", "/sbin", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--proc", "/proc", "--dev", "/dev",
          "--tmpfs", "/tmp"]


@dataclasses.dataclass
class Done:
    """How a command ended. `limit` names the limit that it broke, or is empty."""

    status: int
    output: str
    limit: str = ""


def prefix(folder, writable=(), readable=(), home=None):
    """The words before a command. FOLDER is where it runs; it and WRITABLE may be written.
    HOME: the path that FOLDER has inside, when its own would tell something."""
    words = [paths.need_tool("bwrap", "bubblewrap"), "--unshare-all", "--die-with-parent", *SYSTEM]
    for path in readable:
        words += ["--ro-bind", str(path), str(path)]
    for path in writable:
        words += ["--bind", str(path), str(path)]
    inside = home or str(folder)
    return words + ["--bind", str(folder), inside, "--chdir", inside, "--clearenv", "--setenv", "PATH", "/usr/bin:/bin",
                    "--setenv", "LC_ALL", "C.UTF-8", "--setenv", "HOME", "/tmp"]


def limits(cpu=CPU_SECONDS, memory=MEMORY, size=FILE_SIZE):
    """For preexec_fn: what every process inside inherits."""
    def apply():
        os.setsid()
        for kind, value in ((resource.RLIMIT_CPU, cpu), (resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, size),
                            (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, 512), (resource.RLIMIT_NOFILE, 256)):
            soft, hard = resource.getrlimit(kind)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))
    return apply


def run(command, folder, *, home="/submission", wall=WALL_SECONDS, cpu=CPU_SECONDS):
    """Run a command in the sandbox, to its end or a limit."""
    process = subprocess.Popen(prefix(folder, home=home) + list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, preexec_fn=limits(cpu))
    deadline, output, limit = time.monotonic() + wall, b"", ""
    while not limit:
        if select.select([process.stdout], [], [], 1)[0]:
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            output += chunk
        if len(output) > OUTPUT:
            limit = f"more than {OUTPUT >> 20} MiB of output"
        elif time.monotonic() > deadline:
            limit = "wall"
    if limit:
        os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    return Done(process.wait(), output[:OUTPUT].decode("utf-8", "replace"), limit)
