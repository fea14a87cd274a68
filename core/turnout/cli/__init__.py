"""The command line. Its commands are imported when they are called."""

from turnout.cli._main import main

__all__ = ["main"]
