"""Tell of the targets that could not be asked, as it happens.

A route falls back in silence, which is right for a program; a person wants to know
why the answer is late, and whose it is.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from turnout._face import observe
from turnout._names import followed
from turnout.cli._output import said
from turnout.errors import TurnoutError
from turnout.routes import Route
from turnout.streams import Stream
from turnout.types import Target

if TYPE_CHECKING:
    from turnout._hooks import Observation

__all__ = ["Narrator"]


class Narrator:
    """Note each attempt that came to nothing, and who is asked next.

    Args:
        route: What is asked.
        note: Takes a line.
    """

    def __init__(self, route: Route, note: Callable[[str], None]) -> None:
        # Else Python writes on stderr what this tells of already.
        logging.getLogger("turnout.attempts").addHandler(logging.NullHandler())
        self._note = note
        self._stream: Stream | None = None
        self._told = 0
        self._names = Counter(bound.provider.info.name for bound in route.targets)
        self._observation: Observation | None = None

    def begin(self, stream: Stream) -> None:
        """Tell of this stream from now on."""
        self._stream = stream
        self._told = 0
        if self._observation is None:
            # Until the command ends; it has one request under way at a time.
            self._observation = observe(started=lambda one: self._tell(one.target))

    def end(self, error: TurnoutError) -> None:
        """Tell of the attempts that nobody was asked after.

        Args:
            error: How the stream ended, which the command itself tells of.
        """
        self._tell(but=error)

    def name(self, target: Target) -> str:
        """Return a target's name, as short as it can be told from the others'."""
        return str(target) if self._names[target.provider] > 1 else target.provider

    def _tell(
        self, asking: Target | None = None, *, but: TurnoutError | None = None
    ) -> None:
        assert self._stream is not None
        attempts = self._stream.reply.attempts
        lines = [
            said(attempt.error, self.name(attempt.target))
            for attempt in attempts[self._told :]
            if attempt.error is not None and attempt.error is not but
        ]
        self._told = len(attempts)
        if lines and asking is not None:
            again = attempts[-1].target == asking
            whom = "it again" if again else self.name(asking)
            lines[-1] = followed(lines[-1], f"asking {whom}")
        for line in lines:
            self._note(line)
