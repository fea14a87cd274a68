"""Write values as JSON, and read them back: `to_dict` and `from_dict`.

The form of a field is found by its annotation, as text: `from __future__ import
annotations` keeps it as text, and evaluating it would import what only type checkers
need. A test compares the annotations of all public values with the forms here.

Loaded when it is first used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_origin, overload

from turnout import errors
from turnout.errors import ArgumentError, FallbackError, TurnoutError
from turnout.types._events import (
    Citation,
    Failover,
    Finish,
    FinishReason,
    Join,
    MediaDelta,
    ReasoningDelta,
    Restart,
    ToolCallDelta,
    Usage,
)
from turnout.types._explanation import Explanation, Place
from turnout.types._form import AnswerForm
from turnout.types._info import Capabilities, ModelInfo, Prefill, ProviderInfo
from turnout.types._messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NativeTool,
    Part,
    Role,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)
from turnout.types._reply import Attempt, Media, Outcome, Reply
from turnout.types._request import ChatRequest
from turnout.types._target import Target

__all__ = ["from_dict", "to_dict"]

T = TypeVar("T")

_BY_TAG: dict[str, type[Any]] = {
    "answer_form": AnswerForm,
    "attempt": Attempt,
    "audio_part": AudioPart,
    "capabilities": Capabilities,
    "chat_request": ChatRequest,
    "citation": Citation,
    "explanation": Explanation,
    "failover": Failover,
    "file_part": FilePart,
    "finish": Finish,
    "image_part": ImagePart,
    "media": Media,
    "media_delta": MediaDelta,
    "message": Message,
    "model_info": ModelInfo,
    "native_tool": NativeTool,
    "place": Place,
    "provider_info": ProviderInfo,
    "reasoning_delta": ReasoningDelta,
    "reply": Reply,
    "restart": Restart,
    "target": Target,
    "text_part": TextPart,
    "tool": Tool,
    "tool_call": ToolCall,
    "tool_call_delta": ToolCallDelta,
    "usage": Usage,
    "video_part": VideoPart,
}
"""The classes, by the `type` of a value."""

_TAGS = {cls: tag for tag, cls in _BY_TAG.items()}

_BY_NAME = {cls.__name__: cls for cls in _TAGS}

_ERRORS: dict[str, type[TurnoutError]] = {
    name: getattr(errors, name) for name in errors.__all__
}

_LEFT_OUT = {
    # JSON does not have classes.
    (AnswerForm, "model"),
    (ProviderInfo, "provider_class"),
    # Each attempt would contain the conversation.
    (Attempt, "request"),
}


def to_dict(value: object) -> dict[str, object]:
    """Return a value as a dictionary that can be written as JSON.

    Its `type` is the class's name in snake case, such as `message` and
    `tool_call_delta`. It is `text` for a `str`, and the class's name for an error.
    Every other key is a field. Bytes are in base64, a `Decimal` is a `str`, and a
    target in a field is its model id.

    The partial `reply` of an error is left out, and so are fields that hold classes. An
    instance of a pydantic model in `Reply.parsed` is written as its JSON.

    Args:
        value: An event of a stream, a `Message`, a `Reply`, an error, or any other
            value of `turnout.types` except a `Secret`.

    Raises:
        ArgumentError: It is something else, or a field has a value that JSON does not
            have.
    """
    if isinstance(value, str):
        return {"type": "text", "text": value}
    if isinstance(value, TurnoutError):
        return _written_error(value, "error")
    return _written_with_type(value, "")


@overload
def from_dict(data: Mapping[str, object]) -> object: ...


@overload
def from_dict(data: Mapping[str, object], kind: type[T]) -> T: ...


def from_dict(data: Mapping[str, object], kind: type[Any] | None = None) -> Any:
    """Return the value that `to_dict` wrote.

    A missing field has its default. An unknown field is ignored, so that values of a
    newer version can be read.

    Args:
        data: The dictionary of `to_dict`, also after a round trip through JSON.
        kind: The class of the value, for type checkers. With it, `type` may be missing,
            as in a value that is a field of another one. `Reply[Model]` makes `parsed`
            an instance of the pydantic model.

    Raises:
        ArgumentError: It is not such a dictionary, or not of that kind.
    """
    if not isinstance(cast("object", data), Mapping):
        raise ArgumentError(
            f"from_dict takes a mapping, not a {type(data).__name__}; use json.loads "
            "for JSON"
        )
    wanted = get_origin(kind) or kind
    tag = data.get("type")
    if tag is None and wanted in _TAGS:
        tag = _TAGS[wanted]
    value: Any = _tagged(data, tag)
    if wanted is not None and not isinstance(value, wanted):
        raise ArgumentError(f"the type {tag!r} is not that of a {wanted.__name__}")
    if kind is not wanted and wanted is Reply:
        return _with_instance(value, get_args(kind)[0])
    return value


def _tagged(data: Mapping[str, object], tag: object) -> object:
    """Return the value of the type that a tag names."""
    if tag == "text":
        return _text(data.get("text"), "text.text")
    if isinstance(tag, str) and (tag in _ERRORS or "base" in data):
        return _read_error(data, "error")
    cls = _BY_TAG.get(tag) if isinstance(tag, str) else None
    if cls is None:
        raise ArgumentError(
            f"unknown type {_shown(tag)}; known: text, {', '.join(_BY_TAG)}, and the "
            "names of errors"
        )
    return _read(cls, data, cast("str", tag))


def _shown(tag: object) -> str:
    return repr(tag) if tag is None or isinstance(tag, str) else type(tag).__name__


class _Form(NamedTuple):
    """How a field is written and read; both get the field's name for messages."""

    write: Callable[[Any, str], object]
    read: Callable[[Any, str], object]


class _Field(NamedTuple):
    name: str
    form: _Form
    required: bool


@cache
def _fields(cls: Any) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            each.name,
            _form("details" if each.name == "details" else str(each.type)),
            each.default is MISSING and each.default_factory is MISSING,
        )
        for each in fields(cls)
        if (cls, each.name) not in _LEFT_OUT
    )


@cache
def _form(annotation: str) -> _Form:
    """Return how a field with an annotation is written and read."""
    if annotation in _FORMS:
        return _FORMS[annotation]
    if annotation.endswith(" | None"):
        return _optional(_form(annotation.removesuffix(" | None")))
    if annotation.startswith("tuple["):
        return _tuple(_form(annotation.removeprefix("tuple[").removesuffix(", ...]")))
    return _nested(_BY_NAME[annotation])


def _written(cls: type[Any], value: object, where: str) -> dict[str, object]:
    return {
        name: form.write(getattr(value, name), f"{where}.{name}")
        for name, form, _ in _fields(cast("Any", cls))
    }


def _written_with_type(value: object, where: str) -> dict[str, object]:
    # A subclass in another package is written as its base class.
    own: Any = type(value)
    cls = next((cls for cls in own.__mro__ if cls in _TAGS), None)
    if cls is None:
        raise ArgumentError(
            f"to_dict does not take a {own.__name__}; give an event, a message, a "
            "reply, or another value of turnout.types"
        )
    tag = _TAGS[cls]
    return {"type": tag, **_written(cls, value, where or tag)}


def _read(cls: Any, data: object, where: str) -> Any:
    given = _mapping(data, where)
    read: dict[str, object] = {}
    for name, form, required in _fields(cls):
        if name in given:
            read[name] = form.read(given[name], f"{where}.{name}")
        elif required:
            raise ArgumentError(f"{where} lacks {name!r}")
    return cls(**read)


def _wrong(value: object, where: str, wanted: str) -> ArgumentError:
    return ArgumentError(f"{where} is a {type(value).__name__}, not {wanted}")


def _same(value: object, where: str) -> object:
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(value, where, "a str")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(value, where, "a bool")
    return value


def _whole(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, where, "an int")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(value, where, "a number")
    return value


def _one_of(options: Sequence[str], value: object, where: str) -> object:
    if value not in options:
        raise ArgumentError(f"{where} is not one of {', '.join(options)}")
    return value


def _literal(alias: object) -> _Form:
    return _Form(_same, partial(_one_of, get_args(alias)))


def _optional(form: _Form) -> _Form:
    def write(value: object, where: str) -> object:
        return None if value is None else form.write(value, where)

    def read(value: object, where: str) -> object:
        return None if value is None else form.read(value, where)

    return _Form(write, read)


def _tuple(form: _Form) -> _Form:
    def write(values: Sequence[object], where: str) -> list[object]:
        return [form.write(one, f"{where}[{i}]") for i, one in enumerate(values)]

    def read(values: object, where: str) -> tuple[object, ...]:
        if not isinstance(values, list | tuple):
            raise _wrong(values, where, "a list")
        listed = enumerate(cast("Sequence[object]", values))
        return tuple(form.read(one, f"{where}[{i}]") for i, one in listed)

    return _Form(write, read)


def _nested(cls: type[Any]) -> _Form:
    return _Form(partial(_written, cls), partial(_read, cls))


def _text_or(form: _Form) -> _Form:
    def write(value: object, where: str) -> object:
        return value if isinstance(value, str) else form.write(value, where)

    def read(value: object, where: str) -> object:
        return value if isinstance(value, str) else form.read(value, where)

    return _Form(write, read)


def _any_of(*classes: type[Any]) -> _Form:
    """Return the form of a field that has values of several classes."""
    tags = [_TAGS[cls] for cls in classes]

    def read(value: object, where: str) -> object:
        tag = _mapping(value, where).get("type")
        _one_of(tags, tag, f"{where}.type")
        return _read(_BY_TAG[cast("str", tag)], value, where)

    return _Form(_written_with_type, read)


def _bytes_to(value: bytes, where: str) -> str:
    from base64 import b64encode

    return b64encode(value).decode("ascii")


def _bytes_from(value: object, where: str) -> bytes:
    from base64 import b64decode

    try:
        return b64decode(_text(value, where), validate=True)
    except ValueError:
        raise ArgumentError(f"{where} is not valid base64") from None


def _decimal_to(value: object, where: str) -> str:
    return str(value)


def _decimal_from(value: object, where: str) -> object:
    from decimal import Decimal, InvalidOperation

    try:
        return Decimal(_text(value, where))
    except InvalidOperation:
        raise ArgumentError(f"{where} is not a decimal number") from None


def _target_to(value: Target, where: str) -> object:
    # Names of providers have no colon. With one, the text would mean another target.
    if ":" in value.provider:
        return _written(Target, value, where)
    return str(value)


def _target_from(value: object, where: str) -> Target:
    if isinstance(value, str):
        provider, _, model = value.partition(":")
        return Target(provider, model)
    return cast("Target", _read(Target, value, where))


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _wrong(value, where, "a mapping")
    return cast("Mapping[str, object]", value)


def _json_mapping(value: object, where: str) -> dict[str, object]:
    return dict(_mapping(value, where))


def _json(value: object, where: str) -> object:
    """Return a value of the service's own form as JSON.

    Raises:
        ArgumentError: JSON does not have it, so it would be read back as another value.
    """
    return _jsonable(value, where, lenient=False)


def _json_or_text(value: object, where: str) -> object:
    return _jsonable(value, where, lenient=True)


def _jsonable(value: object, where: str, *, lenient: bool) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {
            _key(key, where, lenient=lenient): _jsonable(
                one, f"{where}[{key!r}]", lenient=lenient
            )
            for key, one in items
        }
    if isinstance(value, list | tuple):
        listed = enumerate(cast("Sequence[object]", value))
        return [_jsonable(one, f"{where}[{i}]", lenient=lenient) for i, one in listed]
    if lenient:
        return str(value)
    shown = repr(value) if isinstance(value, float) else f"a {type(value).__name__}"
    raise ArgumentError(f"{where} is {shown}, which JSON does not have")


def _key(key: object, where: str, *, lenient: bool) -> str:
    if not isinstance(key, str) and not lenient:
        raise ArgumentError(f"{where} has the key {key!r}; keys of JSON are strings")
    return str(key)


def _parsed_to(value: object, where: str) -> object:
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(mode="json", by_alias=True)
    return _json_or_text(value, where)


def _with_instance(reply: Reply[Any], model: Any) -> Reply[Any]:
    """Return a reply whose `parsed` is an instance of a pydantic model."""
    from dataclasses import replace

    if reply.parsed is None or not hasattr(model, "model_validate"):
        return reply
    try:
        return replace(reply, parsed=model.model_validate(reply.parsed))
    except ValueError as error:
        raise ArgumentError(
            f"reply.parsed does not match {model.__name__}: {error}"
        ) from None


_ERROR_FIELDS = {
    "provider": "str",
    "model": "str",
    "status_code": "int | None",
    "retry_after": "float | None",
    "request_id": "str | None",
    "retryable": "bool",
    "details": "details",
    "attempts": "tuple[Attempt, ...]",
}
"""The attributes of errors except the message, as the fields of a value."""


def _written_error(error: TurnoutError, where: str) -> dict[str, object]:
    own = type(error)
    known = next(cls for cls in own.__mro__ if _ERRORS.get(cls.__name__) is cls)
    written: dict[str, object] = {"type": own.__name__}
    if known is not own:  # A plugin's class, which another process may not have.
        written["base"] = known.__name__
    # The text of a group ends with the number of its errors.
    written["message"] = (
        error.message if isinstance(error, FallbackError) else str(error)
    )
    for name, annotation in _ERROR_FIELDS.items():
        if hasattr(error, name):
            value = getattr(error, name)
            written[name] = _form(annotation).write(value, f"{where}.{name}")
    if isinstance(error, FallbackError):
        written["errors"] = _form("tuple[TurnoutError, ...]").write(
            error.exceptions, f"{where}.errors"
        )
    return written


def _read_error(data: object, where: str) -> TurnoutError:
    given = _mapping(data, where)
    names = [given.get("type"), given.get("base")]
    known = [_ERRORS[name] for name in map(str, names) if name in _ERRORS]
    cls = known[0] if known else TurnoutError
    message = _text(given.get("message", ""), f"{where}.message")
    if issubclass(cls, FallbackError):
        form = _form("tuple[TurnoutError, ...]")
        held = cast("Any", form.read(given.get("errors"), f"{where}.errors"))
        if not held:
            raise ArgumentError(f"{where}.errors is empty; give at least one error")
        error: TurnoutError = cls(message, held)
    else:
        error = cls(message)
    for name, annotation in _ERROR_FIELDS.items():
        # A group computes `retryable` from its errors.
        computed = isinstance(getattr(cls, name, None), property)
        if name in given and hasattr(error, name) and not computed:
            value = _form(annotation).read(given[name], f"{where}.{name}")
            setattr(error, name, value)
    return error


_JSON = _Form(_json, _json_mapping)

_FORMS: dict[str, _Form] = {
    "T_co": _Form(_parsed_to, _same),
    "Decimal": _Form(_decimal_to, _decimal_from),
    "FinishReason": _literal(FinishReason),
    "Join": _literal(Join),
    "Mapping[str, object]": _JSON,
    "Mapping[str, str]": _JSON,
    "Outcome": _literal(Outcome),
    "Prefill": _literal(Prefill),
    "Role": _literal(Role),
    "Target": _Form(_target_to, _target_from),
    "Tool | NativeTool": _any_of(Tool, NativeTool),
    "TurnoutError": _Form(_written_error, _read_error),
    "bool": _Form(_same, _flag),
    "bytes": _Form(_bytes_to, _bytes_from),
    "details": _Form(_json_or_text, _json_mapping),
    "dict[str, object]": _JSON,
    "float": _Form(_same, _number),
    "int": _Form(_same, _whole),
    "str": _Form(_same, _text),
    "str | Mapping[str, object]": _text_or(_JSON),
    "str | ModelInfo": _text_or(_nested(ModelInfo)),
    "str | tuple[Part, ...]": _text_or(_tuple(_any_of(*get_args(Part)))),
}
"""Forms by annotation; `details` are written even if JSON lacks a value's type."""
