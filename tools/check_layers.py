#!/usr/bin/python3
"""The layers of kernel/: a file includes only from its own row or from rows above it.

    lib, abi  |  x86  |  mm  |  domain  |  hypercall  |  debug  |  boot

Two doors need no rule of their own: panic, assert and trace are declared in lib/, and x86/
calls upward through functions that x86/upcalls.h itself declares. Files that stand right in
kernel/ (the offsets for assembly) belong to the build and may look everywhere. From outside
the tree come only the headers that a freestanding compiler brings.
"""

import pathlib
import re
import sys

from check import format_summary

ROWS = [("lib", "abi"), ("x86",), ("mm",), ("domain",), ("hypercall",), ("debug",), ("boot",)]
ROW_OF = {folder: row for row, folders in enumerate(ROWS) for folder in folders}
FREESTANDING = {"float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h",
                "stdint.h", "stdnoreturn.h"}
HOSTED = {"lib": {"string.h"}}
SOURCES = ("*.c", "*.h", "*.asm", "*.inc", "*.S")
INCLUDE = re.compile(r'^\s*[#%]\s*include\s*(["<])([^">]+)[">]')


def complaint(folder, bracket, name):
    """Why FOLDER may not include NAME, or None."""
    if bracket == "<":
        if name not in FREESTANDING | HOSTED.get(folder, set()):
            return f"<{name}> is no header of a freestanding compiler; write what you need in lib/"
        return None
    if "/" not in name:
        # What the build generates stands on the include path without a folder.
        return None if name.endswith(".inc") else f'"{name}": say the folder, as in "{folder}/{name}"'
    target = name.split("/", 1)[0]
    if target not in ROW_OF:
        return f'"{name}": {target}/ is no layer of kernel/'
    if ROW_OF[target] > ROW_OF[folder]:
        return (f'"{name}": {target}/ stands below {folder}/; declare what you call in x86/upcalls.h or move it'
                if folder == "x86" else f'"{name}": {target}/ stands below {folder}/; move one of the two')
    return None


def violations(kernel):
    """(number of files looked at, [place: why]) for a kernel/ folder."""
    kernel = pathlib.Path(kernel)
    found, files = [], 0
    for path in sorted(path for pattern in SOURCES for path in kernel.rglob(pattern)):
        folder = path.relative_to(kernel).parts[0]
        files += 1
        if path.parent == kernel:
            continue
        if folder not in ROW_OF:
            found.append(f"{path}: {folder}/ is no layer of kernel/; see tools/check_layers.py")
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            why = match and complaint(folder, *match.groups())
            if why:
                found.append(f"{path}:{number}: {why}")
    return files, found


def main(kernel="kernel"):
    """Print what breaks the rule, and the summary."""
    files, found = violations(kernel)
    for line in found:
        print(line)
    if not files:
        print(f"{kernel}: no source file there")
    failed = len(found) or int(not files)
    print(format_summary(int(not failed), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
