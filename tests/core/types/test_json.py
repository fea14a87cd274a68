"""The JSON form of values: what is written can be read back."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from typing import Any, cast, get_args

import pytest
from pydantic import BaseModel, Field, RootModel

from turnout import errors, types
from turnout.errors import (
    ArgumentError,
    FallbackError,
    ProviderError,
    RateLimitError,
    TurnoutError,
    UnavailableError,
)
from turnout.types import (
    AnswerForm,
    Attempt,
    ChatRequest,
    Finish,
    FinishReason,
    ImagePart,
    Join,
    Media,
    MediaDelta,
    Message,
    ModelInfo,
    NativeTool,
    Outcome,
    Part,
    Prefill,
    ProviderInfo,
    Reply,
    Secret,
    Target,
    TextPart,
    Tool,
    ToolCall,
    Usage,
    as_messages,
    from_dict,
    to_dict,
)

VALUES: tuple[type[Any], ...] = tuple(
    value
    for name in types.__all__
    if is_dataclass(value := getattr(types, name)) and isinstance(value, type)
)

TEXTS = ["", "a", "line\nline", "é", "\U0001f600", "\ud83d", '"\\', "\u2028", "a:b"]

JSONS: list[object] = [
    None,
    True,
    0,
    -(2**70),
    0.1,
    1e300,
    "text",
    [],
    {},
    [1, [2, {"a": None}]],
    {"": {"b": [False]}},
]

LEFT_OUT = {
    (AnswerForm, "model"),
    (Attempt, "request"),
    (ProviderInfo, "provider_class"),
}
"""Fields that the JSON form does not have."""


class Source:
    """Makes random values of any public class."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.depth = 0

    def of(self, cls: type[Any]) -> Any:
        """Return a valid instance."""
        self.depth += 1
        while True:
            given = {
                field.name: self.field(str(field.type))
                for field in fields(cls)
                if (cls, field.name) not in LEFT_OUT
            }
            try:
                made = cls(**given)
            except (ArgumentError, errors.PluginError):
                continue  # Fields that do not go together.
            self.depth -= 1
            return made

    def field(self, annotation: str) -> Any:
        """Return a value for a field."""
        if annotation.endswith(" | None"):
            deep = self.depth > 4
            if deep or self.random.random() < 0.4:
                return None
            return self.field(annotation.removesuffix(" | None"))
        if annotation.startswith("tuple["):
            inner = annotation.removeprefix("tuple[").removesuffix(", ...]")
            count = 0 if self.depth > 4 else self.random.randrange(3)
            return tuple(self.field(inner) for _ in range(count))
        if hasattr(types, annotation) and is_dataclass(getattr(types, annotation)):
            return self.of(getattr(types, annotation))
        return MAKERS[annotation](self)

    def text(self) -> str:
        return self.random.choice(TEXTS)

    def mapping(self) -> dict[str, object]:
        count = self.random.randrange(3)
        return {self.text(): self.random.choice(JSONS) for _ in range(count)}

    def error(self) -> TurnoutError:
        name = self.random.choice(errors.__all__)
        cls: type[Any] = getattr(errors, name)
        if cls is FallbackError:
            group = FallbackError(self.text(), [self.error(), self.error()])
            group.retry_after = self.random.choice([None, 0.5])
            group.attempts = self.field("tuple[Attempt, ...]")
            return group
        made: Any = cls(self.text())
        if isinstance(made, ProviderError):
            made.provider, made.model = self.text(), self.text()
            made.status_code = self.random.choice([None, 429, 529])
            made.request_id = self.random.choice([None, "r1"])
            made.retryable = self.random.random() < 0.5
            made.details = self.mapping()
        if isinstance(made, ProviderError | UnavailableError):
            made.retry_after = self.random.choice([None, 0.0, 2.5])
        assert isinstance(made, TurnoutError)
        return made

    def one_of(self, *options: Any) -> Any:
        return self.random.choice(options)


MAKERS: dict[str, Callable[[Source], Any]] = {
    "T_co": lambda source: source.one_of(*JSONS),
    "Decimal": lambda source: source.one_of(Decimal("0.10"), Decimal("1E-9")),
    "FinishReason": lambda source: source.one_of(*get_args(FinishReason)),
    "Join": lambda source: source.one_of(*get_args(Join)),
    "Mapping[str, object]": Source.mapping,
    "Mapping[str, str]": lambda source: {source.text(): source.text()},
    "Outcome": lambda source: source.one_of(*get_args(Outcome)),
    "Prefill": lambda source: source.one_of(*get_args(Prefill)),
    "Role": lambda source: source.one_of("system", "user", "assistant", "tool"),
    "Tool | NativeTool": lambda source: source.of(source.one_of(Tool, NativeTool)),
    "TurnoutError": Source.error,
    "bool": lambda source: source.one_of(True, False),
    "bytes": lambda source: source.random.randbytes(source.random.randrange(5)),
    "dict[str, object]": Source.mapping,
    "float": lambda source: source.one_of(0.0, 1.5, 1e-9),
    "int": lambda source: source.one_of(0, 1, 2**70),
    "str": Source.text,
    "str | Mapping[str, object]": lambda source: source.one_of(
        source.text(), source.mapping()
    ),
    "str | ModelInfo": lambda source: source.one_of("one", source.of(ModelInfo)),
    "str | tuple[Part, ...]": lambda source: source.one_of(
        source.text(), (source.of(source.one_of(*get_args(Part))),)
    ),
}


def comparable(value: Any) -> Any:
    """Return what a value consists of, errors and what is not compared included."""
    if isinstance(value, TurnoutError):
        errors = list(value.exceptions) if isinstance(value, FallbackError) else []
        return type(value), value.args[:1], comparable(vars(value)), comparable(errors)
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {name: comparable(one) for name, one in items}
    if isinstance(value, list | tuple):
        held = cast("Sequence[object]", value)
        return [type(held), *map(comparable, held)]
    if is_dataclass(value) and not isinstance(value, type):
        told = {each.name: getattr(value, each.name) for each in fields(value)}
        return type(value), comparable(told)
    return type(value), value


def through_json(value: object) -> dict[str, object]:
    written: dict[str, object] = json.loads(json.dumps(to_dict(value), allow_nan=False))
    return written


@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_every_value_is_read_back_as_it_was(cls: type[Any]) -> None:
    for seed in range(100):
        value = Source(seed).of(cls)

        written = through_json(value)

        assert comparable(from_dict(written)) == comparable(value)
        assert comparable(from_dict(written, cls)) == comparable(value)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_read_back_as_it_was(name: str) -> None:
    for seed in range(20):
        source = Source(seed)
        error = source.error()
        while type(error).__name__ != name:
            error = source.error()

        assert comparable(from_dict(through_json(error))) == comparable(error)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_an_event(text: str) -> None:
    assert to_dict(text) == {"type": "text", "text": text}
    assert from_dict(through_json(text), str) == text


def test_the_form_is_as_documented() -> None:
    attempt = Attempt(
        target=Target("OpenAI", "gpt-4o"),
        outcome="failed",
        error=RateLimitError("too many", provider="OpenAI", status_code=429),
    )
    reply = Reply(
        text="hi",
        tool_calls=(ToolCall(id="c1", name="f", arguments="{}"),),
        finish_reason="stop",
        usage=Usage(input_tokens=1, cost=Decimal("0.10")),
        target=Target("Local", ""),
        attempts=(attempt,),
    )

    written = to_dict(reply)

    assert list(written) == ["type", *(field.name for field in fields(Reply))]
    assert written["type"] == "reply"
    assert written["tool_calls"] == [
        {
            "id": "c1",
            "name": "f",
            "arguments": "{}",
            "kind": "function",
            "item": None,
            "extra": None,
        }
    ]
    assert written["usage"]["cost"] == "0.10"  # type: ignore[index]
    assert written["target"] == "Local"
    assert written["attempts"][0]["target"] == "OpenAI:gpt-4o"  # type: ignore[index]
    assert written["attempts"][0]["error"] == {  # type: ignore[index]
        "type": "RateLimitError",
        "message": "too many",
        "provider": "OpenAI",
        "model": "",
        "status_code": 429,
        "retry_after": None,
        "request_id": None,
        "retryable": True,
        "details": {},
    }


def test_a_part_says_what_it_is() -> None:
    message = Message(
        role="user",
        content=(
            TextPart(text="What is this?"),
            ImagePart(data=b"\x89", media_type="image/png"),
        ),
    )

    written = to_dict(message)

    assert written["content"] == [
        {"type": "text_part", "text": "What is this?", "extra": None},
        {
            "type": "image_part",
            "url": None,
            "data": "iQ==",
            "media_type": "image/png",
            "detail": None,
            "extra": None,
        },
    ]


@dataclass(frozen=True, kw_only=True)
class TimedMessage(Message):
    """A message of a program, with a field of its own."""

    seconds: set[str] | None = None


def test_a_derived_class_is_written_as_what_it_is_derived_from() -> None:
    message = TimedMessage(role="user", content="Hi", seconds={"a"})

    assert to_dict(message) == to_dict(Message(role="user", content="Hi"))


def test_a_value_that_is_a_field_is_read_by_its_kind() -> None:
    usage = Usage(input_tokens=1)

    assert from_dict(to_dict(Reply(usage=usage))["usage"], Usage) == usage  # type: ignore[call-overload]


def test_fields_that_are_missing_or_unknown_are_no_error() -> None:
    assert from_dict({"type": "usage", "seconds": 1}) == Usage()


class City(BaseModel):
    name: str
    inhabitants: int = Field(alias="people")


CITY = City(name="Paris", people=2)


def test_an_instance_is_written_as_its_json_and_read_as_one() -> None:
    reply = Reply(text="{}", parsed=CITY)

    written = through_json(reply)

    assert written["parsed"] == {"name": "Paris", "people": 2}
    assert from_dict(written, Reply).parsed == written["parsed"]
    assert from_dict(written, Reply[City]) == reply
    assert from_dict(to_dict(Reply()), Reply[City]) == Reply()
    assert from_dict(written, Reply[dict[str, object]]).parsed == written["parsed"]


def test_an_instance_of_a_root_model_is_written_as_its_value() -> None:
    assert to_dict(Reply(parsed=RootModel([1, 2])))["parsed"] == [1, 2]


def test_a_value_that_does_not_match_a_model_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^reply\.parsed does not match City: "):
        from_dict(to_dict(Reply(parsed={"name": "Paris"})), Reply[City])


class VendorError(RateLimitError):
    """An error of a plugin."""


def test_an_error_that_is_not_known_is_read_as_its_base() -> None:
    written = through_json(VendorError("wait", retry_after=2.0))

    assert written["type"] == "VendorError"
    assert written["base"] == "RateLimitError"
    read = from_dict(written, RateLimitError)
    assert type(read) is RateLimitError
    assert read.retry_after == 2.0
    unknown = from_dict({"type": "OtherError", "base": "ThatError", "message": "a"})
    assert type(unknown) is TurnoutError
    assert str(unknown) == "a"


def test_an_error_is_written_without_the_partial_reply() -> None:
    error = RateLimitError("wait")
    error.reply = Reply(
        attempts=(Attempt(target=Target("a", "b"), outcome="failed", error=error),)
    )

    assert "reply" not in to_dict(error)


def test_details_that_json_does_not_have_are_text() -> None:
    details = {"cost": Decimal("0.1"), "at": float("nan"), 1: ({"a": b"b"},)}
    finish = Finish(reason="stop", details=details)  # type: ignore[arg-type]

    written = through_json(finish)

    assert written["details"] == {"cost": "0.1", "at": "nan", "1": [{"a": "b'b'"}]}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"a": [b"b"]}, "message.state['a'][0] is a bytes, which JSON does not have"),
        ({"a": float("inf")}, "message.state['a'] is inf, which JSON does not have"),
        ({1: 2}, "message.state has the key 1; keys of JSON are strings"),
    ],
)
def test_state_that_json_does_not_have_is_refused(
    state: dict[str, object], words: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        to_dict(Message(role="assistant", state=state))

    assert str(caught.value) == words


@pytest.mark.parametrize("value", [None, 1, b"", Secret("s"), Message])
def test_what_is_no_value_is_not_written(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"^to_dict does not take a "):
        to_dict(value)


WRONG: list[tuple[object, str]] = [
    ("message", "from_dict takes a mapping, not a str; use json.loads for JSON"),
    ({}, "unknown type None; known: text, answer_form, attempt"),
    ({"type": "mesage"}, "unknown type 'mesage'; known: text, answer_form"),
    ({"type": []}, "unknown type list; known: text, answer_form"),
    ({"type": "text"}, "text.text is a NoneType, not a str"),
    ({"type": "message"}, "message lacks 'role'"),
    ({"type": "message", "role": "boss"}, "message.role is not one of system, user"),
    ({"type": "message", "role": {}}, "message.role is not one of system, user"),
    (
        {"type": "message", "role": "user", "content": 1},
        "message.content is a int, not a list",
    ),
    (
        {"type": "message", "role": "user", "content": [1]},
        "message.content[0] is a int, not a mapping",
    ),
    (
        {"type": "message", "role": "user", "content": [{"type": "text"}]},
        "message.content[0].type is not one of text_part, image_part",
    ),
    (
        {"type": "message", "role": "user", "developer": 1},
        "message.developer is a int, not a bool",
    ),
    (
        {"type": "message", "role": "user", "state": [1]},
        "message.state is a list, not a mapping",
    ),
    ({"type": "usage", "input_tokens": True}, "usage.input_tokens is a bool, not an"),
    ({"type": "usage", "cost": "much"}, "usage.cost is not a decimal number"),
    (
        {"type": "attempt", "target": "a:b", "outcome": "failed", "seconds": "1"},
        "attempt.seconds is a str, not a number",
    ),
    ({"type": "media_delta", "index": 0, "data": "?"}, "media_delta.data is not valid"),
    ({"type": "FallbackError", "errors": []}, "error.errors is empty"),
    ({"type": "FallbackError"}, "error.errors is a NoneType, not a list"),
    ({"type": "RateLimitError", "message": 1}, "error.message is a int, not a str"),
    ({"type": "tool_call", "id": 1}, "tool_call.id is a int, not a str"),
]


@pytest.mark.parametrize(("data", "words"), WRONG)
def test_what_cannot_be_read_is_refused(data: Any, words: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        from_dict(data)

    assert str(caught.value).startswith(words)


def test_a_value_of_another_kind_is_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"^the type 'usage' is not that of a Message$"
    ):
        from_dict(to_dict(Usage()), Message)


def test_a_reply_that_has_its_media_keeps_the_bytes() -> None:
    delta = MediaDelta(index=0, media_type="image/png", data=b"\x00\xff")
    media = Media(url="data:image/png;base64,AP8=")

    assert from_dict(through_json(delta), MediaDelta).data == b"\x00\xff"
    assert from_dict(through_json(media), Media).data == b"\x00\xff"


def test_messages_that_were_written_can_be_asked_as_they_are() -> None:
    calls = (ToolCall(id="c1", name="f", arguments="{}"),)
    messages = (
        Message(role="system", content="Be brief.", developer=True),
        Message(role="user", content=(TextPart(text="Hi"),)),
        Message(role="assistant", tool_calls=calls, state={"a": {"b": 1}}),
        Message(role="tool", content="1", tool_call_id="c1"),
    )

    assert as_messages([through_json(one) for one in messages]) == messages


def test_a_message_of_another_api_that_has_a_type_is_in_its_own_form() -> None:
    (message,) = as_messages({"type": "message", "role": "user", "content": "Hi"})

    assert message.content == "Hi"


def test_a_written_message_that_is_wrong_is_refused_with_its_place() -> None:
    written = to_dict(Message(role="user", content="Hi")) | {"role": "boss"}

    with pytest.raises(ArgumentError, match=r"^messages\[1\]: message\.role is not"):
        as_messages(["Hi", written])


def test_a_request_is_read_back() -> None:
    request = replace(ChatRequest.build("Hi", tools=[{"type": "a"}]), model="m")

    assert from_dict(through_json(request), ChatRequest) == request
