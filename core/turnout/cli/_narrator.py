"""Show which targets failed, and which one is asked next.

A route falls back in silence, which is right for a program. A person wants to know
why an answer is late, and which model gives it.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from turnout._face import observe
from turnout._names import followed
from turnout.cli._output import said
from turnout.cli._views import View
from turnout.errors import TurnoutError
from turnout.routes import Route
from turnout.streams import Stream
from turnout.types import Target

if TYPE_CHECKING:
    from turnout._hooks import Observation

__all__ = ["Narrator"]


class Narrator:
    """Note each attempt that failed, and which target is asked next.

    Args:
        route: What is asked.
        view: Shows the lines, and which target is waited for.
    """

    def __init__(self, route: Route, view: View) -> None:
        # Without a handler Python writes the same to standard error.
        logging.getLogger("turnout.attempts").addHandler(logging.NullHandler())
        self._view = view
        self._stream: Stream | None = None
        self._noted = 0
        self._last = ""
        """The line that was noted last."""
        self._names = Counter(bound.provider.info.name for bound in route.targets)
        self._observation: Observation | None = None

    def begin(self, stream: Stream) -> None:
        """Observe this stream from now on."""
        self._stream = stream
        self._noted = 0
        self._last = ""
        self._observation = observe(started=lambda one: self._note(one.target))

    def end(self, error: TurnoutError) -> None:
        """Note the attempts after the last note.

        Args:
            error: How the stream ended. The command itself shows it.
        """
        self._note(but=error)

    def stop(self) -> None:
        """Stop observing, when the stream has ended."""
        assert self._observation is not None
        self._observation.stop()

    def name(self, target: Target) -> str:
        """Return a target's name: the provider's if no other target has it."""
        return str(target) if self._names[target.provider] > 1 else target.provider

    def _note(
        self, asking: Target | None = None, *, but: TurnoutError | None = None
    ) -> None:
        assert self._stream is not None
        attempts = self._stream.reply.attempts
        lines = [
            said(attempt.error, self.name(attempt.target))
            for attempt in attempts[self._noted :]
            if attempt.error is not None and attempt.error is not but
        ]
        self._noted = len(attempts)
        if lines and asking is not None:
            again = attempts[-1].target == asking
            what = "it again" if again else self.name(asking)
            lines[-1] = followed(lines[-1], f"asking {what}")
        for line in lines:
            if line != self._last:
                self._view.note(line)
            self._last = line
        if asking is not None:
            self._view.wait(self.name(asking))
