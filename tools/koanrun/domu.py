"""Unprivileged domains through the builder guest (guests/builder), on Koan and on real Xen alike.

The builder is the machine's first domain; its ramdisk is a table of the domains to make, with their files. guests/builder/archive.h
knows the same layout.
"""

import os
import re
import struct

from koanrun import paths
from koanrun.errors import UsageError

BUILDER = paths.BUILD / "guests" / "builder"
NAME = "builder"
MAGIC = 0x736D6F446E616F4B
HEADER = struct.Struct("<QQ")
ENTRY = struct.Struct("<32sQQQQQII1024s")
DOMAINS = 64         # ARCHIVE_DOMAINS
OVERHEAD_MEM = 24    # MiB of the builder beside its ramdisk
PAGES_PER_MIB = 256
LAST_WORDS = re.compile(r"^builder: all domains have ended: (.*)$")
KINDS = {"all shut down cleanly": "clean", "a guest crashed": "crashed", "an image was refused": "bad-image"}


def pack(modules):
    """The builder's ramdisk for these modules (guests as ELF files, and ramdisks that they name)."""
    guests = [module for module in modules if module.kind == "guest"]
    ramdisks = {module.name: module.path for module in modules if module.kind == "ramdisk"}
    if len(guests) > DOMAINS:
        raise UsageError(f"--domu: {len(guests)} guests; the builder makes at most {DOMAINS} domains")
    blobs, places = [], {}
    end = HEADER.size + ENTRY.size * len(guests)

    def place(path):
        """(offset, size) of a file, which is put in once."""
        nonlocal end
        if path not in places:
            data = path.read_bytes()
            start = (end + 4095) & ~4095
            blobs.append(bytes(start - end) + data)
            places[path] = (start, len(data))
            end = start + len(data)
        return places[path]

    entries = []
    for number, module in enumerate(guests, 1):
        cmdline = module.cmdline.encode()
        if len(cmdline) >= 1024:
            raise UsageError(f"{module.name}: a command line of {len(cmdline)} bytes; a guest's has at most 1023")
        ramdisk = place(paths.need_file(ramdisks[module.ramdisk], "name a ramdisk that is there")) if module.ramdisk else (0, 0)
        entries.append(ENTRY.pack(module.name.encode(), *place(paths.need_file(module.path, "name a guest that is there")), *ramdisk,
                                  module.mem * PAGES_PER_MIB, module.vcpus, number, cmdline))
    return HEADER.pack(MAGIC, len(guests)) + b"".join(entries) + b"".join(blobs)


def through_builder(modules, module_type, work, cmdline):
    """The modules to boot instead of these: the builder and its ramdisk, a file below WORK."""
    paths.need_file(BUILDER, "build it: make")
    archive = work / "domains"
    archive.write_bytes(pack(modules))
    mem = OVERHEAD_MEM + (os.stat(archive).st_size >> 20) + sum(module.mem for module in modules if module.kind == "guest") // 256
    return [module_type(BUILDER, NAME, mem, 1, "domains", True, cmdline=cmdline), module_type(archive, "domains", kind="ramdisk")]


def ending_kind(lines):
    """What the builder said last, as a kind of ending; None if it said nothing."""
    for line in reversed(lines):
        found = LAST_WORDS.match(line)
        if found:
            return KINDS.get(found[1])
    return None
