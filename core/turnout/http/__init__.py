"""The HTTP that providers share; a provider has it as `self.http`."""

from turnout.framing import FramingError, LineSplitter, ServerSentEvent, SseSplitter
from turnout.http._client import Http
from turnout.http._response import Response
from turnout.http._status import STATUS_RULES, Refusal, StatusRule

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
