"""Files out of Debian packages: fetched with apt and unpacked below build/, never installed."""

import contextlib
import os
import subprocess

from koanrun import paths
from koanrun.errors import UsageError


def apt_get(*words, cwd):
    """Run apt-get; returns (it worked, what it said)."""
    done = subprocess.run([paths.need_tool("apt-get", "apt"), *words], cwd=cwd, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode == 0, done.stdout.strip()


def download(package, given, into):
    """The package's file: one that the user put into GIVEN, else fetched by apt into INTO."""
    found = sorted(given.glob(f"{package}_*.deb"))
    if found:
        return found[-1]
    good, said = apt_get("download", package, cwd=into)
    if not good and os.geteuid() == 0:
        # A machine made from an image often comes without apt's lists.
        apt_get("update", cwd=into)
        good, said = apt_get("download", package, cwd=into)
    found = sorted(into.glob(f"{package}_*.deb"))
    if not good or not found:
        raise UsageError(f"apt-get download {package} failed:\n{said}\n"
                         f"Go on line and `apt-get update`, or put {package}_*.deb into {given}/ and start again.")
    return found[-1]


@contextlib.contextmanager
def unpacked(package, folder):
    """The unpacked tree of PACKAGE for as long as the block lasts; FOLDER remembers its version."""
    paths.need_tool("dpkg-deb", "dpkg")
    folder.mkdir(parents=True, exist_ok=True)
    work = paths.work_dir("deb-")
    try:
        file = download(package, folder, work)
        try:
            subprocess.run(["dpkg-deb", "-x", str(file), str(work / "tree")], check=True)
            said = subprocess.run(["dpkg-deb", "-f", str(file), "Version"], check=True, stdout=subprocess.PIPE, text=True)
        except subprocess.CalledProcessError as error:
            raise UsageError(f"{file.name}: dpkg-deb can't unpack it ({error}); fetch it again") from error
        yield work / "tree"
        (folder / "version").write_text(said.stdout, encoding="ascii")
    finally:
        paths.remove_dir(work)


def keep(data, target):
    """Write DATA to TARGET so that two runs at a time never see half a file."""
    aside = target.with_name(f"{target.name}.{os.getpid()}")
    aside.write_bytes(data)
    aside.rename(target)


def version(folder):
    """The version of the package that unpacked() last had for FOLDER, or '?'."""
    try:
        return (folder / "version").read_text(encoding="ascii").strip()
    except OSError:
        return "?"


def dependency(package, prefix):
    """The first package that PACKAGE depends on whose name begins with PREFIX (for packages that only point to one)."""
    done = subprocess.run(["apt-cache", "depends", package], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    for line in done.stdout.splitlines():
        kind, _, name = line.strip().partition(": ")
        if kind == "Depends" and name.startswith(prefix):
            return name
    raise UsageError(f"apt knows no package {prefix}* behind {package}; run: apt-get update")
