"""The schema that an answer is parsed with."""

from __future__ import annotations

from collections.abc import Mapping

from turnout._frozen import frozen

__all__ = ["AnswerForm"]


@frozen
class AnswerForm:
    """How the text of an answer is parsed into `Reply.parsed`."""

    schema: Mapping[str, object]
    """The JSON schema that the answer has to match."""
    model: type | None = None
    """The pydantic model that the answer is parsed into; None if a schema was given."""
    prompted: bool = False
    """Whether only a message asks for the schema, and the service does not enforce it.
    """
