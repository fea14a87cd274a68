"""The HTTP client that providers share; a provider has it as `self.http`.

Only `Http` and `Response` import aiohttp. The code that reads a refusal is imported
with the first refusal. Names are imported when they are first used, so that commands
that only list models import neither.
"""

from typing import TYPE_CHECKING

from turnout.framing import (
    EventTooLongError,
    FramingError,
    LineSplitter,
    ServerSentEvent,
    SseSplitter,
)

if TYPE_CHECKING:
    from turnout.http._client import Http
    from turnout.http._refusal import Refusal
    from turnout.http._response import Response
    from turnout.http._status import StatusRule
    from turnout.http._status_rules import STATUS_RULES
    from turnout.http._unsigned import UnsignedRequest

__all__ = [
    "STATUS_RULES",
    "EventTooLongError",
    "FramingError",
    "Http",
    "LineSplitter",
    "Refusal",
    "Response",
    "ServerSentEvent",
    "SseSplitter",
    "StatusRule",
    "UnsignedRequest",
]


_ROOMS = {
    "STATUS_RULES": "_status_rules",
    "Http": "_client",
    "Refusal": "_refusal",
    "Response": "_response",
    "StatusRule": "_status",
    "UnsignedRequest": "_unsigned",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"turnout.http.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
