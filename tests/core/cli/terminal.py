"""A terminal with a command in it, as a person has one."""

from __future__ import annotations

import contextlib
import os
import re
import select
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

# The new session takes the terminal for its own, so that Ctrl-C is a signal to it.
_BOOT = """
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("turnout", run_name="__main__", alter_sys=True)
"""

# What comes and goes: the switch of bracketed paste, and the sign of life.
_TRANSIENT = re.compile(
    r"\x1b\[\?2004[hl]\r?"
    r"|\r(?:\x1b\[2m)?waiting for [^\x1b]*(?:\x1b\[0m)?\x1b\[K"
    r"|\r\x1b\[K(?!\n)"
)

_PATIENCE = 120.0
"""Seconds that something expected has to appear."""


class Terminal:
    """Runs `turnout` on a terminal of its own for one `with` block.

    Args:
        arguments: Of the command.
        folder: The working directory.
        environment: All of it.
        stdout: A file that standard output goes to in place of the terminal.
        columns: Of the screen.
        lines: Of the screen.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdout: Path | None = None,
        *,
        columns: int = 80,
        lines: int = 24,
    ) -> None:
        self._arguments = arguments
        self._folder = folder
        self._environment = environment
        self._stdout = stdout
        self._size = columns, lines
        self._expected = 0
        """How much of the text was returned by `expect`."""
        self.sent = b""
        """All that was sent to the terminal, as it was sent."""

    def __enter__(self) -> Self:
        pty = pytest.importorskip("pty")  # Windows has none.
        self._master, slave = pty.openpty()
        self.resize(*self._size)
        output = slave
        if self._stdout is not None:
            output = os.open(self._stdout, os.O_WRONLY | os.O_CREAT)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, *self._arguments],
            cwd=self._folder,
            env=dict(self._environment),
            stdin=slave,
            stdout=output,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        if output != slave:
            os.close(output)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._leave()
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _leave(self) -> None:
        """Press Ctrl-D until the command ends, a few times at most.

        One that comes between an answer and the prompt is lost.
        """
        for _ in range(5):
            if self._process.poll() is not None:
                return
            self.type("\x04")
            with contextlib.suppress(AssertionError):
                while self._read(time.monotonic() + 2.0):
                    pass
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(2.0)

    def type(self, text: str) -> None:
        """Type a text; a newline is the return key, `\\x03` Ctrl-C, `\\x04` Ctrl-D.

        Ctrl-C waits until the command waits. Python's `input` loses one that comes just
        before it begins to wait, and goes on until the next key.
        """
        if text == "\x03":
            self._settle()
        os.write(self._master, text.encode(errors="surrogateescape"))

    @property
    def echoes(self) -> bool:
        """Whether the terminal itself shows what is typed."""
        import termios

        modes: list[int] = termios.tcgetattr(self._master)[3:4]
        return bool(modes[0] & termios.ECHO)

    def kill(self) -> None:
        """Kill the command, as a user's `kill -9` does."""
        self._process.kill()
        self._process.wait()

    def _settle(self) -> None:
        """Return when the command's main thread has been asleep for a moment.

        One that writes an answer sleeps when the buffer of the terminal is full.
        """
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():  # As on macOS.
            time.sleep(0.2)
            return
        before = ""
        while self._process.poll() is None:
            # The state, and how often the thread has gone to sleep.
            lines = status.read_text().splitlines()
            now = " ".join(line for line in lines if "State" in line or "ctxt" in line)
            if now == before and "S (sleeping)" in now:
                return
            before = now
            time.sleep(0.05)

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the screen."""
        import fcntl
        import termios

        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    @property
    def screen(self) -> str:
        """All that was shown, with plain newlines, without what comes and goes."""
        text = self.sent.decode("utf-8", "replace").replace("\r\n", "\n")
        return _TRANSIENT.sub("", text)

    def expect(self, text: str) -> str:
        """Return what was shown since the last call, up to and with a text."""
        deadline = time.monotonic() + _PATIENCE
        while (start := self.screen.find(text, self._expected)) < 0:
            if not self._read(deadline):
                raise AssertionError(
                    f"{text!r} never came; on the screen: {self._rest!r}"
                )
        begin, self._expected = self._expected, start + len(text)
        return self.screen[begin : self._expected]

    @property
    def _rest(self) -> str:
        return self.screen[self._expected :]

    def wait(self) -> None:
        """Wait for more to be shown."""
        self._read(time.monotonic() + _PATIENCE)

    def end(self) -> int:
        """Wait for the command's end and return its exit status."""
        deadline = time.monotonic() + _PATIENCE
        while self._read(deadline):
            pass
        return self._process.wait(_PATIENCE)

    def interrupt(self) -> int:
        """Press Ctrl-C until the command ends, and return its exit status.

        Once is not enough where it comes just before Python's `input` begins to wait,
        which then goes on until the next key.
        """
        deadline = time.monotonic() + _PATIENCE
        while self._process.poll() is None:
            self.type("\x03")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
            assert time.monotonic() < deadline
        return self.end()

    def _read(self, deadline: float) -> bool:
        left = max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([self._master], [], [], left)
        if not ready:
            raise AssertionError(f"nothing came; on the screen: {self._rest!r}")
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux says EIO when nobody has the terminal open any more.
            data = b""
        self.sent += data
        return bool(data)
