"""Put what a session asks and gets into the log."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from turnout._environment import FromEnvironment, variable
from turnout._registry import ProviderEntry
from turnout.cli._log import Exchange, Log, LogError
from turnout.cli._output import note
from turnout.errors import TurnoutError
from turnout.http._redaction import redacted
from turnout.types import Message, Reply, RequestOptions, Secret

__all__ = ["Recorder", "secrets_of"]

_SECRET_NAME = re.compile("auth|credential|key|passw|secret|token", re.IGNORECASE)
"""The names of options whose texts are not kept."""


class Recorder:
    """Keep the exchanges of one session.

    A log that cannot be written ends nothing: that is said once, and no more is kept.

    Args:
        log: Where they are kept.
        asked: The names that were given with `-m` or `--route`.
        system: The system message.
        conversation: The id of the conversation that is continued.
    """

    def __init__(
        self,
        log: Log,
        *,
        asked: Sequence[str],
        system: str,
        conversation: str = "",
    ) -> None:
        self.asked = tuple(asked)
        self._log = log
        self._system = system
        self._conversation = conversation
        self._failed = False

    def add(
        self,
        question: Message,
        reply: Reply,
        error: TurnoutError | None,
        *,
        options: RequestOptions,
    ) -> None:
        """Keep a question and its answer, see `ConversationLog.add`."""
        if self._failed:
            return
        outcome = "stopped" if reply.finish_reason is None else "complete"
        exchange = Exchange(
            conversation=self._conversation,
            ended=time.time(),
            asked=self.asked,
            target="" if reply.target is None else str(reply.target),
            outcome=outcome if error is None else "failed",
            system=self._system,
            prompt=question.text,
            answer=reply.text,
            about=_about(reply, error, options, self._log.secrets),
            question=question,
            reply=reply,
        )
        try:
            self._conversation = self._log.add(exchange)
        except LogError as failure:
            self._failed = True
            note(f"this conversation is not kept: {failure}")

    def new_conversation(self) -> None:
        """Put the exchanges that follow into another conversation."""
        self._conversation = ""


def secrets_of(entries: Iterable[ProviderEntry]) -> tuple[Secret, ...]:
    """Return the credentials that providers have, by what is known of them."""
    return tuple(dict.fromkeys(secret for one in entries for secret in _secrets(one)))


def _secrets(entry: ProviderEntry) -> Iterator[Secret]:
    held: list[object] = []
    for value in entry.options.values():
        nested = isinstance(value, Mapping)
        held += cast("Mapping[str, object]", value).values() if nested else [value]
    names = [one.name for one in held if isinstance(one, FromEnvironment)]
    for name in (entry.info.key_variable, *names):
        value = variable(name) if name else None
        if value is not None:
            yield Secret(value)
    yield from (one for one in held if isinstance(one, Secret))


def _about(
    reply: Reply,
    error: TurnoutError | None,
    options: RequestOptions,
    secrets: Sequence[Secret],
) -> dict[str, Any]:
    """Return what is only shown of an exchange, as JSON has it."""
    if error is None:
        told = None
    else:
        # A group adds to its text how many it holds.
        text = getattr(error, "message", None) or str(error)
        told = {"type": type(error).__name__, "message": text}
    cost = reply.cost
    return {
        "options": _option(options, secrets),
        "cost": None if cost is None else str(cost),
        "error": told,
    }


def _option(value: object, secrets: Sequence[Secret], name: str = "") -> Any:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {key: _option(item, secrets, key) for key, item in items}
    if isinstance(value, list):
        return [_option(item, secrets, name) for item in cast("list[object]", value)]
    if isinstance(value, int | float | None):
        return value
    return "***" if _SECRET_NAME.search(name) else redacted(str(value), secrets)
