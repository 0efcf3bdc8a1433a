"""A stretch of the timeline as a figure for a slide or a text: an SVG of its own, without script, readable without being touched.

A lane for each vCPU: a bar where it had the CPU, thin where it waited for one, nothing where it slept. Marks are letters' height, one
colour a kind.
"""

import html

from tracing.page import DOMAIN_COLOURS, KINDS, nice_step, time_text

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1128, 150, 14, 34, 40
LANE, BAR, TICK, TICK_WIDTH = 62, 24, 13, 3
FONT = 'font-family="Inter, Segoe UI, Helvetica Neue, Arial, sans-serif"'
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
SAID = {"hypercall": "hypercall", "exception": "exception", "event": "event raised", "wake": "wake-up", "type": "change of type",
        "domain": "a domain comes or goes"}


def parse_window(text):
    """(start, end) in ns from `40ms-140ms`; ValueError says what is wrong."""
    times = []
    for part in text.split("-"):
        number = part.rstrip("mnsu")
        if not number.isdigit() or part[len(number):] not in UNITS:
            raise ValueError(f"{text}: a stretch of time reads 40ms-140ms (units: {', '.join(UNITS)})")
        times.append(int(number) * UNITS[part[len(number):]])
    if len(times) != 2 or times[0] >= times[1]:
        raise ValueError(f"{text}: a stretch of time begins before it ends, and reads 40ms-140ms")
    return times


class Figure:
    """Builds it line by line."""

    def __init__(self, timeline, start, end):
        self.timeline, self.start, self.end = timeline, start, end
        self.spans = [span for span in timeline.spans if span.end > start and span.start < end]
        self.marks = [mark for mark in timeline.marks if start <= mark.time < end and mark.who]
        self.vcpus = sorted({span.who for span in self.spans} | {mark.who for mark in self.marks})
        domains = sorted({who[0] for who in timeline.vcpus()})
        self.colours = {domain: DOMAIN_COLOURS[i % len(DOMAIN_COLOURS)] for i, domain in enumerate(domains)}
        self.height = TOP + LANE * len(self.vcpus) + BOTTOM
        self.parts = []

    def x(self, time):
        """Where a time lies."""
        return LEFT + (min(max(time, self.start), self.end) - self.start) * (WIDTH - LEFT - RIGHT) / (self.end - self.start)

    def y(self, who):
        """The upper edge of a vCPU's lane."""
        return TOP + 8 + self.vcpus.index(who) * LANE

    def text(self, x, y, words, anchor="start", size=17):
        """Words at a place."""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#1d2733" {FONT}>'
                          f"{html.escape(words)}</text>")

    def box(self, x, y, width, height, colour):
        """A filled one."""
        self.parts.append(f'<rect x="{x:.2f}" y="{y:.1f}" width="{width:.2f}" height="{height}" fill="{colour}"/>')

    def grid(self):
        """Times from the left edge on, and who is who."""
        step, floor = nice_step(self.end - self.start, 8), self.height - BOTTOM
        for time in range(self.start, self.end + 1, step):
            x = self.x(time)
            self.parts.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{floor}" stroke="#d9cfba"/>')
            words = time_text(time - self.start) if time > self.start else "0"
            self.text(x, TOP - 12, words, "middle" if x < WIDTH - 40 else "end", 15)
        several = len({who[0] for who in self.vcpus}) < len(self.vcpus)
        for who in self.vcpus:
            name = self.timeline.name(who)
            self.text(4, self.y(who) + BAR - 6, name if several else name.rsplit(".", 1)[0])
            self.parts.append(f'<line x1="{LEFT}" y1="{self.y(who) + BAR}" x2="{WIDTH - RIGHT}" y2="{self.y(who) + BAR}" stroke="#b9ad94"/>')

    def bars(self):
        """Who had a CPU when."""
        for span in self.spans:
            x = self.x(span.start)
            self.box(x, self.y(span.who), max(0.8, self.x(span.end) - x), BAR, self.colours[span.who[0]])

    def ticks(self):
        """What happened; of those at one place the first is drawn."""
        seen = set()
        for mark in self.marks:
            x = self.x(mark.time)
            if (place := (mark.who, mark.kind, round(x / TICK_WIDTH))) not in seen:
                seen.add(place)
                self.box(x, self.y(mark.who) + BAR + 3, TICK_WIDTH, TICK, KINDS.get(mark.kind, "#777777"))

    def legend(self):
        """What the colours of the marks say."""
        x, y, seen = LEFT, self.height - 14, {mark.kind for mark in self.marks}
        for kind in (kind for kind in KINDS if kind in seen):
            self.box(x, y - 12, TICK_WIDTH + 1, TICK, KINDS[kind])
            self.text(x + 10, y, SAID.get(kind, kind), size=15)
            x += 30 + 8 * len(SAID.get(kind, kind))

    def svg(self):
        """The whole."""
        self.grid()
        self.bars()
        self.ticks()
        self.legend()
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" viewBox="0 0 {WIDTH} {self.height}" '
                f'role="img" aria-label="timeline">\n' + "\n".join(self.parts) + "\n</svg>\n")


def write(timeline, window, path):
    """Write the stretch to PATH; ValueError if nothing happened in it."""
    start, end = window or (0, timeline.end)
    figure = Figure(timeline, start, end)
    if not figure.vcpus:
        raise ValueError(f"nothing was recorded from {time_text(start)} to {time_text(end)}; the run took {time_text(timeline.end)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(figure.svg(), encoding="utf-8")
