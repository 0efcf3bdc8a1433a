#!/usr/bin/env python3
"""Runs the unit-test programs named on the command line, one after another, and sums up.

Each prints `N passed, N failed` as its last line. One that ends without it (a crash, a sanitizer's
report) counts as one failure and its output is shown. The last line is the sum of all.
"""
import os
import re
import subprocess
import sys

SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$")


def run(program):
    """Runs one program; returns (passed, failed, output)."""
    result = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors="replace", check=False)
    lines = result.stdout.rstrip().splitlines()
    match = SUMMARY.match(lines[-1]) if lines else None
    if not match:
        return 0, 1, result.stdout + f"\nended with status {result.returncode}, no summary"
    passed, failed = int(match[1]), int(match[2])
    if result.returncode != 0 and failed == 0:
        failed = 1
    return passed, failed, result.stdout


def main():
    total_passed = total_failed = 0
    for program in sys.argv[1:]:
        passed, failed, output = run(program)
        total_passed += passed
        total_failed += failed
        print(f"{'FAIL' if failed else 'ok  '} {os.path.basename(program)}: "
              f"{passed} passed, {failed} failed")
        if failed:
            print(output)
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed or not total_passed else 0


if __name__ == "__main__":
    sys.exit(main())
