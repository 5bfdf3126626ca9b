"""The version, which the room below all others shows too."""

__version__ = "0.1.0"
