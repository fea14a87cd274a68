"""Read an answer as what `response_format` asks for.

Loaded with the first such answer that is whole.
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
"""How many faults a message tells at most."""


class MisfitError(ValueError):
    """An answer is not of the form that was asked for. Says why, without its text."""


def parsed(text: str, form: AnswerForm, finish: Finish | None) -> object:
    """Return what a whole answer is read as.

    Args:
        text: The answer.
        form: What it is read as.
        finish: Its end, as the provider told it.

    Raises:
        MisfitError: It is no JSON, or does not fit.
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
    except Exception as error:  # Whatever a model's own checks or an odd schema raise.
        raise MisfitError(f"checking it raised {type(error).__name__}") from error
    if found:
        raise MisfitError("; ".join(found))
    return value


def _value(document: str) -> object:
    try:
        return from_json(document, allow_inf_nan=False)
    except (TypeError, ValueError):  # Which may hold some of the answer.
        return _NO_JSON


def _unfenced(text: str) -> str:
    """Return what stands in a Markdown fence, where the text is no JSON by itself."""
    fenced = None if text.lstrip()[:1] in {"{", "["} else _FENCED.search(text)
    return text if fenced is None else fenced[1]


def _why_no_json(text: str, finish: Finish | None) -> str:
    reason = None if finish is None else finish.reason
    if reason == "length":
        return (
            "it was cut off at its limit of tokens, before the end of its JSON; raise "
            "max_tokens"
        )
    if reason == "content_filter":
        return "the provider's content filter cut it off"
    if finish is not None and finish.details.get("refusal"):
        return "the model refused to answer"
    return "it is no JSON" if text.strip() else "it is empty"


def _instance(document: str, model: type) -> tuple[object, list[str]]:
    """Return the instance of a model, or what is wrong with its JSON."""
    try:
        return cast("Any", model).model_validate_json(document), []
    except ValidationError as error:
        # Not with the values: they are of the answer.
        found = error.errors(
            include_url=False, include_context=False, include_input=False
        )
    return None, [_told(detail["loc"], detail["msg"]) for detail in found[:_MANY]]


def _told(place: tuple[int | str, ...], wrong: str) -> str:
    at = ".".join(map(str, place))
    return f"{at}: {wrong}" if at else wrong
