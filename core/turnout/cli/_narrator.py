"""Tell of the targets that could not be asked, as it happens.

A route falls back in silence, which is right for a program; a person wants to know
why the answer is late, and whose it is.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from turnout._names import followed
from turnout.cli._output import said
from turnout.cli._views import View
from turnout.errors import TurnoutError
from turnout.routes import Route
from turnout.streams import Stream
from turnout.types import Attempt, ChatRequest, Target

if TYPE_CHECKING:
    from turnout.provider import AttemptHooks

__all__ = ["Narrator"]


class Narrator:
    """Note each attempt that came to nothing, and who is asked next.

    Args:
        route: What is asked; its providers are this command's own, so that they can
            be listened to.
        view: Shows the lines, and which target is waited for.
    """

    def __init__(self, route: Route, view: View) -> None:
        # Else Python writes on stderr what this tells of already.
        logging.getLogger("turnout.attempts").addHandler(logging.NullHandler())
        self._view = view
        self._stream: Stream | None = None
        self._told = 0
        self._names = Counter(bound.provider.info.name for bound in route.targets)
        providers = {id(bound.provider): bound.provider for bound in route.targets}
        for provider in providers.values():
            provider.hooks = _Listener(provider.hooks, self._tell)

    def begin(self, stream: Stream) -> None:
        """Tell of this stream from now on."""
        self._stream = stream
        self._told = 0

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
            self._view.note(line)
        if asking is not None:
            self._view.wait(self.name(asking))


class _Listener:
    """Hears of a provider's attempts, and passes all on to who heard of them before.

    Args:
        before: The plugins, where they listen.
        asking: Told which target is about to be asked.
    """

    def __init__(
        self, before: AttemptHooks | None, asking: Callable[[Target], None]
    ) -> None:
        self._before = before
        self._asking = asking

    def rewrite(self, request: ChatRequest, target: Target) -> ChatRequest:
        """Return the request that is sent instead."""
        if self._before is None:
            return request
        return self._before.rewrite(request, target)

    def started(self, attempt: Attempt) -> None:
        """Hear of an attempt that begins."""
        self._asking(attempt.target)
        if self._before is not None:
            self._before.started(attempt)

    def ended(self, attempt: Attempt) -> None:
        """Hear what became of it."""
        if self._before is not None:
            self._before.ended(attempt)
