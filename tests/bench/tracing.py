#!/usr/bin/python3
"""What trace points that are off cost, in instructions: the bench guest on Koan, and on a Koan that has none (NO_TRACE=1).

    tracing.py KOAN_WITHOUT

Every row of guests/bench is judged; the bar is 3 %. The last line is `N passed, N failed`.
"""

import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "tools"), str(pathlib.Path(__file__).resolve().parent)]

from bench import Run  # noqa: E402  (the path comes first)
from check import format_summary, run_main  # noqa: E402

BAR = 1.03


def main(arguments):
    """Measure and compare; the exit status."""
    with_them, without = Run("koan"), Run("koan", koan_elf=pathlib.Path(arguments[0]))
    failed = 0
    print(f"{'instructions a round':26}{'off':>10}{'none':>10}{'ratio':>10}")
    for name, cost in with_them.rows.items():
        ratio = cost / without.rows[name]
        failed += ratio > BAR
        print(f"{name:26}{cost:>10}{without.rows[name]:>10}{ratio:>10.3f}" + (f"   more than {BAR}" if ratio > BAR else ""))
    print(format_summary(len(with_them.rows) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    run_main("tracing", lambda: main(sys.argv[1:]))
