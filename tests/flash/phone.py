"""What a phone reads in a QR code."""

import re

from fixture import sh


def scan(picture):
    """What is in a QR code; raw bytes, for zbar would guess a character set."""
    return sh("zbarimg", "--quiet", "--raw", "--oneshot", "-Sbinary", picture).decode()


def read_wifi(code):
    """As phones read it: fields up to an unescaped ; with \\ before special characters."""
    match = re.fullmatch(r"WIFI:((?:[A-Z]:(?:\\.|[^\\;,:\"])*;)+);", code, re.DOTALL)
    fields = re.findall(r"([A-Z]):((?:\\.|[^\\;])*);", match[1], re.DOTALL)
    return {key: re.sub(r"\\(.)", r"\1", value) for key, value in fields}


def draw(said, path):
    """The code as a terminal shows it, white on black, as a picture that zbarimg reads."""
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    rows = []
    for line in re.findall("\x1b\\[40;37;1m([ ▀▄█]+)\x1b\\[0m", said):
        for half in (0, 1):
            rows.append([halves[c][half] for c in line])
    width = len(rows[0])
    zoom = 6
    pixels = [
        " ".join(str(1 - light) for light in row for _ in range(zoom)) for row in rows for _ in range(zoom)
    ]
    path.write_text(f"P1\n{width * zoom} {len(pixels)}\n" + "\n".join(pixels) + "\n", encoding="ascii")
    return path
