#!/usr/bin/python3
"""Regenerate the outputs that README.md shows, so that none goes stale.

    readme_outputs.py           run the commands and write README.md anew
    readme_outputs.py --check   end with 1 if a block's shape is wrong (no command is run)

A block stands between two lines

    <!-- output: COMMAND -->
    <!-- end -->

What is between them is replaced by the command and what it printed, standard error included.
`<!-- output: COMMAND | tail -n 5 -->` and the like work: the command goes through the shell.
"""

import pathlib
import re
import subprocess
import sys

from check import format_summary

README = pathlib.Path("README.md")
BLOCK = re.compile(r"(<!-- output: (?P<command>[^\n]*?) -->\n)(?P<shown>.*?)(<!-- end -->\n)", re.DOTALL)
# A pipe behind the command shortens the output; the reader need not see it.
SHORTEN = re.compile(r"\s*(?:2>&1\s*)?\|\s*(?:tail|head|grep|sed|cut)\b.*$")


def output_of(command):
    """What the command prints. It must succeed: a failure is no output to show."""
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise SystemExit(f"readme_outputs: `{command}` ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def regenerate(text, run=output_of):
    """TEXT with every block filled by RUN(command)."""
    def fill(match):
        command = match["command"]
        lines = [line.rstrip() for line in run(command).splitlines()]
        shown = "\n".join([f"$ {SHORTEN.sub('', command)}", *lines])
        return f"{match[1]}```console\n{shown}\n```\n{match[4]}"
    return BLOCK.sub(fill, text)


def problems(text):
    """Blocks that are open, empty or shown without their command."""
    found = []
    blocks = list(BLOCK.finditer(text))
    if not blocks or len(blocks) != text.count("<!-- output:") or len(blocks) != text.count("<!-- end -->"):
        found.append("README.md: an output block has no end, or an end no block")
    for block in blocks:
        lines = block["shown"].splitlines()
        if len(lines) < 4 or lines[0] != "```console" or lines[-1] != "```":
            found.append(f"README.md: nothing is shown for `{block['command']}`; run tools/readme_outputs.py")
        elif lines[1] != f"$ {SHORTEN.sub('', block['command'])}":
            found.append(f"README.md: the block of `{block['command']}` shows another command")
    return found


def main(arguments):
    """Regenerate, or check."""
    text = README.read_text(encoding="utf-8")
    if arguments == ["--check"]:
        found = problems(text)
        print("\n".join(found + [format_summary(int(not found), len(found))]))
        return 1 if found else 0
    README.write_text(regenerate(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
