"""A sign of life while no answer comes: `waiting for NAME…` on a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

import click

from turnout.cli._output import dimmed, is_dumb, on_terminal, one_line

__all__ = ["Waiting"]

_INTERVAL = 1.0
"""Seconds between two updates."""

_COLUMNS = 80
"""Of a terminal that does not say."""

_ERASE = "\r\x1b[K"
"""Moves to the start of the line, and clears it."""


class Waiting:
    """Show on one line of standard error which target is waited for.

    The line is shown only if standard error is a terminal that can clear it again.
    """

    def __init__(self) -> None:
        self._name = ""
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def show(self, name: str) -> None:
        """Show a name, and count the seconds. An event loop has to run."""
        self.clear()
        if on_terminal(sys.stderr) and not is_dumb():
            self._name = one_line(name)
            self._began = asyncio.get_running_loop().time()
            self._draw()

    def clear(self) -> None:
        """Remove the line, if there is one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            click.echo(_ERASE, nl=False, err=True, color=True)

    def _draw(self) -> None:
        loop = asyncio.get_running_loop()
        seconds = int(loop.time() - self._began)
        line = f"waiting for {self._name}…"
        if seconds:
            line += f" {seconds} s"
        # A line that wraps could not be cleared.
        line = line[: max(_columns() - 1, 0)]
        click.echo(f"\r{dimmed(line)}\x1b[K", nl=False, err=True, color=True)
        self._timer = loop.call_later(_INTERVAL, self._draw)


def _columns() -> int:
    """Return the width of standard error's terminal; standard output may be a file."""
    columns = 0
    with contextlib.suppress(OSError, ValueError):
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    return columns or _COLUMNS
