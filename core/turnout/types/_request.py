"""The request, and the checks of its options."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, fields
from functools import partial
from operator import attrgetter
from typing import Any, TypedDict, Unpack, cast

from turnout._frozen import frozen
from turnout._names import did_you_mean, nearest
from turnout.errors import ArgumentError
from turnout.types._form import AnswerForm
from turnout.types._info import Capabilities
from turnout.types._messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NativeTool,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)
from turnout.types._openai import Conversation, as_messages, as_tools, listed, merged

__all__ = ["ChatRequest", "RequestOptions", "TargetOptions"]


class _Options(TypedDict, total=False):
    temperature: float | None
    max_tokens: int | None
    """Tokens of the answer."""
    top_p: float | None
    stop: str | Sequence[str] | None
    """Texts at which the answer ends; they are not part of it."""
    seed: int | None
    tools: Iterable[Tool | NativeTool | Mapping[str, object]] | None
    """Functions, and tools of the service's own, see `NativeTool`."""
    tool_choice: str | Mapping[str, object] | None
    extra: Mapping[str, object] | None
    """More fields of the request's body, in the service's own form.

    They override turnout's fields: objects are merged, `tools` are joined, None removes
    a field, and any other value replaces turnout's.
    """
    allow_empty: bool | None
    """Whether an answer without text and tool calls is accepted. By default it raises
    `EmptyReplyError`, except after a tool result or if a limit or a filter ended it."""


class TargetOptions(_Options, total=False):
    """The keywords of `Provider.target`, all of them optional."""

    response_format: type | Mapping[str, object] | None
    """A pydantic model, a JSON schema, or OpenAI's mapping form."""


class FreeOptions(_Options, total=False):
    """The keywords of `stream` and `complete` without `response_format`.

    For type checkers, which infer the type of `Reply.parsed` from `response_format`.
    """

    model: str | None
    """A model of the provider, or an alias; None means the default model."""
    deadline: float | None
    """Seconds for the whole request, with all of its attempts."""


class RequestOptions(TargetOptions, FreeOptions, total=False):
    """The keywords of `stream` and `complete`, all of them optional."""


@frozen
class ChatRequest:
    """A checked request to a model; `build` makes it from a user's arguments."""

    messages: tuple[Message, ...] = field(repr=False)
    model: str = ""
    """The provider's own name for it; empty until a target is chosen."""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    tools: tuple[Tool | NativeTool, ...] = ()
    tool_choice: str | Mapping[str, object] | None = None
    response_format: Mapping[str, object] | None = None
    """In OpenAI's mapping form, in whichever form the user gave it."""
    answer_form: AnswerForm | None = field(default=None, repr=False, compare=False)
    """How the answer is parsed; it is not sent. None means as text."""
    extra: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    deadline: float | None = None
    """Seconds for the whole request; None means the provider's own limit."""
    allow_empty: bool = False
    """Whether an answer without text and tool calls is accepted."""
    prefill: bool = False
    """Whether the last message is the beginning of the answer, to be continued."""

    @classmethod
    def build(
        cls, conversation: Conversation, **options: Unpack[RequestOptions]
    ) -> ChatRequest:
        """Return the request for a user's conversation and options.

        Raises:
            ArgumentError: A message or an option is not valid, or an option is
                unknown; the message says which, and what is accepted.
        """
        messages = as_messages(conversation)
        checked: dict[str, Any] = {}
        for name, value in options.items():
            if value is not None:
                checked[name] = _check_of(name)(value)
        if "response_format" in checked:
            form = _answer_form(
                options.get("response_format"), checked["response_format"]
            )
            checked["answer_form"] = form
        return cls(messages=messages, **checked)

    @staticmethod
    def checked_model(name: object) -> str:
        """Return a model's name as a user gave it; empty for None.

        Raises:
            ArgumentError: It is not a printable text.
        """
        return "" if name is None else _model(name)

    def for_model(self, model: str) -> ChatRequest:
        """Return the same request to another model."""
        if model == self.model:
            return self
        # The same as `dataclasses.replace`, in a third of its time.
        changed = dict(zip(_FIELDS, _values(self), strict=True))
        changed["model"] = model
        return ChatRequest(**changed)

    def merged(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Return the fields of a request's body, overridden by `extra`."""
        return merged(fields, self.extra)

    @property
    def functions(self) -> tuple[Tool, ...]:
        """The tools that are functions."""
        return tuple(tool for tool in self.tools if isinstance(tool, Tool))

    @property
    def native_tools(self) -> tuple[NativeTool, ...]:
        """The tools of the service's own."""
        return tuple(tool for tool in self.tools if isinstance(tool, NativeTool))

    @property
    def last_user_text(self) -> str:
        """The text of the last user message; empty without one."""
        for message in reversed(self.messages):
            if message.role == "user":
                return message.text
        return ""

    @property
    def system_text(self) -> str:
        """The system messages, joined with newlines; empty without any."""
        return "\n".join(
            message.text for message in self.messages if message.role == "system"
        )

    @property
    def schema(self) -> Mapping[str, object] | None:
        """The JSON schema that the answer has to match; None without one."""
        return None if self.response_format is None else _schema(self.response_format)

    def needs(self) -> set[str]:
        """Return the fields of `Capabilities` that the request needs."""
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
                needed.update(_needs_of(message.tool_calls))
            if not isinstance(message.content, str):
                needed.update(_PART_NEEDS[type(part)] for part in message.content)
                needed.discard("text")
                if any(part.extra for part in message.content):
                    needed.add("extra_fields")
            if message.extra:
                needed.add("extra_fields")
        if turns > 1:
            needed.add("history")
        if self.tools:
            needed.update(_needs_of(self.tools))
        return needed

    def unmet(self, capabilities: Capabilities) -> tuple[str, ...]:
        """Return the needs of the request that `capabilities` lack."""
        needs = self.needs()
        if not needs:
            return ()
        return tuple(sorted(n for n in needs if not getattr(capabilities, n)))


_FIELDS = tuple(field.name for field in fields(ChatRequest))

_values = attrgetter(*_FIELDS)

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

_PART_NEEDS = {
    TextPart: "text",
    ImagePart: "images",
    AudioPart: "audio",
    VideoPart: "video",
    FilePart: "files",
}


def _needs_of(items: Sequence[Tool | NativeTool | ToolCall]) -> Iterator[str]:
    """Yield the capabilities that tools or calls need beyond plain functions."""
    for item in items:
        if isinstance(item, NativeTool):
            yield "native_tools"
            continue
        if isinstance(item, ToolCall) and item.kind != "function":
            yield "native_tools"
        if item.extra:
            yield "extra_fields"


def _check_of(option: str) -> Callable[[object], Any]:
    check = _CHECKS.get(option)
    if check is None:
        raise ArgumentError(f"unknown option {option!r}{_advice(option)}")
    return check


def _advice(option: str) -> str:
    """Return the clause that says what to write for an unknown option."""
    from turnout.types._hints import BODY_FIELDS, hint_for_request

    hint = hint_for_request(option)
    if hint is not None:
        return f"; {hint}"
    guesses = () if option in BODY_FIELDS else nearest(option, _CHECKS)
    return did_you_mean(guesses) or (
        f"; a field of the service's own goes into extra={{{option!r}: ...}}"
    )


def _model(name: object) -> str:
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ArgumentError(
            f"model={name!r} is not a model's name; use a printable text"
        )
    return name


def _number(
    name: str, value: object, *, low: float = 0.0, high: float = math.inf
) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(
            f"{name}={value!r} is a {type(value).__name__}, not a number"
        )
    # NaN and infinity are out of every range.
    if not low <= value <= high or value == math.inf:
        upper = "or more" if high == math.inf else f"to {high:g}"
        raise ArgumentError(
            f"{name}={_shown(value)} is out of range; set {low:g} {upper}"
        )
    return value


def _deadline(value: object) -> float:
    seconds = _number("deadline", value)
    if seconds > sys.float_info.max:  # An int can be larger than any float.
        raise ArgumentError(
            "deadline has more seconds than a clock can count; leave it out to use the "
            "provider's own"
        )
    if seconds == 0:
        raise ArgumentError("deadline=0 is out of range; set more than 0 seconds")
    return seconds


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ArgumentError(f"{name}={value!r} is not a bool; use True or False")
    return value


def _whole(name: str, value: object, *, low: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentError(f"{name}={value!r} is a {type(value).__name__}, not an int")
    if low is not None and value < low:
        raise ArgumentError(
            f"{name}={_shown(value)} is out of range; set at least {low}"
        )
    return value


def _shown(number: float) -> str:
    try:
        return repr(number)
    except ValueError:  # Python limits the digits of an int that it prints.
        return "a number of thousands of digits"


def _stop(stop: object) -> tuple[str, ...]:
    checked: list[str] = []
    texts = [stop] if isinstance(stop, str) else listed(stop, "stop", "a text or texts")
    for text in texts:
        if not isinstance(text, str) or not text:
            what = "empty" if text == "" else f"a {type(text).__name__}"
            raise ArgumentError(
                f"stop[{len(checked)}] is {what}; use texts that are not empty"
            )
        checked.append(text)
    return tuple(checked)


def _tool_choice(choice: object) -> str | Mapping[str, object]:
    if isinstance(choice, str):
        return choice
    if not isinstance(choice, Mapping):
        raise ArgumentError(
            f"tool_choice is a {type(choice).__name__}, not a text or a mapping"
        )
    return cast("Mapping[str, object]", choice)


def _extra(extra: object) -> Mapping[str, object]:
    if not isinstance(extra, Mapping):
        raise ArgumentError(f"extra is a {type(extra).__name__}, not a mapping")
    return dict(cast("Mapping[str, object]", extra))


def _response_format(wanted: object) -> Mapping[str, object] | None:
    name = "reply"
    if isinstance(wanted, type):
        # A pydantic model is recognized by its method, so that pydantic is not
        # imported for the many requests that have none.
        schema_of = getattr(wanted, "model_json_schema", None)
        if schema_of is None:
            raise ArgumentError(
                f"response_format={wanted.__name__} is not a pydantic model"
            )
        name, wanted = wanted.__name__, schema_of()
    if not isinstance(wanted, Mapping):
        raise ArgumentError(
            f"response_format is a {type(wanted).__name__}; use a pydantic model, a "
            "JSON schema or OpenAI's mapping form"
        )
    schema = cast("Mapping[str, object]", wanted)
    kind = schema.get("type")
    if kind == "text":  # Every answer is text, so no capability is needed.
        return None
    if kind == "json_schema":
        match schema.get("json_schema"):
            case {"schema": Mapping()}:
                return schema
            case _:
                raise ArgumentError(
                    "response_format lacks its schema; use {'type': 'json_schema', "
                    "'json_schema': {'name': ..., 'schema': {...}}}"
                )
    if kind == "json_object":
        return schema
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}


def _schema(wanted: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the schema in OpenAI's mapping form; None without one."""
    if wanted["type"] != "json_schema":
        return None
    named = cast("Mapping[str, object]", wanted["json_schema"])
    return cast("Mapping[str, object]", named["schema"])


def _answer_form(
    given: object, wanted: Mapping[str, object] | None
) -> AnswerForm | None:
    """Return how the answer is parsed; None for text.

    Args:
        given: The user's `response_format`.
        wanted: The same in OpenAI's mapping form; None for text.
    """
    if wanted is None:
        return None
    schema = _schema(wanted)
    return AnswerForm(
        schema={"type": "object"} if schema is None else schema,
        model=given if isinstance(given, type) else None,
    )


# The functions that check a user's value and return the field, by the option's name.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "model": _model,
    "temperature": partial(_number, "temperature"),
    "max_tokens": partial(_whole, "max_tokens", low=1),
    "top_p": partial(_number, "top_p", high=1.0),
    "stop": _stop,
    "seed": partial(_whole, "seed"),
    "tools": as_tools,
    "tool_choice": _tool_choice,
    "response_format": _response_format,
    "extra": _extra,
    "deadline": _deadline,
    "allow_empty": partial(_flag, "allow_empty"),
}
