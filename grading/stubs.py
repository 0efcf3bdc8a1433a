"""What stands in a block until the student has written it.

In C each function that code outside the block needs keeps its comment and its signature, and panics with the lab's id, the
file and the task. Everything else of the block goes: helpers, tables, macros. Objects and functions of the file that nobody
else uses are named in the stub, so that no compiler warns of them.
"""

import re

import csource
import marks
from problem import Problem

INCLUDE = '#include "lib/lab.h"'
ASM_EXTERN = "extern lab_todo"
_LABEL = re.compile(r"^([A-Za-z_]\w*):", re.MULTILINE)
_MACRO = re.compile(r"(?:^;[^\n]*\n)*^%macro (\w+) [^\n]*\n", re.MULTILINE)


def todo_call(block_id):
    """How the call of an unwritten block begins: by it a block is known to be unwritten."""
    return f'lab_todo("{block_id}"'


def _quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _c_function(block, piece, unused):
    lines = [piece.comment] if piece.comment else []
    lines += [piece.signature, "{"]
    lines += [f"    (void){name};" for name in (*piece.parameters, *unused)]
    lines += [f'    {todo_call(block.id)}, __FILE__, {_quoted(block.task)});', "}"]
    return "\n".join(lines)


def _orphans(block, kept_text):
    """Static functions and objects that nothing but stubbed code uses, and that this block used."""
    used = csource.words(block.body)
    found = []
    for name, definitions in csource.static_objects(kept_text).items():
        rest = kept_text
        for piece in definitions:
            rest = rest.replace(piece.code, "", 1)
        if name in used and name not in csource.words(rest):
            found.append(name)
    return found


def _c_stub(block, chosen, kept_text, named):
    """The C stub; `named` collects the objects that another stub of the file has named already."""
    others = set().union(*(csource.words(other.body) for other in chosen if other is not block))
    used = csource.words(kept_text)
    functions = [piece for piece in csource.pieces(block.body)
                 if piece.is_function and (not piece.is_static or piece.name in used or piece.name in others)]
    if not functions:
        raise Problem(f"{block.file}:{block.mark + 1}", f"LAB {block.id} holds no function that code outside of it needs",
                      "widen the block to the function that calls these")
    # Helpers of other blocks that this one called are functions nobody calls, too, until this one is written.
    helpers = [piece.name for other in chosen if other is not block for piece in csource.pieces(other.body)
               if piece.is_function and piece.is_static and piece.name not in used]
    unused = [name for name in _orphans(block, kept_text) if name not in named]
    unused += [name for name in helpers if name in csource.words(block.body) and name not in named]
    named.update(unused)
    return "\n" + "\n\n".join(_c_function(block, piece, unused if piece is functions[0] else ()) for piece in functions) + "\n"


def asm_macros(block):
    """(name, head) of the macros of a NASM block; the head is the comment before it and its first line, which a handout keeps."""
    return [(found[1], found[0].rstrip()) for found in _MACRO.finditer(block.body + "\n")]


def _asm_stub(block, kept_text):
    """The NASM stub: labels that others jump to, and macros that others use, end in the call."""
    code = "\n".join(line.split(";", 1)[0] for line in kept_text.splitlines())
    labels = [label for label in _LABEL.findall(block.body) if re.search(rf"\b{label}\b", code)]
    own = f"lab_{block.id.replace('.', '_')}"
    macros = [f"{head}\n    jmp {own}\n%endmacro\n" for name, head in asm_macros(block) if re.search(rf"\b{name}\b", code)]
    if not labels and not macros:
        raise Problem(f"{block.file}:{block.mark + 1}", f"LAB {block.id} holds no label that code outside of it needs",
                      "widen the block to the label that others jump to")
    task = block.task.replace("'", "`")
    return "\n" + "\n".join(macros + [
        f"{label}:\n    cld\n    lea rdi, [rel .lab_id]\n    lea rsi, [rel .lab_file]\n    lea rdx, [rel .lab_task]\n"
        f"    call lab_todo\n.lab_id: db '{block.id}', 0\n.lab_file: db '{block.file}', 0\n.lab_task: db '{task}', 0\n"
        for label in labels or [own]])


def _add_line(lines, is_asm):
    """Put the declaration of lab_todo where the file's own inclusions end (or its first `extern` stands)."""
    depth, last = 0, None
    for at, line in enumerate(lines):
        word = line.split()[0] if line.split() else ""
        depth += word in ("#if", "#ifdef", "#ifndef")
        depth -= word == "#endif"
        guard = 1 if any(text.startswith("#ifndef KOAN_") for text in lines[:at + 1]) else 0
        if not is_asm and word == "#include" and depth <= guard:
            last = at
        if is_asm and word in ("extern", "%include"):
            last = at
    lines.insert(0 if last is None else last + 1, ASM_EXTERN if is_asm else INCLUDE)


def stubbed(text, file, ids):
    """The file's text with the blocks of these ids replaced by stubs."""
    chosen = [block for block in marks.find(text, file) if block.id in ids]
    if not chosen:
        return text
    is_asm = file.endswith(".asm")
    lines = text.split("\n")
    for block in reversed(chosen):
        lines[block.mark:block.end + 1] = []
    kept_text, named = "\n".join(lines), set()
    bodies = {block.id: _asm_stub(block, kept_text) if is_asm else _c_stub(block, chosen, kept_text, named) for block in chosen}
    lines = text.split("\n")
    for block in reversed(chosen):
        lines[block.first:block.end] = bodies[block.id].split("\n")
    _add_line(lines, is_asm)
    return "\n".join(lines)
