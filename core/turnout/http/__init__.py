"""The HTTP that providers share; a provider has it as `self.http`.

aiohttp comes with `Http` and `Response` alone: the rules for refusals stand in modules
that are loaded for listings too.
"""

from typing import TYPE_CHECKING

from turnout.framing import FramingError, LineSplitter, ServerSentEvent, SseSplitter
from turnout.http._refusal import Refusal
from turnout.http._status import STATUS_RULES, StatusRule

if TYPE_CHECKING:
    from turnout.http._client import Http
    from turnout.http._response import Response

__all__ = [
    "STATUS_RULES",
    "FramingError",
    "Http",
    "LineSplitter",
    "Refusal",
    "Response",
    "ServerSentEvent",
    "SseSplitter",
    "StatusRule",
]


def __getattr__(name: str) -> object:
    if name not in {"Http", "Response"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from turnout.http._client import Http
    from turnout.http._response import Response

    return {"Http": Http, "Response": Response}[name]
