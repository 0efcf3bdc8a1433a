"""Where things lie: the tree, build/ below it, and a private folder for each run."""

import os
import pathlib
import shutil
import tempfile

from koanrun.errors import UsageError

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("BUILD", "build")
KOAN_ELF = BUILD / "koan.elf"
CACHE = BUILD / "cache"
RUNS = BUILD / "run"


def work_dir(prefix="run-"):
    """A fresh private folder below build/run; the caller removes it (see remove_dir)."""
    RUNS.mkdir(parents=True, exist_ok=True)
    return pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=RUNS))


def remove_dir(path):
    """Remove a folder of work_dir() with all that is in it; it may be gone already."""
    shutil.rmtree(path, ignore_errors=True)


def need_tool(name, package):
    """The path of a command, or a refusal that names its package."""
    found = shutil.which(name)
    if not found:
        raise UsageError(f"{name}: not found on the PATH; install the package {package} (make setup does)")
    return found


def need_file(path, remedy):
    """The path of a file that must be there, or a refusal with the remedy."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such file; {remedy}")
    return path
