"""git for the scripts of this folder: without the user's hooks and settings where a repository is ours."""

import os
import subprocess

from problem import Problem

_QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
_WHO = {"GIT_AUTHOR_NAME": "Koan", "GIT_AUTHOR_EMAIL": "koan@localhost",
        "GIT_COMMITTER_NAME": "Koan", "GIT_COMMITTER_EMAIL": "koan@localhost"}


def try_git(folder, *arguments, ours=False, name=False):
    """Run git; the finished process. ours: none of the user's settings. name: our name where the user has none."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment.update({**_QUIET, **_WHO} if ours else {})
    if name and not ours and subprocess.run(["git", "-C", str(folder), "config", "user.email"], capture_output=True,
                                            env=environment, check=False).returncode:
        environment.update(_WHO)
    return subprocess.run(["git", "-C", str(folder), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=environment, check=False)


def git(folder, *arguments, **more):
    """What git prints; a refusal if it fails."""
    done = try_git(folder, *arguments, **more)
    if done.returncode:
        raise Problem(str(folder), f"git {arguments[0]}: {(done.stderr or done.stdout).strip()}", "see to what git says, then try again")
    return done.stdout.rstrip("\n")


def tracked_files(tree):
    """The files that git knows in a tree and that are there."""
    names = git(tree, "ls-files", "-z").split("\0")
    return [name for name in names if name and os.path.isfile(os.path.join(tree, name))]
