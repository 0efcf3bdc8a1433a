"""What of a submission is taken: the files that the lab lets a student edit, and nothing else. Any other file that was changed,
added or removed is refused by name; so are links of both kinds, devices, pipes, sockets, what can't be read and what is too large.
"""

import os
import pathlib
import stat

from problem import Problem

MAX_FILE = 1 << 20
MAX_LISTED = 20
MAX_ENTRIES = 20_000     # of a submission; a handout has some hundreds
MAX_DEPTH = 32
IGNORED_TOP = {".git", "build"}   # of the student's own machine; never looked into
IGNORED = {"__pycache__"}
GENERATED = {"labs/handout.toml", "labs/handout.mk"}   # differ between handouts; the grader's own are used, always


class TooMuch(Exception):
    """More than anybody needs: nothing of it is taken."""


def shown(name):
    """A name as it may be printed: no control characters, no broken UTF-8."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def walk(root):
    """Relative names of all entries that are no folders, links to folders included, and of folders that can't be read."""
    root = pathlib.Path(root)
    waiting, seen = [("", 0)], 0
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(root / folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            yield folder
            continue
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name in IGNORED or not folder and entry.name in IGNORED_TOP:
                continue
            seen += 1
            if seen > MAX_ENTRIES:
                raise TooMuch(f"more than {MAX_ENTRIES:,} files and folders")
            if not entry.is_dir(follow_symlinks=False):
                yield name
            elif depth + 1 > MAX_DEPTH:
                raise TooMuch(f"{shown(name)[:80]}...: more than {MAX_DEPTH} folders deep")
            else:
                waiting.append((name, depth + 1))


def read_regular(path):
    """The bytes of a regular file, opened without following a link; or why it can't be taken."""
    try:
        kind = os.lstat(path).st_mode
        if not stat.S_ISREG(kind):   # never opened: opening a device or a pipe may do something
            return None, "is a symbolic link" if stat.S_ISLNK(kind) else "is a folder that can't be read" if stat.S_ISDIR(kind) else "is no regular file"
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return None, f"can't be read ({error.strerror})"
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return None, "is no regular file"
        if status.st_size > MAX_FILE:
            return None, f"is larger than {MAX_FILE >> 20} MiB"
        if status.st_nlink > 1:   # it may be somebody else's file, of which an error of the compiler's would show a line
            return None, "is a hard link: hand in a copy"
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
    try:
        names = list(walk(folder))
    except TooMuch as much:
        return {}, [f"the submission: {much}"]
    taken, refused = {}, []
    for name in names:
        data, why = read_regular(folder / name)
        if data is None:
            if not is_same_odd_file(folder / name, base / name):
                refused.append(f"{shown(name)}: {why}")
        elif name in editable:
            taken[name] = data
        elif name in GENERATED:
            continue
        elif (base / name).is_file() and (base / name).read_bytes() == data:
            continue
        elif was_handed_out(name, data):
            notes.append(f"{shown(name)}: is not as it is handed out now; the grader's own is used")
        elif not (base / name).is_file():
            refused.append(f"{shown(name)}: was added, and is none of the files of this lab")
        else:
            refused.append(f"{shown(name)}: was changed, and is none of the files that this lab lets you edit")
    present = set(names)
    notes += [f"{name}: is missing; the grader's own is used" for name in walk(base) if name not in present]
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
    some = refused[:MAX_LISTED] + ([f"... and {len(refused) - MAX_LISTED} more"] if len(refused) > MAX_LISTED else [])
    return "\n".join(f"  {line}" for line in some)
