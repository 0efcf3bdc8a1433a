"""Strangers' code runs in bubblewrap: no network, the system read-only, a private /tmp, and of the rest of the disk only the
folders that are named. Limits on time, memory and file size hold for every process inside.

Only compilers and the emulator run in it; what the student wrote runs in the emulator alone.
"""

import dataclasses
import glob
import os
import resource
import select
import signal
import subprocess
import time

from koanrun import paths
from koanrun.errors import UsageError

CPU_SECONDS = 60
MEMORY = 1 << 30
FILE_SIZE = 32 << 20
OUTPUT = 1 << 20
WALL_SECONDS = 600
PROBE_SECONDS = 30
ASLEEP_LOOKS = 15   # a second apart: nobody inside does anything, and nobody will
CLEAN = ("/usr/bin/env", "-i", "PATH=/usr/bin:/bin")
SYSTEM = ["--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
          "--symlink", "usr/sbin", "/sbin", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--proc", "/proc",
          "--dev-bind", "/dev/null", "/dev/null", "--tmpfs", "/tmp"]


@dataclasses.dataclass
class Done:
    """How a command ended. `limit` names the limit that it broke, or is empty."""

    status: int
    output: str
    limit: str = ""


def prefix(folder, writable=(), readable=(), home=None):
    """The words before a command. FOLDER is where it runs; it and WRITABLE may be written.
    HOME: the path that FOLDER has inside, when its own would tell something; bubblewrap is then to be started in FOLDER."""
    # bubblewrap is process 1 inside: its own environment and words can be read there.
    words = [*CLEAN, paths.need_tool("bwrap", "bubblewrap"), "--unshare-all", "--die-with-parent", *SYSTEM]
    for path in readable:
        words += ["--ro-bind", str(path), str(path)]
    for path in writable:
        words += ["--bind", str(path), str(path)]
    inside = home or str(folder)
    return words + ["--bind", "." if home else str(folder), inside, "--chdir", inside, "--clearenv", "--setenv", "PATH", "/usr/bin:/bin",
                    "--setenv", "LC_ALL", "C.UTF-8", "--setenv", "HOME", "/tmp"]


# What bubblewrap says when it can't begin: what is missing, and the remedy.
TROUBLES = (
    ("setting up uid map", "user namespaces are forbidden to programs (AppArmor or a setting of the kernel)",
     "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), or an AppArmor profile for /usr/bin/bwrap that allows userns"),
    ("No permissions to creat", "user namespaces are forbidden to programs",
     "as root: sysctl -w kernel.unprivileged_userns_clone=1 (Debian before 11), user.max_user_namespaces above 0; "
     "in a container: start it with --security-opt seccomp=unconfined, or --privileged"),
    ("proc", "the system refuses a fresh /proc in a namespace, as in most containers",
     "start the container with --security-opt systempaths=unconfined --security-opt seccomp=unconfined, or --privileged"),
    ("Creating new namespace failed", "the system refuses new namespaces",
     "as root: sysctl -w user.max_user_namespaces=10000; in a container: --security-opt seccomp=unconfined, or --privileged"),
    ("Operation not permitted", "the system refuses mounts in a namespace",
     "in a container: start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined, or --privileged"),
)
_probed = None


def explain_trouble(said):
    """bubblewrap's own words, with what is missing and the remedy."""
    for word, missing, remedy in TROUBLES:
        if word in said:
            return f"no sandbox: {missing}; {remedy}. bubblewrap says: {said}"
    return f"no sandbox, and so no grading of a stranger's code; bubblewrap says: {said or 'nothing'}"


def probe():
    """Does the sandbox work here? "" or what is missing and the remedy; tried once."""
    global _probed
    if _probed is None:
        try:
            words = [paths.need_tool("bwrap", "bubblewrap"), "--unshare-all", "--die-with-parent", *SYSTEM, "/usr/bin/true"]
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS, check=False)
            said = done.stderr.decode("utf-8", "replace").strip()[-400:]
            _probed = "" if done.returncode == 0 else explain_trouble(said)
        except UsageError as error:
            _probed = str(error)
        except subprocess.TimeoutExpired:
            _probed = f"no sandbox: bubblewrap did not come back within {PROBE_SECONDS} s"
    return _probed


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


def _processes(session):
    """What /proc says of each process of a session, from its state on (proc(5), stat)."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue   # it has just ended
        if int(fields[3]) == session:
            yield fields


def all_asleep(session):
    """Does every process of a session wait for another one, or for ever? Who has work, or waits for the disk, does not."""
    states = {fields[0] for fields in _processes(session)}
    return bool(states) and states <= {"S", "Z"}


def cpu_seconds(session):
    """The CPU time that a session's processes have used."""
    return sum(int(fields[11]) + int(fields[12]) for fields in _processes(session)) / os.sysconf("SC_CLK_TCK")


def run(command, folder, *, home="/submission", wall=WALL_SECONDS, cpu=CPU_SECONDS):
    """Run a command in the sandbox, to its end or a limit."""
    process = subprocess.Popen(prefix(folder, home=home) + list(command), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, preexec_fn=limits(cpu))
    deadline, output, limit, asleep = time.monotonic() + wall, b"", "", 0
    while not limit:
        if select.select([process.stdout], [], [], 1)[0]:
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            output += chunk
        else:
            asleep = asleep + 1 if all_asleep(process.pid) else 0
        if len(output) > OUTPUT:
            limit = f"more than {OUTPUT >> 20} MiB of output"
        elif asleep >= ASLEEP_LOOKS:
            limit = "it waits for something that never comes: what does the file read?"
        elif time.monotonic() > deadline:
            limit = "wall"
    if limit:
        os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    return Done(process.wait(), output[:OUTPUT].decode("utf-8", "replace"), limit)
