#!/usr/bin/python3
"""Make a lecture ready for Marp: fill in what is taken from the tree, and refuse what would not fit on a slide.

    deck.py --out build/slides/01-boot.md [--bench build/bench.json] slides/01-boot.md
    deck.py --out build/slides/koan.css slides/koan.css          the theme, with its fonts inside

Directives, each an HTML comment; `code`, `diagram` and `bench` stand on lines of their own:

    <!-- code: TAG -->                   code from the source (source.py says what a tag is)
    <!-- diagram: NAME [height=420] -->  slides/diagrams/NAME.dot, drawn by Graphviz, in the page itself
    <!-- bench: ROW "label"; ... -->     a table with bars: instructions on Xen and on Koan
    <!-- cost: ROW koan|xen|ratio -->    one figure of it, inside a sentence
    <!-- lines: FOLDER... -->            how many lines of source stand there, rounded to hundreds
    <!-- frames: height=400 -->          the picture that `make frames` has drawn: build/frames.svg
    <!-- timeline: NAME [height=300] --> who ran when, as `make trace` saw it: the run of slides/timelines/NAME.txt

Figures come from the file that `make bench` writes, never from a slide's text. The result is one file without outside references.
"""

import argparse
import base64
import html
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from source import SlideError, cut_code, given_away  # noqa: E402  (the path comes first)

TREE = pathlib.Path(__file__).resolve().parents[1]
DIAGRAMS = TREE / "slides" / "diagrams"
TIMELINES = TREE / "slides" / "timelines"
BUILT = pathlib.Path(os.environ.get("BUILD", TREE / "build"))
FRAMES = BUILT / "frames.svg"
RECORDED = TREE / "tests" / "bench" / "xen.json"

# What fits: checked for good in a browser (look.py); these refuse early what surely doesn't.
CODE_LINES, CODE_COLUMNS = 22, 100
TEXT_LINES, TEXT_COLUMNS = 17, 84
PARTLY = False  # main() sets it
SMALL_CODE, SMALLEST_CODE = 13, 17  # more lines than that, or wide ones, are set smaller
WIDE, WIDEST = 72, 86
SLIDE_WIDTH, ENLARGE = 1128, 1.7  # what a diagram may take, pixels; and by how much it grows, pixels a point

DIRECTIVE = re.compile(r"<!-- (code|diagram|bench|cost|lines|frames|timeline): (.*?) -->", re.DOTALL)
FONTS = (("Inter", 400, "/usr/share/fonts/opentype/inter/Inter-Regular.otf"),
         ("Inter", 600, "/usr/share/fonts/opentype/inter/Inter-SemiBold.otf"),
         ("JetBrains Mono", 400, "/usr/share/fonts/truetype/jetbrains-mono/JetBrainsMono-Regular.ttf"),
         ("JetBrains Mono", 700, "/usr/share/fonts/truetype/jetbrains-mono/JetBrainsMono-Bold.ttf"))
DOT_STYLE = ("-Gbgcolor=transparent", "-Gfontname=Inter", "-Nfontname=Inter", "-Efontname=Inter", "-Nshape=box",
             "-Nstyle=rounded,filled", "-Nfillcolor=#ffffff", "-Ncolor=#33475b", "-Nfontcolor=#1d2733", "-Npenwidth=1.4",
             "-Nfontsize=15", "-Efontsize=13", "-Ecolor=#33475b", "-Efontcolor=#4a5b6c", "-Epenwidth=1.4", "-Earrowsize=0.8",
             "-Nmargin=0.16,0.09", "-Gnodesep=0.3", "-Granksep=0.45")


def code(text):
    """A code block, in the size that its lines need."""
    language, lines = cut_code(TREE, text)
    widest = max(len(line) for line in lines)
    if len(lines) > CODE_LINES:
        raise SlideError(f"code: {text}: {len(lines)} lines, and {CODE_LINES} fit; narrow it by from and to, or show another piece")
    if widest > CODE_COLUMNS:
        raise SlideError(f"code: {text}: a line of {widest} characters, and {CODE_COLUMNS} fit")
    size = "code-3" if len(lines) > SMALLEST_CODE or widest > WIDEST else \
        "code-2" if len(lines) > SMALL_CODE or widest > WIDE else "code-1"
    path = text.split()[0]
    body = "\n".join(lines)
    return f'<div class="code {size}">\n<div class="from">{path}</div>\n\n```{language}\n{body}\n```\n\n</div>'


def draw(name):
    """The SVG of a diagram. Its letters become outlines, so that it looks the same on every machine."""
    done = subprocess.run(["dot", "-Tsvg:cairo", *DOT_STYLE, str(DIAGRAMS / f"{name}.dot")], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode or done.stderr.strip():
        raise SlideError(f"slides/diagrams/{name}.dot: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def diagram(text, sketch):
    """A diagram as an image inside the page."""
    name, *options = text.split()
    height = height_of(name, options)
    if not (DIAGRAMS / f"{name}.dot").is_file():
        raise SlideError(f"diagram: slides/diagrams/{name}.dot is not there")
    return show(name, b"" if sketch else draw(name), height)


def frames(text, sketch):
    """The frame owners of a machine, as `make frames` has drawn them."""
    height = height_of("frames", text.split())
    if not sketch and not FRAMES.is_file():
        return missing(f"frames: {FRAMES} is not there; run `make frames`", "make frames")
    return show("frames", b"" if sketch else FRAMES.read_bytes(), height)


def missing(problem, command):
    """A picture that only a running machine can give: refused, or in a student's tree a word in its place."""
    if not PARTLY:
        raise SlideError(problem)
    return f'<p class="note">Here stands a picture of a running machine. When yours runs: <code>{command}</code>, then this again.</p>'


def timeline(text, sketch):
    """A stretch of a run's timeline."""
    name, *options = text.split()
    height, figure = height_of(name, options), BUILT / "timelines" / f"{name}.svg"
    if not (TIMELINES / f"{name}.txt").is_file():
        raise SlideError(f"timeline: slides/timelines/{name}.txt is not there")
    if not sketch and not figure.is_file():
        return missing(f"timeline: {figure} is not there; run `make slides`", f"make {figure.relative_to(TREE)}" if figure.is_relative_to(TREE)
                       else f"make {figure}")
    return show(name, b"" if sketch else figure.read_bytes(), height)


def height_of(name, options):
    """height=NNN among a directive's words."""
    height = 430
    for option in options:
        match = re.fullmatch(r"height=(\d{2,3})", option)
        if not match or int(match[1]) > 560:
            raise SlideError(f"diagram: {name}: what is `{option}`? height=NNN, 560 at most")
        height = int(match[1])
    return height


def show(name, picture, height):
    """An SVG, inside the page, as large as it may be; none: its place."""
    if not picture:
        return f'<img class="diagram" alt="{name}">'
    width, tall = (float(number) for number in re.search(rb'width="([\d.]+)(?:pt)?" height="([\d.]+)(?:pt)?"', picture).groups())
    scale = min(SLIDE_WIDTH / width, height / tall, ENLARGE)
    size = f"width: {width * scale:.0f}px; height: {tall * scale:.0f}px"
    data = base64.b64encode(picture).decode()
    return f'<img class="diagram" alt="{name}" style="{size}" src="data:image/svg+xml;base64,{data}">'


class Bench:
    """The figures of `make bench`; without its file, only their names (for the check of the source)."""

    def __init__(self, path):
        self.names = set(json.loads(RECORDED.read_text(encoding="utf-8"))["rows"])
        self.rows, self.version, self.unmeasured = None, "", bool(path and PARTLY and not pathlib.Path(path).is_file())
        if path and not self.unmeasured:
            data = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
            if data.get("schema") != 1 or data.get("unit") != "instructions":
                raise SlideError(f"{path}: not of schema 1, in instructions; run `make bench` again")
            self.rows = {row["name"]: row for row in data["rows"]}
            self.version = data["versions"]["xen"].split("+")[0]

    def row(self, name):
        if name not in self.names:
            raise SlideError(f"bench: no row `{name}`; there are {', '.join(sorted(self.names))}")
        if self.rows is None:
            return {"koan": 1, "xen": 2, "ratio": 0.5}
        if name not in self.rows:
            raise SlideError(f"bench: the measured file has no row `{name}`; run `make bench` again")
        return self.rows[name]

    def cost(self, text):
        words = text.split()
        if len(words) != 2 or words[1] not in ("koan", "xen", "ratio"):
            raise SlideError(f"cost: {text}: reads `ROW koan|xen|ratio`")
        value = self.row(words[0])[words[1]]
        if self.unmeasured:
            return "…"
        return f"{value:.0%}" if words[1] == "ratio" else f"{value:,}"

    def table(self, text):
        if self.unmeasured:
            return missing("bench", "make bench")
        lines = ['<table class="bench"><tr><th></th><th>Xen</th><th>Koan</th><th class="bars">Koan’s part of Xen’s</th></tr>']
        for part in text.split(";"):
            match = re.fullmatch(r'\s*(\w+) "([^"]+)"\s*', part)
            if not match:
                raise SlideError(f'bench: `{part.strip()}` does not read `ROW "label"`')
            row = self.row(match[1])
            percent = row["ratio"] * 100
            lines.append(f'<tr><td>{html.escape(match[2])}</td><td>{row["xen"]:,}</td><td>{row["koan"]:,}</td>'
                         f'<td class="bars"><span style="width: {percent:.0f}%"></span><b>{percent:.0f} %</b></td></tr>')
        return "\n".join([*lines, "</table>", f'<p class="note">Instructions, guest’s side included; Xen {self.version} and Koan '
                          "under the same QEMU. Generated from the run of <code>make bench</code>.</p>"])


def count_lines(text):
    """Lines of source below the folders, rounded to hundreds."""
    total = 0
    for folder in text.split():
        if not (TREE / folder).is_dir():
            raise SlideError(f"lines: {folder}: no such folder")
        total += sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (TREE / folder).rglob("*")
                     if path.suffix in (".c", ".h", ".asm"))
    return f"{round(total, -2):,}"


def fill(text, bench, sketch=False):
    """A slide with its directives carried out."""
    def one(match):
        kind, argument = match[1], " ".join(match[2].split())
        if kind == "code":
            return code(argument)
        if kind == "diagram":
            return diagram(argument, sketch)
        if kind == "frames":
            return frames(argument, sketch)
        if kind == "timeline":
            return timeline(argument, sketch)
        if kind == "bench":
            return bench.table(argument)
        return bench.cost(argument) if kind == "cost" else count_lines(argument)

    filled = DIRECTIVE.sub(one, text)
    left = re.search(r"<!--\s*(?!_\w+:|paginate)(\S+).*?-->", re.sub(r"```.*?```", "", filled, flags=re.DOTALL), re.DOTALL)
    if left and not left[1].startswith("note"):
        raise SlideError(f"`{left[0]}` is no directive that is known")
    return filled


def weigh(slide):
    """About how many lines of text a slide takes, pictures and code apart."""
    text = re.sub(r"```.*?```|<!--.*?-->|<svg.*?</svg>", "", slide, flags=re.DOTALL)
    lines = [re.sub(r"<[^>]*>|\*\*|`", "", line).strip() for line in text.split("\n")]
    return sum(1 + len(line) // TEXT_COLUMNS for line in lines if line and not re.fullmatch(r"[|\-: ]+", line))


def split_slides(text):
    """(front matter, slides)."""
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if not match or not re.search(r"^marp: true$", match[1], re.MULTILINE):
        raise SlideError("begins with no front matter that says `marp: true`")
    return match[0], re.split(r"^---$", text[match.end():], flags=re.MULTILINE)


def title_of(slide):
    """What the slide is called, for messages."""
    match = re.search(r"^#+ (.+)$", slide, re.MULTILINE)
    return match[1] if match else slide.strip().split("\n")[0]


def problems_of(path, bench):
    """Everything that is wrong with a deck's source, a line each."""
    found = []
    try:
        _, slides = split_slides(path.read_text(encoding="utf-8"))
    except SlideError as problem:
        return [f"{path.name}: {problem}"]
    for number, slide in enumerate(slides, 1):
        where = f"{path.name}: slide {number} ({title_of(slide)})"
        try:
            filled = fill(slide, bench, sketch=True)
            found += [f"{where}: `{line}` gives exercise {lab} away ({file})" for line, file, lab in given_away(TREE, filled.split("\n"))]
        except SlideError as problem:
            found.append(f"{where}: {problem}")
        if weigh(slide) > TEXT_LINES:
            found.append(f"{where}: about {weigh(slide)} lines of text, and {TEXT_LINES} fit: split it")
        if not re.search(r"^#+ ", slide, re.MULTILINE):
            found.append(f"{where}: has no heading")
    return found


def make_deck(path, bench):
    """The deck with everything filled in."""
    problems = problems_of(path, bench)
    if problems:
        raise SlideError("\n".join(problems))
    head, slides = split_slides(path.read_text(encoding="utf-8"))
    return head + "---".join(fill(slide, bench) for slide in slides)


def font_faces():
    """The fonts, inside the style sheet, so that a lecture looks the same on every machine."""
    faces = []
    for family, weight, file in FONTS:
        data = base64.b64encode(pathlib.Path(file).read_bytes()).decode()
        faces.append(f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("data:font/otf;base64,{data}"); }}')
    return "\n".join(faces) + "\n"


def main():
    """One file in, one file out; 2 when the deck is refused."""
    global PARTLY  # pylint: disable=global-statement
    parser = argparse.ArgumentParser(description="Fill a lecture's directives in.")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--bench", help="build/bench.json")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--partly", action="store_true", help="what has not been measured is left out")
    arguments = parser.parse_args()
    PARTLY = arguments.partly
    try:
        if arguments.file.suffix == ".css":
            text = arguments.file.read_text(encoding="utf-8") + font_faces()
        else:
            text = make_deck(arguments.file, Bench(arguments.bench))
    except (SlideError, OSError, ValueError) as problem:
        print(f"slides: {problem}", file=sys.stderr)
        return 2
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
