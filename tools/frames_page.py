"""The picture of frame owners and types: runs of like frames, a legend with counts, and SVG and HTML of both.

Each frame is a small square, 64 in a row; rows that are all alike are folded into one band. Under the pointer stands what a run is: frame numbers,
owner, use, counts. What is drawn is what the frame table says, nothing is left out: the legend's numbers add up to all frames.
"""

import itertools
from xml.sax.saxutils import escape

import frametable

COLUMNS, CELL, LABEL, BAND = 64, 14, 92, 16
USES = ("unused", "L1 table", "L2 table", "L3 table", "L4 table", "descriptors", "writable")
# Lightness of each use: tables are dark, pages light, what nobody uses lightest.
LIGHT = {"unused": 88, "writable": 72, "L1 table": 50, "L2 table": 40, "L3 table": 30, "L4 table": 18, "descriptors": 60}
HUES = (212, 24, 140, 285, 48, 330, 175, 95)
SPECIAL = {"Koan": "#5b6470", "free": "#f3f1ea", "no RAM": "url(#hole)", "limbo": "url(#limbo)"}
PATTERNS = ('<defs><pattern id="hole" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#ffffff"/>'
            '<path d="M0 6L6 0" stroke="#c9ced4" stroke-width="1"/></pattern><pattern id="limbo" width="4" height="4" '
            'patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="#ffd9d9"/><path d="M0 0L4 4" stroke="#c22" stroke-width="1"/></pattern></defs>')
STYLE = """
body { font: 15px/1.45 Inter, "Helvetica Neue", Arial, sans-serif; color: #1d2733; background: #fff; margin: 2rem auto; max-width: 1040px; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .2rem; } p { margin: .2rem 0 1rem; color: #4a5b6c; }
table { border-collapse: collapse; margin: 0 0 1.2rem; } td, th { padding: .18rem .7rem .18rem 0; text-align: right; font-variant-numeric: tabular-nums; }
th { font-weight: 600; border-bottom: 1px solid #c9ced4; } td:first-child, th:first-child { text-align: left; } tr.sum td { border-top: 1px solid #c9ced4; font-weight: 600; }
.key { display: inline-block; width: .95em; height: .95em; margin-right: .35em; vertical-align: -.12em; border: 1px solid #8a949e; }
svg { width: 100%; height: auto; display: block; }
"""


class Picture:
    """All frames of a machine, at one moment."""

    def __init__(self, frames, names, numbers, where):
        self.frames, self.names, self.where = frames, names, where
        self.special = {numbers["OWNER_FREE"]: "free", numbers["OWNER_KOAN"]: "Koan", numbers["OWNER_NONE"]: "no RAM", numbers["OWNER_LIMBO"]: "limbo"}
        self.pinned = numbers["FRAME_PINNED"]
        self.ids = sorted({frame.owner for frame in frames} - set(self.special))
        self.kinds = [self._kind(frame) for frame in frames]

    # --- what it is ---

    def owner(self, number):
        return self.special.get(number) or f"domain {number}" + (f" ({self.names[number]})" if self.names.get(number) else "")

    def _kind(self, frame):
        """(owner, use, pinned) of a frame: what makes runs."""
        if frame.owner in self.special and frame.type_refs == 0:
            return frame.owner, "", False
        use = USES[frame.type] if frame.type_refs and frame.type < len(USES) else "unused"
        return frame.owner, use, bool(frame.flags & self.pinned)

    def colour(self, owner, use):
        if owner in self.special:
            return SPECIAL[self.special[owner]]
        return f"hsl({HUES[self.ids.index(owner) % len(HUES)]} 62% {LIGHT[use]}%)"

    def runs(self, start, end):
        """(first, last, kind) of like frames."""
        at = start
        for kind, group in itertools.groupby(self.kinds[start:end]):
            length = sum(1 for _ in group)
            yield at, at + length - 1, kind
            at += length

    def describe(self, first, last, kind):
        """What stands under the pointer."""
        owner, use, pinned = kind
        span = f"frame {first:#x}" if first == last else f"frames {first:#x} to {last:#x} ({last - first + 1})"
        text = f"{span}: {self.owner(owner)}" + (f", {use}" if use else "") + (", pinned" if pinned else "")
        refs, types = ([getattr(frame, field) for frame in self.frames[first:last + 1]] for field in ("refs", "type_refs"))
        if any(refs):
            text += f"; refs {_span(refs)}, type_refs {_span(types)}"
        return text

    def counts(self):
        """Rows of the legend: (owner, {use: frames}, pinned)."""
        rows = {}
        for owner, use, pinned in self.kinds:
            uses, pins = rows.setdefault(owner, ({}, [0]))
            uses[use or "unused"] = uses.get(use or "unused", 0) + 1
            pins[0] += pinned
        order = sorted(rows, key=lambda owner: (owner in self.special, owner))
        return [(owner, rows[owner][0], rows[owner][1][0]) for owner in order]

    # --- drawing ---

    def rows(self):
        """(first frame, end, folded): rows of the picture; those that are all alike, several together."""
        at, total = 0, len(self.frames)
        while at < total:
            end = min(at + COLUMNS, total)
            if len(set(self.kinds[at:end])) == 1:
                while end < total and len(set(self.kinds[end:end + COLUMNS])) == 1 and self.kinds[end] == self.kinds[at]:
                    end = min(end + COLUMNS, total)
            yield at, end, end - at > COLUMNS
            at = end

    def _row(self, first, end, y):
        shapes = []
        for start, last, kind in self.runs(first, end):
            x, width = LABEL + (start - first) * CELL, (last - start + 1) * CELL
            pin = f'<path d="M{x} {y + CELL - 1}h{width}" stroke="#d40000" stroke-width="2"/>' if kind[2] else ""
            shapes.append(f'<g><title>{escape(self.describe(start, last, kind))}</title><rect x="{x}" y="{y}" width="{width}" height="{CELL}" '
                          f'fill="{self.colour(kind[0], kind[1])}"/>{pin}</g>')
        return shapes

    def _band(self, first, end, y):
        kind, width = self.kinds[first], COLUMNS * CELL
        owner, use = self.owner(kind[0]), f", {kind[1]}" if kind[1] else ""
        dark = owner == "Koan" or kind[1] in ("L1 table", "L2 table", "L3 table", "L4 table")
        text = f"{owner}{use}: {end - first:,} frames, {(end - first) / 256:.1f} MiB"
        return [f'<g><title>{escape(self.describe(first, end - 1, kind))}</title><rect x="{LABEL}" y="{y}" width="{width}" height="{BAND}" '
                f'fill="{self.colour(kind[0], kind[1])}"/><text x="{LABEL + 8}" y="{y + 12}" fill="{"#fff" if dark else "#1d2733"}">{escape(text)}</text></g>']

    def svg(self, alone=False):
        """The picture; ALONE: as a file of its own."""
        shapes, y = [], 4
        for first, end, folded in self.rows():
            label = y + 11
            if folded or first % (8 * COLUMNS) == 0 or not shapes:
                shapes.append(f'<text x="{LABEL - 8}" y="{label}" text-anchor="end" fill="#4a5b6c">{first:#x}</text>')
            shapes += self._band(first, end, y) if folded else self._row(first, end, y)
            y += BAND + 2 if folded else CELL
        width = LABEL + COLUMNS * CELL + 4
        size = f' width="{width}" height="{y + 4}"' if alone else ""
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 4}"{size} font-family="JetBrains Mono, DejaVu Sans Mono, monospace" '
                f'font-size="10">{PATTERNS}' + "\n".join(shapes) + "</svg>")

    def _legend(self):
        uses = [use for use in ("unused", "writable", *USES[1:6]) if any(use in row[1] for row in self.counts())]
        head = "".join(f"<th>{use}</th>" for use in uses)
        lines = [f"<tr><th>owner</th><th>frames</th><th>MiB</th>{head}<th>pinned</th></tr>"]
        for owner, counts, pins in self.counts():
            special = owner in self.special and set(counts) == {"unused"}
            cells = "".join("<td>" + (f'{self._key(owner, use)}{counts[use]:,}' if use in counts and not special else "") + "</td>" for use in uses)
            total = sum(counts.values())
            key = self._key(owner, "unused") if special else ""
            lines.append(f"<tr><td>{key}{escape(self.owner(owner))}</td><td>{total:,}</td><td>{total / 256:.1f}</td>{cells}<td>{pins or ''}</td></tr>")
        total = len(self.frames)
        lines.append(f'<tr class="sum"><td>all</td><td>{total:,}</td><td>{total / 256:.1f}</td>{"<td></td>" * (len(uses) + 1)}</tr>')
        return "<table>" + "\n".join(lines) + "</table>"

    def _key(self, owner, use):
        fill = self.colour(owner, use)
        if fill.startswith("url"):
            return f'<svg class="key" style="display: inline-block; width: .95em; height: .95em" viewBox="0 0 12 12"><rect width="12" height="12" fill="{fill}"/></svg>'
        return f'<span class="key" style="background: {fill}"></span>'

    def page(self):
        """The whole page."""
        return ('<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head><meta charset="utf-8"/>'
                f"<title>Koan: frame owners</title><style>{STYLE}</style></head><body><h1>Who owns each frame, and as what it is used</h1>"
                f"<p>{escape(self.where[:1].upper() + self.where[1:])}. One square is a frame of 4 KiB, {COLUMNS} in a row; a row of which a band tells is folded. "
                "A red line below: pinned. Point at anything to see frame numbers and counts.</p>"
                f"{self._legend()}{self.svg()}</body></html>\n")

    def summary(self):
        """A few lines of text."""
        lines = []
        for owner, counts, pins in self.counts():
            uses = ", ".join(f"{counts[use]} {use}" for use in ("writable", "unused", *USES[1:6]) if use in counts and owner not in self.special)
            lines.append(f"{self.owner(owner):22} {sum(counts.values()):6} frames" + (f": {uses}" if uses else "") + (f"; {pins} pinned" if pins else ""))
        lines.append(f"{'all':22} {len(self.frames):6} frames, {self.where}")
        return "\n".join(lines)


def _span(values):
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
