"""Parse an answer to a request with a `response_format`.

This module is imported with the first such answer that is complete.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, cast

from pydantic_core import ValidationError, from_json

from turnout._schema import faults
from turnout.types import AnswerForm, Finish

__all__ = ["MisfitError", "parsed"]

_FENCED = re.compile(r"```[^\n`]*\n(.*)```", re.DOTALL)

_NO_JSON = object()

_MANY = 3
"""The most faults in one message."""


class MisfitError(ValueError):
    """An answer does not match its `response_format`. The message does not quote it."""


def parsed(text: str, form: AnswerForm, finish: Finish | None) -> object:
    """Return the value of a complete answer.

    Args:
        text: The answer.
        form: What the answer is parsed as.
        finish: The end of the answer, from the provider.

    Raises:
        MisfitError: The answer is not valid JSON, or does not match the schema.
    """
    document = _unfenced(text) if form.prompted else text
    value = _value(document)
    if value is _NO_JSON:
        raise MisfitError(_why_no_json(text, finish))
    try:
        if form.model is None:
            found = [*islice(faults(value, form.schema), _MANY)]
        else:
            value, found = _instance(document, form.model)
    except Exception as error:  # A model's validators or an invalid schema.
        raise MisfitError(f"checking it raised {type(error).__name__}") from error
    if found:
        raise MisfitError("; ".join(found))
    return value


def _value(document: str) -> object:
    try:
        return from_json(document, allow_inf_nan=False)
    except (TypeError, ValueError):  # The error may quote the answer.
        return _NO_JSON


def _unfenced(text: str) -> str:
    """Return the text in a Markdown fence, if the whole text is not JSON."""
    fenced = None if text.lstrip()[:1] in {"{", "["} else _FENCED.search(text)
    return text if fenced is None else fenced[1]


def _why_no_json(text: str, finish: Finish | None) -> str:
    reason = None if finish is None else finish.reason
    if reason == "length":
        return "it reached its token limit before the end of its JSON; raise max_tokens"
    if reason == "content_filter":
        return "the provider's content filter cut it off"
    if finish is not None and finish.details.get("refusal"):
        return "the model refused to answer"
    return "it is not valid JSON" if text.strip() else "it is empty"


def _instance(document: str, model: type) -> tuple[object, list[str]]:
    """Return the instance of a model, or what is wrong with its JSON."""
    try:
        return cast("Any", model).model_validate_json(document), []
    except ValidationError as error:
        # Without the values, which are parts of the answer.
        found = error.errors(
            include_url=False, include_context=False, include_input=False
        )
    return None, [_message(detail["loc"], detail["msg"]) for detail in found[:_MANY]]


def _message(place: tuple[int | str, ...], wrong: str) -> str:
    at = ".".join(map(str, place))
    return f"{at}: {wrong}" if at else wrong
