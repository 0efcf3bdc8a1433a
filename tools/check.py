#!/usr/bin/python3
"""Run the checks of `make check` one after the other and add up what they say.

Every check is a make target whose last line of output reads `N passed, N failed` or
`N passed, N failed, N skipped`. A check that ends without such a line, or with a status
other than 0 while it says that nothing failed, counts as one failure of its own: silence
is never a success. The very last line printed here is the sum.
"""

import re
import subprocess
import sys
import time
import unittest

from koanrun.errors import UsageError

MAKES_WORD = re.compile(r"make(?:\[\d+\])?: ")
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def parse_summary(text):
    """(passed, failed, skipped) of the last line that is neither blank nor make's own word on a failed target, or None."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not MAKES_WORD.match(line)]
    match = SUMMARY.match(lines[-1]) if lines else None
    return tuple(int(n or 0) for n in match.groups()) if match else None


def judge(name, status, text):
    """The counts of one check and a complaint (or None) about how it reported them."""
    counts = parse_summary(text)
    if counts is None:
        return (0, 1, 0), f"{name}: ended with status {status} and no line `N passed, N failed`"
    passed, failed, skipped = counts
    if status != 0 and failed == 0:
        return (passed, 1, skipped), f"{name}: says that nothing failed, yet ended with status {status}"
    if passed + failed + skipped == 0:
        return (0, 1, 0), f"{name}: ran no test at all"
    return counts, None


def format_summary(passed, failed, skipped=0):
    """The line that `make check` and CI end with."""
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def sum_up(totals):
    """Print the last line of a runner whose parts are these (passed, failed): its exit status."""
    passed, failed = (sum(total[i] for total in totals) for i in (0, 1))
    print(format_summary(passed, failed))
    return 1 if failed else 0


def run_main(name, main, *arguments):
    """How a runner's file ends: leave with main's status. A missing tool or bad use is a failure, too."""
    try:
        sys.exit(main(*arguments))
    except UsageError as error:
        print(f"{name}: {error}\n{format_summary(0, 1)}")
        sys.exit(2)


def run_cases(cases):
    """Judge (name, complaints, more) one by one, with a line for each and the sum; the exit status. No complaint: passed."""
    totals = []
    for name, complaints, more in cases:
        wrong = list(complaints)
        print(f"{name}: {'; '.join(wrong) or 'ok'}{more}", flush=True)
        totals.append((not wrong, bool(wrong)))
    return sum_up(totals)


def run_suite(suite, verbosity=1):
    """Run a unittest suite on standard output; (passed, failed, skipped). A suite without a test has failed."""
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=verbosity).run(suite)
    # A test with parts (subTest) may fail several times, and counts once.
    broken = [test for test, _ in [*result.failures, *result.errors]] + result.unexpectedSuccesses
    failed = len({getattr(test, "test_case", test).id() for test in broken})
    skipped = len(result.skipped)
    return max(0, result.testsRun - failed - skipped), failed if result.testsRun else 1, skipped


def run_target(name, variables):
    """Run one make target, show its output as it comes, and return (status, output)."""
    command = ["make", "--no-print-directory", name, *variables]
    # close_fds=False hands make's job server down, so that -j of the outer make holds inside, too.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, close_fds=False)
    output = []
    for raw in process.stdout:
        line = raw.decode("utf-8", "replace")
        output.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
    return process.wait(), "".join(output)


def main(arguments):
    """check.py [VARIABLE=VALUE...] -- CHECK...: the status is 0 only if nothing failed."""
    split = arguments.index("--")
    variables, names = arguments[:split], arguments[split + 1:]
    total = [0, 0, 0]
    complaints, rows = [], []
    status, _ = run_target("all", variables)
    if status != 0:
        print("make all: the tree does not build, so no test ran")
        print(format_summary(0, 1, 0))
        return 1
    for name in names:
        print(f"== {name}", flush=True)
        start = time.monotonic()
        counts, complaint = judge(name, *run_target(name, variables))
        rows.append((name, counts, time.monotonic() - start))
        total = [a + b for a, b in zip(total, counts)]
        if complaint:
            complaints.append(complaint)
    print()
    for name, counts, seconds in rows:
        print(f"  {name:24} {format_summary(*counts):36} {seconds:6.1f} s")
    for complaint in complaints:
        print(complaint)
    if not names:
        print("tools/check.py: no check is listed in CHECKS, so nothing was shown to work")
        total[1] += 1
    print(format_summary(*total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
