"""The command line. Its commands are imported when they are called."""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]

_INTERRUPTED = 130
"""The exit status that shells give to what SIGINT ended: 128 and its number."""


def main() -> NoReturn:
    """Run the process's command line, and end the process.

    Ctrl-C ends it quietly, also while modules are imported.
    """
    try:
        from turnout.cli._main import run

        status = run()
    except KeyboardInterrupt:
        status = _INTERRUPTED
    sys.exit(status)
