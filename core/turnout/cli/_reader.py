"""Read the messages that a user types on a terminal.

A paste of several lines is one message. GNU readline says where a paste begins and
ends. Without it (libedit, no readline, a terminal without escapes, an output that is
not the terminal) lines that arrive together count as one paste.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import select
import sys
from collections.abc import Generator
from typing import NamedTuple

import click

from turnout.cli._output import is_dumb, note, on_terminal

__all__ = ["Reader", "Typed"]

_PROMPT = "> "
_CONTINUED = "... "
"""The prompt of a line inside of a message."""

_QUOTES = '"""'
"""Stands before and after a message of several lines."""

_QUIET = 0.05
"""Seconds without input after which a paste has ended."""


class Typed(NamedTuple):
    """A message that was typed."""

    text: str
    is_line: bool
    """Whether it is one line, which may be a command."""


class Reader:
    """Read what is typed, message by message."""

    def __init__(self) -> None:
        self._ended = False
        self._brackets = on_terminal(sys.stdout) and _use_readline() and not is_dumb()
        if self._brackets:
            # Python switches it off.
            importlib.import_module("readline").parse_and_bind(
                "set enable-bracketed-paste on"
            )

    def read(self) -> Typed | None:
        """Return the next message that is not blank; None at the end of the input.

        Raises:
            KeyboardInterrupt: The user pressed Ctrl-C; what was typed is dropped.
        """
        while not self._ended and (text := self._line(_PROMPT)) is not None:
            if text.lstrip().startswith(_QUOTES):
                return self._quoted(text.lstrip().removeprefix(_QUOTES))
            if text.strip():
                return Typed(text.rstrip(), "\n" not in text.strip())
        return None

    @contextlib.contextmanager
    def no_echo(self) -> Generator[None]:
        """Do not show what is typed in the block, such as `^[[A` for an arrow key.

        The next `read` gets it, and readline shows it then. Nothing changes without
        readline, as typed text would stay hidden, nor without termios, as on Windows.
        """
        has_termios = importlib.util.find_spec("termios") is not None
        if not (self._brackets and on_terminal(sys.stdin) and has_termios):
            yield
            return
        termios = importlib.import_module("termios")
        file = sys.stdin.fileno()
        before = termios.tcgetattr(file)
        during = list(before)
        during[3] &= ~termios.ECHO  # The local modes.
        # Not TCSAFLUSH, which would drop what is typed ahead.
        termios.tcsetattr(file, termios.TCSANOW, during)
        try:
            yield
        finally:
            termios.tcsetattr(file, termios.TCSANOW, before)

    def _quoted(self, text: str) -> Typed | None:
        """Return a message up to the closing quotes; None if the input ends before."""
        lines = [text]
        while not lines[-1].rstrip().endswith(_QUOTES):
            line = self._line(_CONTINUED)
            if line is None:
                return None
            lines.append(line)
        whole = "\n".join(lines).rstrip().removesuffix(_QUOTES)
        return Typed(whole.strip("\n"), False)

    def _line(self, prompt: str) -> str | None:
        """Return a line, or a paste of several; None at the end of the input."""
        try:
            if on_terminal(sys.stdout):
                line = input(prompt)
            else:
                # What goes into a pipe is data. `input` would write its prompt there.
                click.echo(prompt, nl=False, err=True)
                line = input()
        except EOFError:
            click.echo(err=True)
            return None
        return line if self._brackets else line + self._pasted()

    def _pasted(self) -> str:
        """Return what has arrived together with a line, in lines of its own."""
        data = b""
        with contextlib.suppress(OSError, ValueError):  # Windows selects sockets alone.
            file = sys.stdin.fileno()
            while select.select([file], [], [], _QUIET if data else 0)[0]:
                # Ctrl-D is a character if it came while readline had the terminal.
                chunk, ctrl_d, _ = os.read(file, 65536).partition(b"\x04")
                data += chunk
                if ctrl_d or not chunk:
                    self._ended = True
                    break
        text = data.decode(errors="replace").replace("\r", "\n").rstrip()
        if not text.strip():
            return ""
        count = text.count("\n") + 2
        note(f"{count} lines came together and are sent as one message")
        return f"\n{text}"


def _use_readline() -> bool:
    """Load readline, and return whether it is GNU's.

    With it a line can be edited, and earlier lines come back with the arrow keys.
    Windows has none and needs none.
    """
    try:
        readline = importlib.import_module("readline")
    except ImportError:
        return False
    return "libedit" not in (readline.__doc__ or "")
