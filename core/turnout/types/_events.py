"""The events of a stream. Text is a plain `str`; everything else is here."""

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
"""Why an answer ended; `unknown` where the provider did not say or said it oddly."""


Join: TypeAlias = Literal["prefill", "anchor", "overlap", "restart", "unverified"]
"""How the text of two targets was joined.

`prefill`: the model was given the beginning of its answer and continued it.
`anchor`: it repeated the last words, as it was asked to.
`overlap`: it repeated some of the last words unasked.
`restart`: it repeated the answer from its beginning.
`unverified`: it repeated nothing, so nothing shows where its text belongs.
"""


@frozen
class ReasoningDelta:
    """One increment of what the model thinks before it answers."""

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
    """A piece of a JSON text; the pieces are joined."""
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
    """As in `image/png`; None if the service did not say."""
    url: str | None = None
    """Where the service keeps it, or a `data:` URL with all of its bytes."""
    data: bytes = field(default=b"", repr=False)
    """A piece of its bytes; the pieces are joined."""
    transcript: str = ""
    """A piece of what is said in it; the pieces are joined."""


@frozen
class Citation(WithFields):
    """A source that the answer names, and the part of the answer that it supports.

    `dict(citation)` can be written as JSON.
    """

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    """The words of the source."""
    start: int | None = None
    """Where the supported text begins, in characters of the answer's text. In an event
    it is counted from the beginning of the target's own text."""
    end: int | None = None
    """Where the supported text ends; that character is not part of it."""
    source: str | None = None
    """The name or the id of a document or a file that has no URL."""
    item: Mapping[str, object] | None = field(default=None, repr=False)
    """The citation in the service's own form."""


@frozen
class Usage:
    """The tokens of an answer; None means that the provider did not say.

    Services that count otherwise are converted to these definitions.
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
    """Whether a figure is turnout's estimate and not the provider's count."""
    cost: Decimal | None = None
    """US dollars, if the provider itself says so."""

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; what only one side knows is taken as it is."""
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
    """The answer's end, as the provider told it."""

    reason: FinishReason
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    """The provider's own words."""
    state: Mapping[str, object] | None = field(default=None, repr=False)
    """What the service wants to see again with the answer, see `Message.state`."""
    items: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    """What else the answer consists of, in the service's own form: a tool that the
    service ran, code that it executed. An answer that has any is not empty."""


@frozen
class Failover:
    """Another target took over in the middle of the answer; the text goes on."""

    source: Target
    """The target that failed."""
    target: Target
    """The target that goes on."""
    reason: str
    """The class of the error, as in `StreamTruncatedError`."""
    characters: int
    """How many characters of text had been shown."""
    dropped: int = 0
    """How many characters of the new target's text were dropped at the join, since they
    repeat the text before or speak of the reply."""
    join: Join = "unverified"
    """How the join was made, and so how sure it is."""


@frozen
class Restart:
    """Another target begins anew: reasoning that was shown before is void."""

    source: Target
    """The target that failed."""
    target: Target
    """The target that begins."""
    reason: str
    """The class of the error, as in `StreamTruncatedError`."""


Delta: TypeAlias = str | ReasoningDelta | ToolCallDelta | MediaDelta
"""An increment of an answer; `str` is text."""

Event: TypeAlias = Delta | Citation | Usage | Finish | Failover | Restart
"""All that `Stream.events` yields."""
