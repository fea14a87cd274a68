"""What is asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TypedDict, cast

from turnout.errors import ArgumentError
from turnout.types._info import Capabilities
from turnout.types._messages import FilePart, ImagePart, Message, TextPart, Tool
from turnout.types._openai import Conversation, as_messages, as_tools

__all__ = ["ChatRequest", "RequestOptions"]


class RequestOptions(TypedDict, total=False):
    """The keywords of `stream` and `complete`, all of them optional."""

    model: str | None
    """A model of the provider, or an alias; None means the default model."""
    temperature: float | None
    max_tokens: int | None
    """Of the answer."""
    top_p: float | None
    stop: str | Sequence[str] | None
    """Texts at which the answer ends, themselves left out."""
    seed: int | None
    tools: Iterable[Tool | Mapping[str, object]] | None
    tool_choice: str | Mapping[str, object] | None
    response_format: type | Mapping[str, object] | None
    """A pydantic model, a JSON schema, or OpenAI's mapping form."""
    extra: Mapping[str, object] | None
    """Passed to the provider as it is, over turnout's own fields."""
    deadline: float | None
    """Seconds for the whole request, with all of its attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a model, checked; `build` makes it from what users write."""

    messages: tuple[Message, ...] = field(repr=False)
    model: str = ""
    """The provider's own name for it; empty until a target is chosen."""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str | Mapping[str, object] | None = None
    response_format: Mapping[str, object] | None = None
    """In OpenAI's mapping form, whichever form it was given in."""
    extra: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    deadline: float | None = None
    """Seconds for the whole request; None means the provider's own limit."""

    @classmethod
    def build(
        cls,
        conversation: Conversation,
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        tools: Iterable[Tool | Mapping[str, object]] | None = None,
        tool_choice: str | Mapping[str, object] | None = None,
        response_format: type | Mapping[str, object] | None = None,
        extra: Mapping[str, object] | None = None,
        deadline: float | None = None,
    ) -> ChatRequest:
        """Return the request for what a user wrote.

        Raises:
            ArgumentError: A message or a parameter cannot be used; the message
                says which, and what it may be.
        """
        return cls(
            messages=as_messages(conversation),
            model=_model(model),
            temperature=_number("temperature", temperature, low=0.0),
            max_tokens=_whole("max_tokens", max_tokens, low=1),
            top_p=_number("top_p", top_p, low=0.0, high=1.0),
            stop=_stop(stop),
            seed=_whole("seed", seed),
            tools=() if tools is None else as_tools(tools),
            tool_choice=_tool_choice(tool_choice),
            response_format=_response_format(response_format),
            extra=_extra(extra),
            deadline=_deadline(deadline),
        )

    @staticmethod
    def checked_model(name: object) -> str:
        """Return a model's name as a user gave it; empty for None.

        Raises:
            ArgumentError: It is no printable text.
        """
        return _model(name)

    def for_model(self, model: str) -> ChatRequest:
        """Return the same request to another model."""
        return self if model == self.model else replace(self, model=model)

    @property
    def last_user_text(self) -> str:
        """The text of the last user message; empty where there is none."""
        for message in reversed(self.messages):
            if message.role == "user":
                return message.text
        return ""

    @property
    def system_text(self) -> str:
        """The system messages, joined with newlines; empty where there are none."""
        return "\n".join(
            message.text for message in self.messages if message.role == "system"
        )

    def needs(self) -> set[str]:
        """Return the fields of `Capabilities` that the request asks for."""
        needed: set[str] = set()
        given = _parameters(self)
        if given != _NONE_GIVEN:
            named = zip(_PARAMETERS, given, _NONE_GIVEN, strict=True)
            needed.update(name for name, value, none in named if value != none)
        turns = 0
        for message in self.messages:
            if message.role == "system":
                needed.add("system")
            else:
                turns += 1
            if message.tool_calls or message.role == "tool":
                needed.add("tools")
            if not isinstance(message.content, str):
                needed.update(_PART_NEEDS[type(part)] for part in message.content)
                needed.discard("text")
        if turns > 1:
            needed.add("history")
        return needed

    def unmet(self, capabilities: Capabilities) -> tuple[str, ...]:
        """Return what the request needs and a target of `capabilities` cannot do."""
        needs = self.needs()
        if not needs:
            return ()
        return tuple(sorted(n for n in needs if not getattr(capabilities, n)))


# The fields of a request that are fields of `Capabilities` too.
_PARAMETERS = (
    "temperature",
    "max_tokens",
    "top_p",
    "stop",
    "seed",
    "tools",
    "response_format",
)

_NONE_GIVEN: tuple[object, ...] = (None, None, None, (), None, (), None)

_parameters = attrgetter(*_PARAMETERS)

_PART_NEEDS = {TextPart: "text", ImagePart: "images", FilePart: "files"}


def _model(name: object) -> str:
    if name is None:
        return ""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ArgumentError(
            f"model={name!r} is no name of a model; it is a printable text"
        )
    return name


def _number(
    name: str, value: object, *, low: float, high: float = math.inf
) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f"{name}={value!r} is a {type(value).__name__}, no number")
    # Not a number is in no range, and infinity is not either.
    if not low <= value <= high or value == math.inf:
        upper = "or more" if high == math.inf else f"to {high:g}"
        raise ArgumentError(f"{name}={value!r} is out of range; it is {low:g} {upper}")
    return value


def _deadline(value: object) -> float | None:
    seconds = _number("deadline", value, low=0.0)
    if seconds == 0:
        raise ArgumentError("deadline=0 leaves no time; it is in seconds, more than 0")
    return seconds


def _whole(name: str, value: object, *, low: int | None = None) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentError(f"{name}={value!r} is a {type(value).__name__}, not an int")
    if low is not None and value < low:
        raise ArgumentError(f"{name}={value!r} is out of range; it is at least {low}")
    return value


def _stop(stop: object) -> tuple[str, ...]:
    if stop is None:
        return ()
    texts = [stop] if isinstance(stop, str) else stop
    if not isinstance(texts, Iterable):
        raise ArgumentError(f"stop is a {type(stop).__name__}, not a text or texts")
    checked: list[str] = []
    for text in cast("Iterable[object]", texts):
        if not isinstance(text, str) or not text:
            what = "empty" if text == "" else f"a {type(text).__name__}"
            raise ArgumentError(
                f"stop[{len(checked)}] is {what}; each is a text and not empty"
            )
        checked.append(text)
    return tuple(checked)


def _tool_choice(choice: object) -> str | Mapping[str, object] | None:
    if choice is None or isinstance(choice, str):
        return choice
    if not isinstance(choice, Mapping):
        raise ArgumentError(
            f"tool_choice is a {type(choice).__name__}, not a text or a mapping"
        )
    return cast("Mapping[str, object]", choice)


def _extra(extra: object) -> Mapping[str, object]:
    if extra is None:
        return {}
    if not isinstance(extra, Mapping):
        raise ArgumentError(f"extra is a {type(extra).__name__}, not a mapping")
    return dict(cast("Mapping[str, object]", extra))


def _response_format(wanted: object) -> Mapping[str, object] | None:
    if wanted is None:
        return None
    name = "reply"
    if isinstance(wanted, type):
        # A pydantic model is known by its method, so that pydantic need not be
        # imported for the many requests that have none.
        schema_of = getattr(wanted, "model_json_schema", None)
        if schema_of is None:
            raise ArgumentError(
                f"response_format={wanted.__name__} is no pydantic model"
            )
        name, wanted = wanted.__name__, schema_of()
    if not isinstance(wanted, Mapping):
        raise ArgumentError(
            f"response_format is a {type(wanted).__name__}; it is a pydantic model, "
            "a JSON schema or OpenAI's mapping form"
        )
    schema = cast("Mapping[str, object]", wanted)
    kind = schema.get("type")
    if kind == "text":  # As every answer is: nothing that a target must be able to.
        return None
    if kind in ("json_schema", "json_object"):  # A schema's own type may be a list.
        return schema
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
