"""Cut a piece out of the source by its name: never by a line number, so that no slide goes stale in silence.

A tag is `PATH KIND NAME... [from "text"] [to "text"] [comment] [bare] [wide]`:

    kernel/mm/frame.h struct frame               a struct, union or enum, to its closing brace
    kernel/boot/main.c function start_up         a function of C
    kernel/x86/entry.asm label trap_common       NASM: from the label to the next one that is not local
    kernel/mm/addr.h define PTE_P PTE_RW         #define lines, in the order given

`from` and `to` narrow the piece to the lines between two texts of it; `comment` takes the comment above along; `bare` drops comments,
`wide` wraps long ones later.
A function inside a lab's block (`/* LAB 2.3: ... */`, see grading/) is shown without its body: a lecture must not give the lab away. What else
lies in a block is refused, and so is a line of one that was typed into a slide (given_away).
"""

import pathlib
import re
import shlex
import textwrap

TELLING = 20  # characters: a shorter line gives nothing away
WRAP, WIDE = 84, 98  # comments beyond this column are wrapped
KINDS = ("struct", "union", "enum", "function", "label", "define")
LAB_OPEN = re.compile(r"^(?:/\*|;) LAB (\d+\.\d+[a-z]?):")
LAB_END = re.compile(r"^(?:/\*|;) END LAB ")
ASM_BOUNDARY = re.compile(r"^(?:[A-Za-z_]\w*:|global |section |align |extern |bits |STUB |%macro|; ---)")


class SlideError(Exception):
    """What is wrong with a slide: the place comes first, the remedy last."""


def lab_of(lines, first):
    """The id of the lab block that line `first` stands in, or None."""
    for line in reversed(lines[:first]):
        if LAB_END.match(line):
            return None
        if match := LAB_OPEN.match(line):
            return match[1]
    return None


def hidden_of(lines):
    """The lines of a file that no lecture may show: those in the braces of a lab's blocks (in NASM: between the marks), without white space
    around them; what is too short to say anything is left out. {line: id}"""
    hidden, lab, inside = {}, None, False
    for line in lines:
        if match := LAB_OPEN.match(line):
            lab, inside = match[1], line.startswith(";")
        elif LAB_END.match(line):
            lab = None
        elif lab and not inside:
            inside = bool(re.match(r"^(?:\{|\w.*\{)$", line))
        elif lab and line.startswith("}"):
            inside = False
        elif lab and len(line.strip()) >= TELLING:
            hidden[line.strip()] = lab
    return hidden


def given_away(tree, shown):
    """(line, file, id) of each line of `shown` that stands in a lab's block and nowhere else in the sources."""
    files = sorted(file for file in (pathlib.Path(tree) / "kernel").rglob("*") if file.suffix in (".c", ".h", ".asm"))
    texts = [(file, file.read_text(encoding="utf-8").split("\n")) for file in files]
    hidden = {line: (file, lab) for file, lines in texts for line, lab in hidden_of(lines).items()}
    found = [(line.strip(), *hidden[line.strip()]) for line in shown if line.strip() in hidden]
    for _, lines in texts if found else []:
        inside = set(hidden_of(lines))
        elsewhere = {line.strip() for line in lines} - inside
        found = [one for one in found if one[0] not in elsewhere]
    return [(line, file.relative_to(tree), lab) for line, file, lab in found]


def _one(found, what):
    if len(found) != 1:
        raise SlideError(f"{what} stands there {len(found)} times; a tag must name one piece")
    return found[0]


def _until(lines, first, pattern, what):
    for last in range(first, len(lines)):
        if re.match(pattern, lines[last]):
            return last
    raise SlideError(f"{what} has no end")


def find_type(lines, kind, name):
    """(first, last) line of a struct, union or enum."""
    opening = re.compile(rf"^(?:typedef )?{kind} (?:[A-Z]+ )?{re.escape(name)} \{{")
    first = _one([n for n, line in enumerate(lines) if opening.match(line)], f"{kind} {name}")
    return first, _until(lines, first, r"^\}.*;", f"{kind} {name}")


def find_function(lines, name):
    """(first, last) line of a function's definition; the brace stands at the left edge, as clang-format puts it."""
    opening = re.compile(rf"^[A-Za-z].*\b{re.escape(name)}\(")
    found = []
    for n, line in enumerate(lines):
        if opening.match(line):
            head = _until(lines, n, r".*[;{]\s*(?:/\*.*)?$|^\{", f"function {name}")
            if lines[head] == "{":
                found.append((n, head))
    first, head = _one(found, f"function {name}")
    return first, _until(lines, head, r"^\}", f"function {name}")


def find_label(lines, name):
    """(first, last) line of NASM code behind a label."""
    first = _one([n for n, line in enumerate(lines) if line.startswith(f"{name}:")], f"label {name}")
    last = next((n for n in range(first + 1, len(lines)) if ASM_BOUNDARY.match(lines[n])), len(lines)) - 1
    while last > first and (not lines[last].strip() or lines[last].startswith(";")):
        last -= 1
    return first, last


def find_defines(lines, names, width=WRAP):
    """The #define lines of these names; a definition of several lines becomes one where it fits."""
    cut = []
    for name in names:
        first = _one([n for n, line in enumerate(lines) if re.match(rf"#define {re.escape(name)}\b", line)], f"define {name}")
        refuse_lab(lines, first, f"define {name}")
        parts = [lines[first]]
        while parts[-1].endswith("\\"):
            first += 1
            parts[-1] = parts[-1][:-1].rstrip()
            parts.append(lines[first])
        joined = " ".join([parts[0], *(part.strip() for part in parts[1:])])
        fits = len(parts) == 2 or len(joined) <= width
        cut += [joined] if fits else [part + " \\" for part in parts[:-1]] + parts[-1:]
    return cut


def refuse_lab(lines, first, what):
    """Anything but a function has no contract that could be shown in its place."""
    if lab := lab_of(lines, first):
        raise SlideError(f"{what} stands in exercise {lab}, and a lecture must not give it away: show the contract, or something else")


def narrow(cut, start, end):
    """The lines from the first that holds `start` to the next one that holds `end`."""
    if start is not None:
        at = next((n for n, line in enumerate(cut) if start in line), None)
        if at is None:
            raise SlideError(f'no line holds "{start}" any more')
        cut = cut[at:]
    if end is not None:
        at = next((n for n, line in enumerate(cut) if end in line), None)
        if at is None:
            raise SlideError(f'no line holds "{end}" behind the start')
        cut = cut[:at + 1]
    return cut


def drop_comments(cut, asm):
    """Without comments, and without the lines that were nothing else."""
    text = "\n".join(cut)
    bare = re.sub(r"[ \t]*;.*", "", text) if asm else re.sub(r"[ \t]*/\*.*?\*/", "", text, flags=re.DOTALL)
    return [line.rstrip() for line in bare.split("\n") if line.strip()]


def wrap_paragraphs(cut, width):
    """Paragraphs of comments of several lines (` * text`), anew where one of their lines is too wide."""
    wrapped, at = [], 0
    while at < len(cut):
        match = re.match(r"^(\s*)\* (?=\S)", cut[at])
        end = at
        while match and end < len(cut) and re.match(r"^\s*\* (?=\S)", cut[end]):
            end += 1
        if match and max(len(line) for line in cut[at:end]) > width:
            text = " ".join(line.strip()[2:] for line in cut[at:end])
            wrapped += textwrap.wrap(text, width, initial_indent=match[0], subsequent_indent=match[0])
        else:
            end = max(end, at + 1)
            wrapped += cut[at:end]
        at = end
    return wrapped


def wrap_comments(cut, asm, width=WRAP):
    """Comments that would make a line too wide go to lines of their own, above the code."""
    wrapped, cut = [], wrap_paragraphs(cut, width)
    pattern = re.compile(r"^(\s*)(.*?)\s*;\s*(.*)$" if asm else r"^(\s*)(.*?)\s*/\*\s*(.*?)\s*\*/$")
    for line in cut:
        match = pattern.match(line) if len(line) > width else None
        if not match:
            wrapped.append(line)
            continue
        margin, code, comment = match.groups()
        start, end = ("; ", "") if asm else ("/* ", " */")
        parts = textwrap.wrap(comment, width - len(margin) - len(start + end))
        wrapped += [margin + (start if not n or asm else "   ") + part + (end if n + 1 == len(parts) else "")
                    for n, part in enumerate(parts)]
        wrapped += [margin + code] if code else []
    return wrapped


def dedent(cut):
    """Without the white space that all lines begin with."""
    margin = min((len(line) - len(line.lstrip()) for line in cut if line.strip()), default=0)
    return [line[margin:] for line in cut]


def comment_above(lines, first):
    """The line where the comment directly above begins, or `first`."""
    at = first
    if at and lines[at - 1].rstrip().endswith("*/"):
        while at and "/*" not in lines[at - 1]:
            at -= 1
        return at - 1
    while at and lines[at - 1].startswith(";"):
        at -= 1
    return at


def without_body(lines, first, last, lab):
    """A lab's function, as far as a lecture may show it."""
    head = next(n for n in range(first, last + 1) if lines[n] == "{")
    return [*lines[first:head + 1], f"    /* yours to write: exercise {lab} */", "}"]


def parse_tag(text):
    """(path, kind, names, options) of a tag."""
    words = shlex.split(text)
    if len(words) < 3 or words[1] not in KINDS:
        raise SlideError(f"a code tag reads `PATH {'|'.join(KINDS)} NAME`, not `{text}`")
    options, names, rest = {}, [], words[2:]
    while rest:
        word = rest.pop(0)
        if word in ("from", "to"):
            if not rest:
                raise SlideError(f"`{word}` needs a text in quotes")
            options[word] = rest.pop(0)
        elif word in ("comment", "bare", "wide"):
            options[word] = True
        else:
            names.append(word)
    if not names or (len(names) > 1 and words[1] != "define"):
        raise SlideError(f"a code tag names one piece, not {names}")
    return words[0], words[1], names, options


def cut_code(tree, text):
    """(language, lines) of the piece that a tag names; SlideError when it is gone."""
    path, kind, names, options = parse_tag(text)
    file = pathlib.Path(tree) / path
    if not file.is_file():
        raise SlideError(f"{path}: no such file; was it renamed?")
    width = WIDE if "wide" in options else WRAP
    lines, asm = file.read_text(encoding="utf-8").split("\n"), file.suffix == ".asm"
    try:
        if kind == "define":
            return "c", wrap_comments(find_defines(lines, names, width), False, width)
        if kind == "function":
            first, last = find_function(lines, names[0])
        elif kind == "label":
            first, last = find_label(lines, names[0])
        else:
            first, last = find_type(lines, kind, names[0])
        lab = lab_of(lines, first)
        if lab and kind == "label":
            return "x86asm", [lines[first], f"    ; yours to write: exercise {lab}"]
        if lab and kind == "function":
            return "c", without_body(lines, first, last, lab)
        refuse_lab(lines, first, f"{kind} {names[0]}")
        top = comment_above(lines, first) if "comment" in options else first
        cut = narrow(lines[top:last + 1], options.get("from"), options.get("to"))
    except SlideError as problem:
        raise SlideError(f"{path}: {problem}") from None
    if "bare" in options:
        cut = drop_comments(cut, asm)
    return "x86asm" if asm else "c", wrap_comments(dedent(cut), asm, width)
