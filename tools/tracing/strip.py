"""A stretch of the timeline as lines of text, for texts that show what a command prints: a line a vCPU, a letter for each piece of the time."""

from tracing.page import time_text

COLUMNS = 96
LETTERS = {"hypercall": "h", "exception": "x", "event": "e", "wake": "w", "domain": "d"}   # of several, the last one here is shown
RUNS, ELSE = "#", "."


def _cells(timeline, who, start, end):
    """Its line: # where it has a CPU for half of a piece at least, a letter where something happened."""
    piece = (end - start) / COLUMNS
    ran, marks = [0.0] * COLUMNS, [""] * COLUMNS
    for span in timeline.spans:
        if span.who == who:
            for column in range(COLUMNS):
                left = start + column * piece
                ran[column] += max(0, min(span.end, left + piece) - max(span.start, left))
    order = list(LETTERS.values())
    for mark in timeline.marks:
        letter = LETTERS.get(mark.kind)
        if mark.who == who and letter and start <= mark.time < end:
            column = int((mark.time - start) / piece)
            marks[column] = max(marks[column], letter, key=lambda each: order.index(each) if each else -1)
    return "".join(mark or (RUNS if time >= piece / 2 else ELSE) for mark, time in zip(marks, ran))


def lines(timeline, window):
    """The lines; ValueError if nothing happened in the window."""
    start, end = window or (0, timeline.end)
    seen = sorted({span.who for span in timeline.spans if span.end > start and span.start < end}
                  | {mark.who for mark in timeline.marks if start <= mark.time < end and mark.who})
    if not seen:
        raise ValueError(f"nothing was recorded from {time_text(start)} to {time_text(end)}; the run took {time_text(timeline.end)}")
    width = max(len(timeline.name(who)) for who in seen) + 2
    text = [f"{timeline.name(who):{width}}{_cells(timeline, who, start, end)}" for who in seen]
    used = [name for name, letter in LETTERS.items() if any(letter in line[width:] for line in text)]
    key = ", ".join([f"{RUNS} runs", *(f"{LETTERS[name]} {name}" for name in used)])
    return [*text, f"{time_text(start)} to {time_text(end)}, a letter is {time_text(round((end - start) / COLUMNS))}: {key}"]
