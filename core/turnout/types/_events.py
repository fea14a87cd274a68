"""What a stream is made of. Text is a plain `str`; everything else is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from turnout._frozen import frozen
from turnout.types._target import Target

__all__ = [
    "Delta",
    "Event",
    "Failover",
    "Finish",
    "FinishReason",
    "Join",
    "ReasoningDelta",
    "Restart",
    "ToolCallDelta",
    "Usage",
]

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


@frozen
class Usage:
    """What an answer cost, in tokens; None is what the provider did not say."""

    input_tokens: int | None = None
    """With those that were at hand, and those that were kept for later."""
    output_tokens: int | None = None
    """With the reasoning."""
    cached_tokens: int | None = None
    """Those of the input that the provider had at hand from an earlier request."""
    reasoning_tokens: int | None = None
    """Those of the output that were reasoning."""
    cache_write_tokens: int | None = None
    """Those of the input that the provider kept for later requests."""
    estimated: bool = False
    """Whether a figure is turnout's estimate and not the provider's count."""

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; what only one side knows is taken as it is."""
        return Usage(
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cached_tokens=_sum(self.cached_tokens, other.cached_tokens),
            reasoning_tokens=_sum(self.reasoning_tokens, other.reasoning_tokens),
            cache_write_tokens=_sum(self.cache_write_tokens, other.cache_write_tokens),
            estimated=self.estimated or other.estimated,
        )


def _sum(one: int | None, other: int | None) -> int | None:
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
    other_content: bool = False
    """Whether the answer has content that is not an event: an image, a tool that the
    service ran. Such an answer is not empty."""


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


Delta: TypeAlias = str | ReasoningDelta | ToolCallDelta
"""An increment of an answer; `str` is text."""

Event: TypeAlias = Delta | Usage | Finish | Failover | Restart
"""All that `Stream.events` gives."""
