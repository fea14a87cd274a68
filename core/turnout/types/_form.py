"""What an answer is to be read as."""

from __future__ import annotations

from collections.abc import Mapping

from turnout._frozen import frozen

__all__ = ["AnswerForm"]


@frozen
class AnswerForm:
    """What the text of an answer is read as, to give `Reply.parsed`."""

    schema: Mapping[str, object]
    """The JSON schema that it fits."""
    model: type | None = None
    """The pydantic model that it becomes one of; None where a schema was given."""
    prompted: bool = False
    """Whether a message asks for it, and nothing binds the target to it."""
