"""Changing single values of picam.toml, so that its explanations stay where they are.

The file is edited by lines, and then read as a whole: if the result says anything but the old content
with the new values, nothing is written.
"""

import copy
import re

from . import Refused

try:
    import tomllib
except ImportError:  # before Python 3.11
    tomllib = None

HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(#.*)?$")
# A commented example is "#key = value"; an explanation has a space after the #.
COMMENTED_HEADER = re.compile(r"#\[\[?[A-Za-z0-9_.-]+\]\]?\s*$")


def basic_string(text):
    """TOML 1.0, "Basic strings"."""
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    out = []
    for c in text:
        if c in short:
            out.append(short[c])
        elif ord(c) < 0x20 or ord(c) == 0x7F:
            out.append(f"\\u{ord(c):04X}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def set_values(text, changes):
    """The text with changes = {(section, key): value} made."""
    newline = "\r\n" if "\r\n" in text else "\n"
    # Not splitlines(): it also splits at characters that end no line in TOML.
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    for (section, key), value in changes.items():
        set_value(lines, section, key, basic_string(value))
    result = newline.join(lines) + newline
    check(text, changes, result)
    return result


def set_value(lines, section, key, value):
    start, end = bounds(lines, section)
    if start is None:
        lines += ["", f"[{section}]", f"{key} = {value}"]
        return
    active = re.compile(rf"\s*{re.escape(key)}\s*=\s*")
    example = re.compile(rf"#{re.escape(key)}\s*=")
    for number in range(start, end):
        match = active.match(lines[number])
        if match:
            lines[number] = f"{key} = {value}{trailing_comment(lines[number][match.end() :])}"
            return
    for number in range(start, end):
        if COMMENTED_HEADER.match(lines[number]):
            break
        match = example.match(lines[number])
        if match:
            lines[number] = f"{key} = {value}{trailing_comment(lines[number][match.end() :])}"
            return
    lines.insert(start, f"{key} = {value}")


def bounds(lines, section):
    """The lines of a [section], from behind its header to the next one."""
    start = None
    for number, line in enumerate(lines):
        match = HEADER.match(line)
        if not match:
            continue
        if start is not None:
            return start, number
        if match[1] == "[" and match[2] == section:
            start = number + 1
    return start, len(lines)


def trailing_comment(rest):
    """What follows a value on its line; a # within quotes begins no comment."""
    match = re.match(r"""\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#"']*?)(\s*#.*)?$""", rest)
    return (match[1] or "") if match else ""


def check(before, changes, after):
    """Refuses a result that says anything but what was asked."""
    if tomllib is None:
        return
    try:
        wanted = copy.deepcopy(tomllib.loads(before))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"the image's picam.toml is no TOML: {error}") from None
    for (section, key), value in changes.items():
        wanted.setdefault(section, {})[key] = value
    try:
        same = tomllib.loads(after) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        keys = ", ".join(f"{section}.{key}" for section, key in changes)
        raise Refused(
            f"the image's picam.toml is laid out in a way that {keys} cannot be set in; edit it by hand"
        )
