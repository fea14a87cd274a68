"""A reply: the answer, and the attempts to get it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, cast

from turnout._frozen import WithFields, frozen
from turnout.errors import TurnoutError
from turnout.types._events import Citation, FinishReason, Join, Usage
from turnout.types._messages import Message, ToolCall
from turnout.types._request import ChatRequest
from turnout.types._target import Target

if TYPE_CHECKING:
    from decimal import Decimal

    from typing_extensions import TypeVar as TypeVarWithDefault

    T_co = TypeVarWithDefault("T_co", covariant=True, default=Any)
else:
    T_co = TypeVar("T_co", covariant=True)

__all__ = ["Attempt", "Media", "Outcome", "Reply"]

Outcome: TypeAlias = Literal["running", "complete", "failed", "closed", "passed_over"]
"""The outcome of an attempt.

`closed`: the caller closed or cancelled the stream. `passed_over`: nothing was
sent, for the reason in the attempt's error.
"""


@frozen
class Attempt:
    """One attempt to get the answer from one target, and its outcome."""

    target: Target
    outcome: Outcome
    error: TurnoutError | None = None
    first_delta: float | None = None
    """Seconds from the attempt's start to its first delta."""
    seconds: float = 0.0
    """Seconds from the attempt's start to its end."""
    usage: Usage | None = None
    join: Join | None = None
    """How its text was joined to that of the attempt before; None if it did not
    continue an answer, or if none of its text was shown."""
    dropped: int = 0
    """How many characters of its text were dropped at the join."""
    prices_id: str | None = field(default=None, repr=False, compare=False)
    """The provider whose prices are used, see `ProviderInfo.prices_id`."""
    id: str = ""
    """Unique among all attempts; the same when it starts and when it ends."""
    stream_id: str = ""
    """Unique among all streams; the same for all attempts of one request."""
    started_at: float = 0.0
    """When it started, in seconds since the epoch, as `time.time` returns them. A wait
    for a free slot comes after it, and is not part of `seconds`."""
    route: str | None = None
    """The name of the route: the one in the request, or the route's targets, such as
    `OpenAI:gpt-4o -> Local:small`. None without a route."""
    request: ChatRequest | None = field(default=None, repr=False, compare=False)
    """The request, after `turnout_rewrite_request`. It contains the prompt, so only
    hooks and observers get it: it is None in `Reply.attempts`."""

    @property
    def status_code(self) -> int | None:
        """The HTTP status of a failed attempt; None without one."""
        return getattr(self.error, "status_code", None)


@frozen
class Media(WithFields):
    """An image or a sound in an answer. `dict(media)` can be written as JSON."""

    url: str | None = None
    """Its address at the service, or a `data:` URL with its bytes; None if there is
    only a transcript."""
    media_type: str | None = None
    """Such as `image/png`; None if the service did not say."""
    transcript: str | None = None
    """The words that are spoken in it."""

    @property
    def data(self) -> bytes | None:
        """The bytes; None if the answer does not have them as valid base64.

        The padding is optional, and the alphabet may be the URL-safe one.
        """
        head, _, body = (self.url or "").partition(",")
        if not head.startswith("data:"):
            return None
        from urllib.parse import unquote_to_bytes

        raw = unquote_to_bytes(body)
        return _from_base64(raw) if head.endswith(";base64") else raw


def _from_base64(text: bytes) -> bytes | None:
    from base64 import b64decode

    text = b"".join(text.split()).rstrip(b"=")
    try:
        return b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        return None


@frozen
class Reply(Generic[T_co]):
    """A complete answer, or the part of one that has come so far.

    `Reply[Model]` is the answer to a request with `response_format=Model`.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    """None until the stream has ended."""
    usage: Usage | None = None
    """Summed over all attempts; None if the provider did not say."""
    target: Target | None = None
    """The target that gave the answer, or its last part."""
    attempts: tuple[Attempt, ...] = ()
    """The attempt of each target that was tried or passed over, in order."""
    citations: tuple[Citation, ...] = ()
    """The sources that the answer cites, in the order in which they came."""
    media: tuple[Media, ...] = ()
    """The images and sounds in the answer."""
    items: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    """Other parts of the answer, in the service's own form: a tool that the service
    ran, code that it executed."""
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    """The provider's own fields about the answer."""
    state: Mapping[str, object] | None = field(default=None, repr=False)
    """What the service needs again with the answer, see `Message.state`."""
    parsed: T_co = cast("Any", None)
    """The parsed answer with `response_format`: an instance of the pydantic model, or
    the value of the JSON. None without one, until the answer is complete, and if the
    answer calls a tool."""

    @property
    def cost(self) -> Decimal | None:
        """US dollars for all attempts; None if that is not known.

        A cost that the provider itself reports is used as it is. Otherwise it is
        calculated from the tokens. That needs the extra `prices`, whose data is
        imported when this is first used.
        """
        from turnout.types._cost import cost

        return cost(self.attempts, self.details)

    def to_message(self) -> Message:
        """Return the answer as the message that continues a conversation."""
        return Message(
            role="assistant",
            content=self.text,
            tool_calls=self.tool_calls,
            state=self.state,
        )
