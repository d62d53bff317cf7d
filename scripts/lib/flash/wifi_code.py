"""The QR code by which a phone joins the camera's network."""

import subprocess

from . import Refused


def escape(text):
    r"""The characters that separate fields are escaped: \ ; , : and "."""
    return "".join("\\" + c if c in '\\;,:"' else c for c in text)


def content(ssid, passphrase):
    """What the code says. Phones know WPA2 under the name WPA."""
    return f"WIFI:T:WPA;S:{escape(ssid)};P:{escape(passphrase)};;"


def qrencode(text, *options):
    """Runs qrencode; the text goes through a pipe, for other users can read a command line."""
    command = ["qrencode", "--level=M", *options]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True)
    except FileNotFoundError:
        raise Refused("qrencode is missing; run: scripts/setup flash") from None
    if done.returncode != 0:
        raise Refused(f"qrencode: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def for_terminal(text):
    """The code in black and white whatever the terminal's colours are."""
    return qrencode(text, "--type=ANSIUTF8", "--margin=2", "--output=-").decode()


def as_text(text):
    """The code in block characters, for a text file."""
    return qrencode(text, "--type=UTF8", "--margin=2", "--output=-").decode()


def as_png(text):
    """A picture to print."""
    return qrencode(text, "--type=PNG", "--size=8", "--margin=4", "--output=-")
