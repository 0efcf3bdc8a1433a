#!/usr/bin/python3
"""Look at built lectures in a real headless Chromium.

    look.py DECK.html...             measure every slide; last line `N passed, N failed`
    look.py --pdf OUT.pdf DECK.html  print the lecture
    look.py --png OUT.png DECK.html  a picture of all slides on one sheet, for people

What a slide must fulfil: everything on it lies inside its edges and above its page number; no code or table is wider than its place; every
image has loaded and has a size; no text is smaller than can be read. The PDF beside it has a page for each slide.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

SECONDS = 150
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--mute-audio",
         "--allow-file-access-from-files", "--virtual-time-budget=15000")

# Runs in the page. Marp hides all slides but one; for the look they are all shown.
PROBE = r"""
<style>
  svg.bespoke-marp-slide, svg[data-marpit-svg] { visibility: visible !important; content-visibility: visible !important; opacity: 1 !important;
    position: static !important; display: block !important; }
</style>
<script>
addEventListener("load", async () => {
  await document.fonts.ready;
  await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
  const MIN_FONT = 14, slides = [];
  for (const section of document.querySelectorAll("section")) {
    const box = section.getBoundingClientRect(), scale = box.width / 1280 || 1, wrong = [];
    const name = e => e.tagName.toLowerCase() + (e.className ? "." + String(e.className).split(" ")[0] : "") + " \"" +
      (e.alt || e.textContent || "").trim().slice(0, 40) + "\"";
    if (!(box.width > 0 && box.height > 0)) wrong.push("the slide was not laid out");
    if (section.scrollHeight > section.clientHeight + 1) wrong.push(`overflows downwards by ${section.scrollHeight - section.clientHeight} px`);
    if (section.scrollWidth > section.clientWidth + 1) wrong.push(`overflows sideways by ${section.scrollWidth - section.clientWidth} px`);
    for (const e of section.querySelectorAll("*")) {
      if (e.closest("svg") && !e.closest("section")) continue;
      const r = e.getBoundingClientRect(), footer = e.closest("footer");
      if (r.width === 0 && r.height === 0) { if (e.tagName === "IMG") wrong.push(`${name(e)} has no size`); continue; }
      const bottom = (r.bottom - box.top) / scale, right = (r.right - box.left) / scale, left = (r.left - box.left) / scale;
      if (!footer && bottom > 676) wrong.push(`${name(e)} ends at ${Math.round(bottom)}, below 676`);
      if (right > 1206 || left < 74 || r.top < box.top) wrong.push(`${name(e)} leaves the slide's edges (${Math.round(left)} to ${Math.round(right)})`);
      if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0) wrong.push(`${name(e)} is ${e.scrollWidth} wide, and has ${e.clientWidth}`);
      const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
      if (own && parseFloat(getComputedStyle(e).fontSize) < MIN_FONT) wrong.push(`${name(e)} is set in ${getComputedStyle(e).fontSize}`);
      if (e.tagName === "IMG" && !(e.complete && e.naturalWidth > 1 && r.height > 40)) wrong.push(`${name(e)} has not loaded`);
    }
    const heading = section.querySelector("h1, h2");
    slides.push({ title: heading ? heading.textContent : "", wrong: [...new Set(wrong)],
                  fill: Math.round((Math.max(0, ...[...section.children].filter(e => e.tagName !== "FOOTER").map(e => e.getBoundingClientRect().bottom)) - box.top) / scale) });
  }
  const fonts = [...document.fonts].filter(f => f.status === "loaded").map(f => f.family.replace(/"/g, ""));
  const verdict = document.createElement("script");
  verdict.type = "application/json";
  verdict.id = "verdict";
  verdict.textContent = "VERDICT" + JSON.stringify({ slides, fonts: [...new Set(fonts)] }).replace(/</g, "\\u003c") + "END";
  document.body.replaceChildren(verdict);
});
</script>
"""

# All slides in two columns; bespoke, which shows one at a time, loses its say.
SHEET = r"""
<script>
addEventListener("load", () => {
  const slides = [...document.querySelectorAll("svg[data-marpit-svg]")].slice(FIRST - 1, LAST).map(slide => slide.cloneNode(true));
  const sheet = document.createElement("div");
  sheet.id = document.querySelector("svg[data-marpit-svg]").parentElement.id;
  sheet.style = "display: grid; grid-template-columns: 812px 812px; gap: 6px; background: #888; position: absolute; left: 0; top: 0;";
  for (const slide of slides) {
    slide.setAttribute("style", "position: static; display: block; width: 812px; height: 456px; visibility: visible; opacity: 1; z-index: 0; content-visibility: visible;");
    sheet.append(slide);
  }
  document.body.replaceChildren(sheet);
  document.body.style = "overflow: visible; margin: 0";
});
</script>
"""


def chromium(*arguments):
    """One run of the browser, with a profile that goes away with it."""
    with tempfile.TemporaryDirectory(prefix="koan-slides-") as profile:
        done = subprocess.run(["chromium", *FLAGS, f"--user-data-dir={profile}", *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def measure(deck):
    """What the probe found: {"slides": [...], "fonts": [...]}."""
    page = deck.with_suffix(".probe.html")
    page.write_text(deck.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>"), encoding="utf-8")
    try:
        status, dom, errors = chromium("--window-size=1280,720", "--dump-dom", page.resolve().as_uri())
    finally:
        page.unlink()
    match = re.search(r"VERDICT(\{.*\})END", dom)
    if not match:
        raise RuntimeError(f"{deck}: the browser (status {status}) told nothing: {errors.strip()[-500:]}")
    return json.loads(match[1])


def pdf_pages(path):
    """How many pages a PDF has; Chromium writes the page objects uncompressed."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", path.read_bytes())) if path.is_file() else 0


def check(deck):
    """(passed, failed) of one deck; prints what is wrong."""
    found = measure(deck)
    passed = failed = 0
    for number, slide in enumerate(found["slides"], 1):
        for line in slide["wrong"]:
            print(f"{deck.name}: slide {number} ({slide['title']}): {line}")
        passed += not slide["wrong"]
        failed += bool(slide["wrong"])
    pages = pdf_pages(deck.with_suffix(".pdf"))
    rules = ((bool(found["slides"]), "has no slides"),
             ({"Inter", "JetBrains Mono"} <= set(found["fonts"]), f"its fonts have not loaded, only {found['fonts']}"),
             (pages == len(found["slides"]), f"its PDF has {pages} pages for {len(found['slides'])} slides"))
    for holds, complaint in rules:
        if not holds:
            print(f"{deck.name}: {complaint}")
        passed += bool(holds)
        failed += not holds
    print(f"{deck.name}: {len(found['slides'])} slides")
    return passed, failed


def print_pdf(deck, out):
    status, _, errors = chromium("--no-pdf-header-footer", f"--print-to-pdf={out.resolve()}", deck.resolve().as_uri())
    if status or not pdf_pages(out):
        print(f"slides: {out}: Chromium printed no page: {errors.strip()[-500:]}", file=sys.stderr)
        return 1
    return 0


def picture(deck, out, first, last):
    """All slides from first to last on one sheet, two in a row."""
    page, text = deck.with_suffix(".sheet.html"), deck.read_text(encoding="utf-8")
    count = min(last, len(re.findall(r"<section ", text))) - first + 1
    page.write_text(text.replace("</body>", SHEET.replace("FIRST", str(first)).replace("LAST", str(last)) + "</body>"), encoding="utf-8")
    try:
        chromium(f"--window-size=1640,{(count + 1) // 2 * 462 + 2}", f"--screenshot={out.resolve()}", page.resolve().as_uri())
    finally:
        page.unlink()
    return 0 if out.is_file() else 1


def main():
    """0: nothing to complain about."""
    parser = argparse.ArgumentParser(description="Look at built lectures in a headless Chromium.")
    parser.add_argument("--pdf", type=pathlib.Path)
    parser.add_argument("--png", type=pathlib.Path)
    parser.add_argument("--slides", default="1-999", help="with --png: FIRST-LAST")
    parser.add_argument("decks", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.pdf:
        return print_pdf(arguments.decks[0], arguments.pdf)
    if arguments.png:
        return picture(arguments.decks[0], arguments.png, *(int(n) for n in arguments.slides.split("-")))
    passed = failed = 0
    for deck in arguments.decks:
        try:
            good, bad = check(deck)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as problem:
            print(problem)
            good, bad = 0, 1
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
