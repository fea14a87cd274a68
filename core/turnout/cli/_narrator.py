"""Show which targets failed, and which one is asked next.

A route falls back in silence, which is right for a program. A person wants to know
why an answer is late, and which model gives it.
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
    """Note each attempt that failed, and which target is asked next.

    Args:
        route: What is asked. No other code uses its providers, so this may observe
            them.
        view: Shows the lines, and which target is waited for.
    """

    def __init__(self, route: Route, view: View) -> None:
        # Without a handler Python writes the same to standard error.
        logging.getLogger("turnout.attempts").addHandler(logging.NullHandler())
        self._view = view
        self._stream: Stream | None = None
        self._noted = 0
        self._names = Counter(bound.provider.info.name for bound in route.targets)
        providers = {id(bound.provider): bound.provider for bound in route.targets}
        for provider in providers.values():
            provider.hooks = _Listener(provider.hooks, self._note)

    def begin(self, stream: Stream) -> None:
        """Observe this stream from now on."""
        self._stream = stream
        self._noted = 0

    def end(self, error: TurnoutError) -> None:
        """Note the attempts after the last note.

        Args:
            error: How the stream ended. The command itself shows it.
        """
        self._note(but=error)

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
            self._view.note(line)
        if asking is not None:
            self._view.wait(self.name(asking))


class _Listener:
    """Observes the attempts of a provider, and calls the earlier observers too.

    Args:
        before: The hooks of plugins, if there are any.
        asking: Called with the target of each attempt that begins.
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
        """Observe the start of an attempt."""
        self._asking(attempt.target)
        if self._before is not None:
            self._before.started(attempt)

    def ended(self, attempt: Attempt) -> None:
        """Observe the end of an attempt."""
        if self._before is not None:
            self._before.ended(attempt)
