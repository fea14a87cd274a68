"""A finished answer, and what became of each attempt to get it."""

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
"""What became of an attempt.

`closed`: the caller closed or cancelled the stream. `passed_over`: nothing was
sent, for the reason that the attempt's error gives.
"""


@frozen
class Attempt:
    """One try of one target, and what became of it."""

    target: Target
    outcome: Outcome
    error: TurnoutError | None = None
    first_delta: float | None = None
    """Seconds from the attempt's start to its first delta."""
    seconds: float = 0.0
    """Seconds from the attempt's start to its end."""
    usage: Usage | None = None
    join: Join | None = None
    """How its text was joined to that of the attempt before it; None if it did not
    continue an answer, or nothing of its text was shown."""
    dropped: int = 0
    """How many characters of its text were dropped at the join."""
    prices_id: str | None = field(default=None, repr=False, compare=False)
    """Whose prices hold for it, see `ProviderInfo.prices_id`."""
    id: str = ""
    """Unique among all attempts; the same when it starts and when it ends."""
    stream_id: str = ""
    """Unique among all streams; the same for all attempts of one request."""
    started_at: float = 0.0
    """When it started, in seconds since the epoch, as `time.time` gives them. A wait
    for a free slot comes after it, and is not part of `seconds`."""
    route: str | None = None
    """The name of the route that asked: as it was asked for, or its targets, as in
    `OpenAI:gpt-4o -> Local:small`. None if the provider was asked without a route."""
    request: ChatRequest | None = field(default=None, repr=False, compare=False)
    """What is sent, after `turnout_rewrite_request`. It holds the prompt, so only hooks
    and observers get it: it is None in `Reply.attempts`."""

    @property
    def status_code(self) -> int | None:
        """The HTTP status of a failed attempt, where one came."""
        return getattr(self.error, "status_code", None)


@frozen
class Media(WithFields):
    """An image or a sound in an answer. `dict(media)` can be written as JSON."""

    url: str | None = None
    """Where the service keeps it, or a `data:` URL with its bytes; None if only a
    transcript came."""
    media_type: str | None = None
    """As in `image/png`; None if the service did not say."""
    transcript: str | None = None
    """What is said in it."""

    @property
    def data(self) -> bytes | None:
        """The bytes; None if the answer does not have them, or not as valid base64.

        Padding may be missing, and the alphabet may be that of URLs.
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
    """A finished answer, or what came so far of one under way.

    `Reply[Model]` is the answer to a request with `response_format=Model`.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    """None until the stream has ended."""
    usage: Usage | None = None
    """Summed over all attempts; None where the provider did not say."""
    target: Target | None = None
    """Who gave the answer, or its last part."""
    attempts: tuple[Attempt, ...] = ()
    """What became of each target that was asked or passed over, in order."""
    citations: tuple[Citation, ...] = ()
    """The sources that the answer names, in the order in which they came."""
    media: tuple[Media, ...] = ()
    """The images and sounds in the answer."""
    items: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    """What else the answer consists of, in the service's own form: a tool that the
    service ran, code that it executed."""
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    """The provider's own words about the answer."""
    state: Mapping[str, object] | None = field(default=None, repr=False)
    """What the service wants to see again with the answer, see `Message.state`."""
    parsed: T_co = cast("Any", None)
    """What the answer is with `response_format`: an instance of the pydantic model, or
    the value of the JSON. None without one, until the answer is whole, and if the
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
