"""Suggestions for unknown names."""

import difflib


def nearest(name, known):
    """Returns a sentence such as " Did you mean 'dcgan_digits'?" with a leading space, or "" without a similar name."""
    found = difflib.get_close_matches(str(name).lower(), list(map(str, known)), 1)
    return f" Did you mean {found[0]!r}?" if found else ""
