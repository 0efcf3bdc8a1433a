"""What of a submission is taken: the files that the lab lets a student edit, and nothing else. Any other file that was changed,
added or removed is refused by name; so are symbolic links, devices and what is too large.
"""

import os
import pathlib
import stat

from problem import Problem

MAX_FILE = 1 << 20
MAX_LISTED = 20
IGNORED = {".git", "build", "__pycache__"}   # of the student's own machine; never looked into
IGNORED_SUFFIXES = (".pyc",)
GENERATED = {"labs/handout.toml", "labs/handout.mk"}   # differ between handouts; the grader's own are used, always


def walk(root):
    """Relative names of all entries that are no folders, links to folders included."""
    for folder, names, files in os.walk(root):
        here = pathlib.Path(folder)
        links = [name for name in names if (here / name).is_symlink()]
        names[:] = sorted(name for name in names if name not in IGNORED and name not in links)
        for name in sorted(files + links):
            if not name.endswith(IGNORED_SUFFIXES) and not (name in IGNORED and name in files):
                yield (here / name).relative_to(root).as_posix()


def read_regular(path):
    """The bytes of a regular file, opened without following a link; or why it can't be taken."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return None, "is a symbolic link" if path.is_symlink() else f"can't be read ({error.strerror})"
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return None, "is no regular file"
        if status.st_size > MAX_FILE:
            return None, f"is larger than {MAX_FILE >> 20} MiB"
        return file.read(MAX_FILE + 1), ""


def collect(folder, base, editable, was_handed_out=lambda name, data: False, notes=None):
    """(files, refusals): what is taken, name -> bytes, and a line for each thing that is refused.

    BASE is the tree that the student was given; EDITABLE the names that may differ from it. was_handed_out(name, data): is that the
    file as an earlier handout had it? Then the grader's newer one is used, and `notes` gets a line, as for files that are missing.
    """
    notes = [] if notes is None else notes
    folder, base = pathlib.Path(folder), pathlib.Path(base)
    if not folder.is_dir():
        raise Problem(str(folder), "is no folder", "SUBMISSION= names a student's tree")
    taken, refused, seen = {}, [], set()
    for name in walk(folder):
        seen.add(name)
        data, why = read_regular(folder / name)
        if data is None:
            if not is_same_odd_file(folder / name, base / name):
                refused.append(f"{name}: {why}")
        elif name in editable:
            taken[name] = data
        elif name in GENERATED:
            continue
        elif (base / name).is_file() and (base / name).read_bytes() == data:
            continue
        elif was_handed_out(name, data):
            notes.append(f"{name}: is of an earlier handout; the grader's own is used")
        elif not (base / name).is_file():
            refused.append(f"{name}: was added, and is none of the files of this lab")
        else:
            refused.append(f"{name}: was changed, and is none of the files that this lab lets you edit")
    for name in walk(base):
        if name not in seen:
            notes.append(f"{name}: is missing; the grader's own is used")
    return taken, sorted(refused)


def is_same_odd_file(path, given):
    """A large file or a link that the handout itself holds, unchanged."""
    if path.is_symlink() or given.is_symlink():
        return path.is_symlink() and given.is_symlink() and os.readlink(path) == os.readlink(given)
    if not (path.is_file() and given.is_file()) or path.stat().st_size != given.stat().st_size:
        return False
    with open(path, "rb") as a, open(given, "rb") as b:
        while chunk := a.read(1 << 16):
            if chunk != b.read(1 << 16):
                return False
    return True


def explain(refused):
    """Refusals or notes as text."""
    shown = refused[:MAX_LISTED] + ([f"... and {len(refused) - MAX_LISTED} more"] if len(refused) > MAX_LISTED else [])
    return "\n".join(f"  {line}" for line in shown)
