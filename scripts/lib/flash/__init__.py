"""The parts of scripts/flash. Python 3.9 or newer and its standard library; nothing else is imported."""


class Refused(Exception):
    """What was asked for cannot be done; the message says why and what to do instead."""


class BadInput(Refused):
    """An option's value cannot be used."""
