"""Two domains that share a page and wake each other."""

from domainscase import Pair


class Two(Pair):
    """The lender's page is answered in place, and both hear of it by events."""
