"""Reads what is plainly written in recipes, without bitbake: assignments of constant strings."""

import re


def statements(path):
    """Lines of a recipe without comments, continued lines joined."""
    joined, parts = [], []
    for line in path.read_text().splitlines():
        if not parts and line.lstrip().startswith("#"):
            continue
        parts.append(line.rstrip("\\"))
        if not line.endswith("\\"):
            joined.append("".join(parts))
            parts = []
    return joined


def value(path, name):
    """The words that a recipe assigns and adds to a variable, in one string."""
    pattern = re.compile(rf'^{re.escape(name)}\s*(?:\?\?|\?|\+|\.|:)?=\+?\s*"(.*)"\s*$')
    found = [match.group(1) for line in statements(path) if (match := pattern.match(line))]
    return " ".join(found)


def words(path, name):
    """The same as a list."""
    return value(path, name).split()
