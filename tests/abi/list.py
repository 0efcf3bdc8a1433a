#!/usr/bin/python3
"""Make the list of everything that kernel/abi defines: each number, each struct's size, each field's offset and size.

    list.py KERNEL_DIR OURS_FILE > list.def

The list is an X-macro file: NUM(name) TEXT(name) SIZE(type) FIELD(type, member). It is compiled twice, once with our headers and
once with Xen's (table.h), and the two tables are compared. Because it is made from our headers, no name can be forgotten; a line
that this reader doesn't understand ends the run. OURS_FILE holds the names that Xen's headers don't have, each with its reason;
one that is listed there but defined nowhere is an error, too.
"""

import pathlib
import re
import sys

# How to spell a type or name where Xen's headers name it otherwise.
ARGUMENTS = {"XEN_CPUID_LEAF": "(3)", "XENMEMF_address_bits": "(33)", "XENMEMF_get_address_bits": "(0x1ff)"}


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def defines(text):
    """Names of all macros with a value, but for include guards."""
    text = text.replace("\\\n", " ")
    for name, parameters, value in re.findall(r"^#define +(\w+)(\([\w, ]*\))?[ \t]*(.*)$", text, flags=re.M):
        if value.strip():
            yield name, bool(parameters), value


def members(body, prefix=""):
    """Yield the paths of all fields in the text between the braces of a struct, nested ones after a dot."""
    position = 0
    while True:
        body = body[position:].lstrip()
        if not body:
            return
        nested = re.match(r"(?:struct|union)(?: \w+)?\s*\{", body)
        if nested:
            depth, end = 1, nested.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(body[end], 0)
                end += 1
            names = re.match(r"\s*([\w, ]+);", body[end:])
            if not names:
                sys.exit(f"list.py: nested struct without a name: {body[:80]!r}")
            for name in names[1].split(","):
                yield prefix + name.strip()
                yield from members(body[nested.end() : end - 1], prefix + name.strip() + ".")
            position = end + names.end()
            continue
        plain = re.match(r"(?:struct \w+|\w+)\s+(\w+)(?:\[\w+\])?;", body)
        if not plain:
            sys.exit(f"list.py: don't understand this field: {body[:80]!r}")
        yield prefix + plain[1]
        position = plain.end()


def structs(text):
    """Yield (name, body) of each struct at the top level of a header."""
    for match in re.finditer(r"^struct (\w+) \{\n(.*?)^\}", text, flags=re.S | re.M):
        yield match[1], match[2]


def main():
    kernel, ours_file = sys.argv[1:]
    ours = dict(line.split(None, 1) for line in pathlib.Path(ours_file).read_text().splitlines() if line and line[0] != "#")
    seen = set()
    print("/* Made by tests/abi/list.py. */")
    for header in sorted(pathlib.Path(kernel, "abi").glob("*.h")):
        text = strip_comments(header.read_text())
        print(f"/* {header.name} */")
        for name, is_function, value in defines(text):
            seen.add(name)
            if name in ours:
                continue
            kind = "TEXT" if '"' in value or "PREFIX" in value else "NUM"
            print(f"{kind}({name}{ARGUMENTS[name] if is_function else ''})")
        for name, body in structs(text):
            seen.add(name)
            if name in ours:
                continue
            print(f"SIZE(struct {name})")
            for member in members(body):
                print(f"FIELD(struct {name}, {member})")
        for name in re.findall(r"^typedef .*?(\w+)(?:\[\d+\])?;", text, flags=re.M):
            print(f"SIZE({name})")
    for name in ours.keys() - seen:
        sys.exit(f"list.py: {ours_file} names {name}, which no header defines")


main()
