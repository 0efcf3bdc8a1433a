#!/usr/bin/python3
"""The light check of the slides: the parts' unit tests, then every deck's source. Ends in `N passed, N failed`."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tools")]

import deck  # noqa: E402  (the path comes first)
from check import format_summary, run_suite  # noqa: E402


def check_decks():
    """(passed, failed): one test for each slide, and one for each diagram, which some slide must show."""
    bench, shown = deck.Bench(None), set()
    passed = failed = 0
    decks = sorted(HERE.parent.glob("[0-9]*.md"))
    for path in decks:
        text = path.read_text(encoding="utf-8")
        problems = deck.problems_of(path, bench)
        for line in problems:
            print(line)
        slides = len(deck.split_slides(text)[1]) if not problems or "front matter" not in problems[0] else 1
        failed += len(problems)
        passed += max(0, slides - len(problems))
        shown |= {match[2].split()[0] for match in deck.DIRECTIVE.finditer(text) if match[1] == "diagram"}
    for path in sorted(deck.DIAGRAMS.glob("*.dot")):
        if path.stem not in shown:
            print(f"slides/diagrams/{path.name}: no slide shows it; remove it, or show it")
        passed += path.stem in shown
        failed += path.stem not in shown
    if not decks:
        print("slides: there is no deck at all")
        failed += 1
    return passed, failed


def main():
    """Every test_*.py beside this file, and the decks."""
    suite = unittest.defaultTestLoader.discover(str(HERE), top_level_dir=str(HERE))
    passed, failed, skipped = run_suite(suite)
    decks_passed, decks_failed = check_decks()
    print(format_summary(passed + decks_passed, failed + decks_failed, skipped))
    return 1 if failed + decks_failed else 0


if __name__ == "__main__":
    sys.exit(main())
