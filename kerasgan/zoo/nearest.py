"""What somebody may have meant who wrote a name that does not exist."""

import difflib


def nearest(name, known):
    """A sentence with a space before it, " Did you mean 'dcgan_digits'?", or "" where nothing is like it."""
    found = difflib.get_close_matches(str(name).lower(), list(map(str, known)), 1)
    return f" Did you mean {found[0]!r}?" if found else ""
