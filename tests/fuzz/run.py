#!/usr/bin/env python3
"""Runs host fuzzers one after another: run.py RUNS DIR NAME...

DIR holds the programs NAME, their first inputs seeds/NAME, and gets what they find: corpus/NAME (inputs that reached
new code) and crash-NAME-*. The random seed is fixed and the corpus begins empty, so that runs are alike. Last line:
`N passed, N failed`.
"""
import os
import shutil
import subprocess
import sys


def run(folder, name, runs):
    """Runs one fuzzer; returns (good, its output)."""
    corpus = os.path.join(folder, "corpus", name)
    shutil.rmtree(corpus, ignore_errors=True)
    os.makedirs(corpus)
    result = subprocess.run(
        [os.path.join(folder, name), f"-runs={runs}", "-seed=1", "-max_len=4096", "-timeout=60",
         f"-artifact_prefix={folder}/crash-{name}-", corpus, os.path.join(folder, "seeds", name)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return result.returncode == 0, result.stdout


def main():
    runs, folder, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    failed = 0
    for name in names:
        good, output = run(folder, name, runs)
        last = [line for line in output.splitlines() if "cov:" in line][-1:]
        print(f"{'ok  ' if good else 'FAIL'} fuzz {name}: {runs} runs {' '.join(last)}")
        if not good:
            failed += 1
            print(output[-6000:])
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
