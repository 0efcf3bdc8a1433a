"""Just enough of C's grammar to tell the functions of a file apart: no preprocessor, no types.

Works on text as clang-format leaves it. masked() blanks what is no code, at the same places, so that a search in the masked
text gives positions in the real one.
"""

import dataclasses
import re

_NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_TRAILING_COMMENT = re.compile(r"[ \t]*(?:/\*.*?\*/[ \t]*(?=\n|$)|//[^\n]*)", re.DOTALL)
_LEADING_COMMENTS = re.compile(r"(?:\s*(?:/\*.*?\*/|//[^\n]*))*\s*", re.DOTALL)
_WORD = re.compile(r"\b[A-Za-z_]\w*\b")
_TAG = re.compile(r"\b(?:struct|union|enum)\s+\w+")
_FUNCTION_POINTER = re.compile(r"\(\s*\*\s*(?:const\s+)?(\w+)")
_ATTRIBUTE = re.compile(r"\b[A-Z_]+\s*\([^()]*\)|__attribute__\s*\(\(.*?\)\)")


def masked(text):
    """The text with comments, strings and character constants blanked, line ends kept."""
    return _NO_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def words(text):
    """The identifiers of some code, without the tags of structs."""
    return set(_WORD.findall(_TAG.sub(" ", masked(text))))


@dataclasses.dataclass
class Piece:
    """Something at the top level of a file: a function, or a declaration, a table, a line of the preprocessor."""

    text: str        # all of it, comments before it included
    comment: str     # those comments
    code: str        # the rest
    name: str        # of the function or object; "" when it has none
    is_static: bool
    signature: str   # of a function, without its brace; "" for anything else
    parameters: tuple

    @property
    def is_function(self):
        return bool(self.signature)


def _piece_ends(mask):
    """The positions behind each top-level piece."""
    ends, depth, start, at = [], 0, 0, 0
    while at < len(mask):
        char = mask[at]
        if char == "#" and depth == 0 and not mask[start:at].strip():
            while at < len(mask) and (mask[at] != "\n" or mask[at - 1] == "\\"):
                at += 1
            ends.append(at)
            start = at
        elif char in "{(":
            depth += 1
        elif char in "})":
            depth -= 1
            # A brace that closes a function ends it; that of a table or a struct is followed by ";".
            if char == "}" and depth == 0 and mask[start:mask.index("{", start)].rstrip().endswith(")"):
                ends.append(at + 1)
                start = at + 1
        elif char == ";" and depth == 0:
            ends.append(at + 1)
            start = at + 1
        at += 1
    return ends


def _parameter_name(text):
    pointer = _FUNCTION_POINTER.search(text)
    if pointer:
        return pointer[1]
    found = _WORD.findall(text.split("[")[0])
    return found[-1] if len(found) > 1 or "*" in text else ""


def _split_list(text):
    """Split at the commas that stand in no parentheses."""
    parts, depth, part = [], 0, ""
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    return [*parts, part]


def _function_parts(signature):
    """(name, parameters) of a masked signature that ends in its list of parameters."""
    depth, at = 0, len(signature.rstrip()) - 1
    end = at
    while at >= 0:
        depth += (signature[at] == ")") - (signature[at] == "(")
        if depth == 0:
            break
        at -= 1
    names = _WORD.findall(signature[:at])
    parameters = (_parameter_name(part) for part in _split_list(signature[at + 1:end]))
    return (names[-1] if names else ""), tuple(name for name in parameters if name)


def _object_name(mask):
    """The name that a declaration or a table defines."""
    head = re.sub(r"\{.*?\}", " ", _ATTRIBUTE.sub(" ", mask), flags=re.DOTALL)
    found = _WORD.findall(re.split(r"[\[=;(]", head, maxsplit=1)[0])
    return found[-1] if len(found) > 1 else ""


def _piece(text):
    comment = _LEADING_COMMENTS.match(text).group()
    code = text[len(comment):]
    mask = masked(code)
    head = mask[:mask.index("{")] if "{" in mask else ""
    is_static = bool(re.match(r"(?:[A-Z_]+\s+)*static\b", mask))
    if head.rstrip().endswith(")") and not mask.startswith("#"):
        name, parameters = _function_parts(head)
        return Piece(text, comment.strip(), code, name, is_static, code[:len(head)].rstrip(), parameters)
    name = "" if mask.startswith(("#", "static_assert")) else _object_name(mask)
    return Piece(text, comment.strip(), code, name, is_static, "", ())


def pieces(text):
    """All top-level pieces of some C text, in order."""
    mask, start, found = masked(text), 0, []
    for end in _piece_ends(mask):
        if end < start:
            continue
        trailing = _TRAILING_COMMENT.match(text, end)
        end = trailing.end() if trailing else end
        if text[start:end].strip():
            found.append(_piece(text[start:end]))
        start = end
    return found


def static_objects(text):
    """name -> its pieces, for functions and objects that only this file sees and that a compiler misses when nobody uses them."""
    found = {}
    for piece in pieces(text):
        if piece.is_static and piece.name and not re.search(r"\binline\b", piece.signature):
            found.setdefault(piece.name, []).append(piece)
    return found
