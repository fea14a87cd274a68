"""The events of a stream. Text is a plain `str`; the other events are here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from turnout._frozen import WithFields, frozen
from turnout.types._target import Target

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = [
    "Citation",
    "Delta",
    "Event",
    "Failover",
    "Finish",
    "FinishReason",
    "Join",
    "MediaDelta",
    "ReasoningDelta",
    "Restart",
    "ToolCallDelta",
    "Usage",
]

_Number = TypeVar("_Number", int, "Decimal")

FinishReason: TypeAlias = Literal[
    "stop", "length", "tool_calls", "content_filter", "unknown"
]
"""Why an answer ended; `unknown` if the provider gave no reason that turnout knows."""


Join: TypeAlias = Literal["prefill", "anchor", "overlap", "restart", "unverified"]
"""How the text of two targets was joined.

`prefill`: the model was sent the beginning of the answer and continued it.
`anchor`: it repeated the last words, as the request says.
`overlap`: it repeated some of the last words although the request does not say so.
`restart`: it repeated the answer from its beginning.
`unverified`: it repeated nothing, so the place of its text cannot be checked.
"""


@frozen
class ReasoningDelta:
    """One increment of the model's reasoning."""

    text: str


@frozen
class ToolCallDelta:
    """One increment of a tool call; increments of one `index` belong together."""

    index: int
    id: str | None = None
    """Given once, with the first increment."""
    name: str | None = None
    """Given once, with the first increment."""
    arguments: str = ""
    """A piece of the JSON text; turnout joins the pieces."""
    kind: str | None = None
    """See `ToolCall.kind`. None in the first increment means `function`."""
    item: Mapping[str, object] | None = field(default=None, repr=False)
    """See `ToolCall.item`; given with any increment."""


@frozen
class MediaDelta:
    """One increment of an image or a sound; increments of one `index` belong together.

    It has a URL, bytes, a transcript, or several of them.
    """

    index: int
    media_type: str | None = None
    """Such as `image/png`; None if the service did not say."""
    url: str | None = None
    """Its address at the service, or a `data:` URL with all of its bytes."""
    data: bytes = field(default=b"", repr=False)
    """A piece of its bytes; turnout joins the pieces."""
    transcript: str = ""
    """A piece of its transcript; turnout joins the pieces."""


@frozen
class Citation(WithFields):
    """A source that the answer cites, and the part of the answer that it supports.

    `dict(citation)` can be written as JSON.
    """

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    """The cited words of the source."""
    start: int | None = None
    """The index at which the supported text begins, in characters of the answer's text.
    In an event it is counted from the beginning of the target's own text."""
    end: int | None = None
    """The index at which the supported text ends, exclusive."""
    source: str | None = None
    """The name or the id of a document or a file that has no URL."""
    item: Mapping[str, object] | None = field(default=None, repr=False)
    """The citation in the service's own form."""


@frozen
class Usage:
    """The tokens of an answer; None means that the provider did not say.

    Counts of services with other definitions are converted to these.
    """

    input_tokens: int | None = None
    """All input, including what was read from a cache or written to it."""
    output_tokens: int | None = None
    """All output, including the reasoning."""
    cached_tokens: int | None = None
    """The part of the input that was read from the provider's cache."""
    reasoning_tokens: int | None = None
    """The part of the output that was reasoning."""
    cache_write_tokens: int | None = None
    """The part of the input that was written to the provider's cache."""
    estimated: bool = False
    """Whether a count is turnout's estimate and not the provider's count."""
    cost: Decimal | None = None
    """US dollars, if the provider reports the cost."""

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; a value that only one side has is used as it is."""
        return Usage(
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cached_tokens=_sum(self.cached_tokens, other.cached_tokens),
            reasoning_tokens=_sum(self.reasoning_tokens, other.reasoning_tokens),
            cache_write_tokens=_sum(self.cache_write_tokens, other.cache_write_tokens),
            estimated=self.estimated or other.estimated,
            cost=_sum(self.cost, other.cost),
        )


def _sum(one: _Number | None, other: _Number | None) -> _Number | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


@frozen
class Finish:
    """The end of an answer, as the provider reports it."""

    reason: FinishReason
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    """The provider's own fields about the answer."""
    state: Mapping[str, object] | None = field(default=None, repr=False)
    """What the service needs again with the answer, see `Message.state`."""
    items: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    """Other parts of the answer, in the service's own form: a tool that the service
    ran, code that it executed. An answer that has any is not empty."""


@frozen
class Failover:
    """Another target continues the answer from where it broke off."""

    source: Target
    """The target that failed."""
    target: Target
    """The target that continues."""
    reason: str
    """The class of the error, such as `StreamTruncatedError`."""
    characters: int
    """How many characters of text came before."""
    dropped: int = 0
    """How many characters of the new target's text were dropped at the join, because
    they repeat the text before or comment on the reply."""
    join: Join = "unverified"
    """How the texts were joined, which shows how reliable the join is."""


@frozen
class Restart:
    """Another target starts the answer again: discard the reasoning shown before."""

    source: Target
    """The target that failed."""
    target: Target
    """The target that starts again."""
    reason: str
    """The class of the error, such as `StreamTruncatedError`."""


Delta: TypeAlias = str | ReasoningDelta | ToolCallDelta | MediaDelta
"""An increment of an answer; `str` is text."""

Event: TypeAlias = Delta | Citation | Usage | Finish | Failover | Restart
"""Everything that `Stream.events` yields."""
