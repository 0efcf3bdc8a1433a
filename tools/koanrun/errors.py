"""Errors that the user can mend. Each text names the thing, the place and the remedy."""


class UsageError(Exception):
    """Bad use, a bad image or a missing tool: koan-run prints the text and exits 2."""
