"""The timeline as one self-contained HTML page: an SVG with a lane for each CPU and for each vCPU.

A bar says that a vCPU had a CPU; ticks below it are what happened meanwhile, one colour a kind. Where there are more marks
than the picture can show they share a tick, whose tooltip counts them. The wheel zooms, dragging moves.
"""

import collections
import html

WIDTH, LEFT, RIGHT = 1400, 130, 20
LANE, BAR, TICK = 34, 14, 9
COLUMNS = 2400          # marks of one lane and kind that fall into one of so many columns share a tick
DOMAIN_COLOURS = ("#4878a8", "#d0803c", "#5a9e5a", "#b04848", "#8868b0", "#806050", "#c878b0", "#6a6a6a", "#9a9a38", "#40a0a8")
KINDS = {"hypercall": "#2b5c8a", "exception": "#b03030", "event": "#2e8540", "wake": "#c07000", "type": "#777777",
         "domain": "#000000"}

STYLE = """
body { font: 14px/1.4 sans-serif; margin: 1.5em; color: #222; background: #fff; }
svg { border: 1px solid #bbb; width: 100%; height: auto; cursor: grab; }
text { font: 12px sans-serif; fill: #222; }
.lane { stroke: #ddd; } .grid { stroke: #eee; }
.swatch { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; vertical-align: -.1em; }
"""

SCRIPT = """
const svg = document.querySelector("svg"), whole = svg.viewBox.baseVal;
const full = {x: whole.x, width: whole.width};
const clamp = () => {
  whole.width = Math.min(full.width, Math.max(full.width / 5000, whole.width));
  whole.x = Math.min(full.x + full.width - whole.width, Math.max(full.x, whole.x));
  svg.setAttribute("preserveAspectRatio", "none");
};
const at = e => whole.x + whole.width * (e.offsetX / svg.clientWidth);
svg.addEventListener("wheel", e => {
  const p = at(e), f = e.deltaY > 0 ? 1.25 : 0.8;
  whole.x = p - (p - whole.x) * f; whole.width *= f; clamp(); e.preventDefault();
}, {passive: false});
let held = null;
svg.addEventListener("mousedown", e => { held = e.offsetX; e.preventDefault(); });
window.addEventListener("mouseup", () => { held = null; });
svg.addEventListener("mousemove", e => {
  if (held === null) return;
  whole.x -= whole.width * (e.offsetX - held) / svg.clientWidth; held = e.offsetX; clamp();
});
svg.addEventListener("dblclick", () => { whole.x = full.x; whole.width = full.width; });
"""


def nice_step(length, parts=10):
    """A round step that divides LENGTH into about PARTS."""
    step = 1
    while step * parts < length:
        step *= 10
    return next((step // divisor for divisor in (5, 2) if step // divisor * parts >= length), step) or 1


def time_text(nanoseconds):
    """Nanoseconds in the unit that reads best."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.4g} {unit}"
    return f"{nanoseconds} ns"


class Picture:
    """Builds the SVG line by line."""

    def __init__(self, timeline):
        self.timeline = timeline
        self.scale = (WIDTH - LEFT - RIGHT) / max(1, timeline.end)
        self.cpus = sorted(timeline.dropped)
        self.vcpus = timeline.vcpus()
        self.height = 40 + LANE * (len(self.cpus) + len(self.vcpus))
        domains = sorted({who[0] for who in self.vcpus})
        self.colours = {domain: DOMAIN_COLOURS[i % len(DOMAIN_COLOURS)] for i, domain in enumerate(domains)}
        self.parts = []

    def x(self, time):
        """Where a time lies, in the SVG's units."""
        return LEFT + time * self.scale

    def y(self, lane):
        """The upper edge of a lane: ("cpu", n) or ("vcpu", who)."""
        kind, which = lane
        row = self.cpus.index(which) if kind == "cpu" else len(self.cpus) + self.vcpus.index(which)
        return 30 + row * LANE

    def title(self, text):
        """A tooltip."""
        return f"<title>{html.escape(text)}</title>"

    def grid(self):
        """Lines of time, and the lanes' names."""
        step = nice_step(self.timeline.end)
        for time in range(0, self.timeline.end + 1, step):
            x = self.x(time)
            self.parts.append(f'<line class="grid" x1="{x:.1f}" y1="22" x2="{x:.1f}" y2="{self.height}"/>'
                              f'<text x="{x:.1f}" y="16" text-anchor="middle">{time_text(time)}</text>')
        lanes = [(("cpu", cpu), f"CPU {cpu}") for cpu in self.cpus]
        lanes += [(("vcpu", who), self.timeline.name(who)) for who in self.vcpus]
        for lane, name in lanes:
            y = self.y(lane)
            self.parts.append(f'<line class="lane" x1="0" y1="{y - 3}" x2="{WIDTH}" y2="{y - 3}"/>'
                              f'<text x="6" y="{y + BAR - 2}">{html.escape(name)}</text>')

    def bars(self):
        """Who had which CPU."""
        for span in self.timeline.spans:
            x, width = self.x(span.start), max(0.15, (span.end - span.start) * self.scale)
            words = f"{self.timeline.name(span.who)} on CPU {span.cpu}: {time_text(span.end - span.start)} from {time_text(span.start)}"
            for lane in (("cpu", span.cpu), ("vcpu", span.who)):
                self.parts.append(f'<rect x="{x:.2f}" y="{self.y(lane)}" width="{width:.2f}" height="{BAR}" '
                                  f'fill="{self.colours[span.who[0]]}">{self.title(words)}</rect>')

    def ticks(self):
        """What happened; marks that fall together share a tick."""
        columns = collections.defaultdict(list)
        for mark in self.timeline.marks:
            lane = ("vcpu", mark.who) if mark.who else ("cpu", mark.cpu)
            columns[lane, mark.kind, mark.time * COLUMNS // (self.timeline.end + 1)].append(mark)
        for (lane, kind, _), marks in columns.items():
            x, y = self.x(marks[0].time), self.y(lane) + BAR + 1
            self.parts.append(f'<rect x="{x:.2f}" y="{y}" width="0.5" height="{TICK}" fill="{KINDS.get(kind, "#777777")}">'
                              f"{self.title(self.words(kind, marks))}</rect>")

    @staticmethod
    def words(kind, marks):
        """The tooltip of a tick."""
        if len(marks) == 1:
            return f"{time_text(marks[0].time)}: {marks[0].text}"
        most = collections.Counter(mark.text.split("(")[0] for mark in marks).most_common(6)
        return f"{time_text(marks[0].time)}: {len(marks)} x {kind}: " + ", ".join(f"{text} ({n})" for text, n in most)

    def svg(self):
        """The whole."""
        self.grid()
        self.bars()
        self.ticks()
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" role="img" '
                f'aria-label="timeline">\n' + "\n".join(self.parts) + "\n</svg>")


def legend(picture):
    """Colours of domains and of kinds, as HTML."""
    names = [(picture.timeline.names.get(domain, f"domain {domain}"), colour) for domain, colour in picture.colours.items()]
    seen = {mark.kind for mark in picture.timeline.marks}
    names += [(kind, colour) for kind, colour in KINDS.items() if kind in seen]
    return "".join(f'<span><span class="swatch" style="background:{colour}"></span>{html.escape(name)}</span>'
                   for name, colour in names)


def document(timeline, title):
    """The page as text."""
    picture = Picture(timeline)
    dropped = sum(timeline.dropped.values())
    drop_line = "No record was dropped." if not dropped else (
        "The rings were full: dropped were the oldest " + ", ".join(
            f"{count:,} of CPU {cpu}" for cpu, count in timeline.dropped.items() if count) + ". (PAGES= makes them larger.)")
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/><title>{html.escape(title)}</title>\n'
            f"<style>{STYLE}</style></head><body>\n<h1>{html.escape(title)}</h1>\n"
            f"<p>{time_text(timeline.end)}, {len(timeline.spans):,} stretches on a CPU, {len(timeline.marks):,} marks. {drop_line}\n"
            f"Wheel: zoom; drag: move; double click: all of it.</p>\n<p>{legend(picture)}</p>\n"
            f"{picture.svg()}\n<script>{SCRIPT}</script></body></html>\n")


def write(timeline, title, path):
    """Write it to PATH."""
    path.write_text(document(timeline, title), encoding="utf-8")
