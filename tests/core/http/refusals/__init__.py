"""What services refuse, each in its own words, and what that is.

A table for each service. The bodies are short ones of our own, in the form and with the
words that the sources show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from turnout.errors import ProviderError

__all__ = ["Refused", "Table", "said"]


class Refused(NamedTuple):
    """A refusal, and the class of its error."""

    status: int
    body: object
    """JSON, or a text as it is."""
    error: type[ProviderError]
    source: str


Table: TypeAlias = Mapping[str, tuple[Refused, ...]]
"""Refusals by the service's name."""


def said(message: str, **fields: object) -> dict[str, object]:
    """Return an error in OpenAI's form."""
    return {"error": {"message": message, **fields}}
