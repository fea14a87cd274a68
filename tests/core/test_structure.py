"""Answers that are parsed by `response_format`, and those that do not match it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from turnout.errors import (
    FallbackError,
    InvalidReplyError,
    StreamBrokenError,
    StreamTruncatedError,
    UnsupportedError,
)
from turnout.routes import Route
from turnout.testing import FakeProvider, Pause, run_simulated
from turnout.types import (
    AnswerForm,
    Capabilities,
    ChatRequest,
    Finish,
    FinishReason,
    ImagePart,
    Message,
    ReasoningDelta,
    Reply,
    Restart,
    TextPart,
    ToolCallDelta,
    Usage,
)


class City(BaseModel):
    name: str
    people: int = 0


class Picky(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        raise KeyError(name)


PARIS = '{"name": "Paris", "people": 2}'
SCHEMA = {"type": "object", "required": ["name"]}
TEXT_ONLY = Capabilities()
SECRET = "a-word-of-the-answer"


async def misfit_of(*items: Any, wanted: Any = City) -> InvalidReplyError:
    with pytest.raises(InvalidReplyError) as caught:
        await FakeProvider(*items).complete(
            "Which?", response_format=wanted, allow_empty=True
        )
    return caught.value


async def test_a_model_returns_its_instance() -> None:
    fake = FakeProvider(PARIS[:9], PARIS[9:])
    reply = await fake.complete("Which?", response_format=City)

    assert reply.parsed == City(name="Paris", people=2)
    assert reply.text == PARIS
    assert fake.requests[0].schema == City.model_json_schema()


@pytest.mark.parametrize(
    "wanted",
    [
        SCHEMA,
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}},
    ],
)
async def test_a_schema_returns_the_value(wanted: dict[str, object]) -> None:
    reply = await FakeProvider(f"\n {PARIS} ").complete("?", response_format=wanted)

    assert reply.parsed == {"name": "Paris", "people": 2}


@pytest.mark.parametrize("wanted", [None, {"type": "text"}])
async def test_without_a_form_nothing_is_parsed(wanted: Any) -> None:
    reply = await FakeProvider(PARIS).complete("?", response_format=wanted)

    assert reply.parsed is None


async def test_nothing_is_parsed_before_the_end() -> None:
    stream = FakeProvider(PARIS).stream("?", response_format=City)
    async for _ in stream:
        assert stream.reply.parsed is None

    assert stream.reply.parsed == City(name="Paris", people=2)


async def test_an_answer_that_calls_a_tool_is_not_parsed_yet() -> None:
    call = ToolCallDelta(index=0, id="1", name="look", arguments="{}")
    reply = await FakeProvider("I'll look.", call).complete("?", response_format=City)

    assert reply.finish_reason == "tool_calls"
    assert reply.parsed is None


@pytest.mark.parametrize(
    ("items", "wanted", "why"),
    [
        (["Paris."], City, "it is not valid JSON"),
        ([" \n"], City, "it is empty"),
        ([], SCHEMA, "it is empty"),
        (["NaN"], SCHEMA, "it is not valid JSON"),
        (["\ud800"], SCHEMA, "it is not valid JSON"),
        (["[" * 5000], SCHEMA, "it is not valid JSON"),
        ([f"```json\n{PARIS}\n```"], City, "it is not valid JSON"),
        (["{}"], City, "name: Field required"),
        (["[]"], {"type": "json_object"}, "it is not an object"),
        (["{}"], SCHEMA, "'name' is missing"),
        (["{}"], {"required": list("abcdef")}, "'a' is missing; 'b' is missing; 'c'"),
        (['"x"'], {"minLength": 9}, "it has fewer characters than 9"),
        (["{}"], {"required": 3}, "checking it raised TypeError"),
        (['{"name": "x"}'], Picky, "checking it raised KeyError"),
    ],
)
async def test_an_answer_that_does_not_match_is_an_error(
    items: list[str], wanted: Any, why: str
) -> None:
    error = await misfit_of(*items, wanted=wanted)

    expected = f"the answer of Fake:fake-1 is not what response_format asks for: {why}"
    assert str(error).startswith(expected)
    assert (error.provider, error.model, error.retryable) == ("Fake", "fake-1", False)
    assert error.reply is not None
    assert error.reply.text == "".join(items)
    (attempt,) = error.reply.attempts
    assert (attempt.outcome, attempt.error) == ("failed", error)


@pytest.mark.parametrize(
    ("reason", "details", "why"),
    [
        ("length", {}, "it reached its token limit before the end of its"),
        ("content_filter", {}, "the provider's content filter cut it off"),
        ("stop", {"refusal": True}, "the model refused to answer"),
    ],
)
async def test_an_error_says_why_the_json_is_not_valid(
    reason: FinishReason, details: dict[str, object], why: str
) -> None:
    error = await misfit_of('{"name": "Pa', Finish(reason=reason, details=details))

    assert f"asks for: {why}" in str(error)


async def test_a_complete_answer_at_the_token_limit_is_accepted() -> None:
    fake = FakeProvider(PARIS, Finish(reason="length"))

    assert (await fake.complete("?", response_format=City)).parsed.name == "Paris"


async def test_the_answer_is_in_no_message() -> None:
    texts = [f"{SECRET} {{", f'{{"name": ["{SECRET}"]}}', f'{{"people": "{SECRET}"}}']
    for text in texts:
        error = await misfit_of(text)

        assert SECRET not in str(error)
        assert error.__cause__ is error.__context__ is None


async def test_an_error_of_a_models_validator_is_the_cause() -> None:
    error = await misfit_of('{"name": "x"}', wanted=Picky)

    assert isinstance(error.__cause__, KeyError)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.reply.text) == (str(error), '{"name": "x"}')


async def test_the_usage_of_an_answer_that_does_not_match_is_kept() -> None:
    error = await misfit_of("Paris.", Usage(input_tokens=3, output_tokens=5))

    assert error.reply is not None
    assert error.reply.usage == Usage(input_tokens=3, output_tokens=5)


def route_of(*providers: FakeProvider, **policy: object) -> Route:
    return Route([provider.target() for provider in providers], policy)


async def test_if_no_text_was_shown_the_next_target_is_used() -> None:
    first, second = FakeProvider("Paris.", name="A"), FakeProvider(PARIS, name="B")
    reply = await route_of(first, second).complete("?", response_format=City)

    assert (reply.parsed, reply.text) == (City(name="Paris", people=2), PARIS)
    assert [(a.outcome, type(a.error)) for a in reply.attempts] == [
        ("failed", InvalidReplyError),
        ("complete", type(None)),
    ]
    assert len(first.requests) == 1


async def test_each_error_keeps_the_text_that_did_not_match() -> None:
    route = route_of(FakeProvider("Paris.", name="A"), FakeProvider("Rome", name="B"))
    with pytest.raises(FallbackError) as caught:
        await route.complete("?", response_format=City)

    errors = caught.value.exceptions
    replies = [e.reply for e in errors if isinstance(e, InvalidReplyError)]
    assert [reply.text for reply in replies if reply] == ["Paris.", "Rome"]


async def test_the_error_of_a_lone_target_keeps_the_text_too() -> None:
    with pytest.raises(FallbackError) as caught:
        await route_of(FakeProvider("Paris.")).complete("?", response_format=City)

    (error,) = caught.value.exceptions
    assert isinstance(error, InvalidReplyError)
    assert error.reply is not None
    assert error.reply.text == "Paris."


async def test_if_the_text_was_streamed_the_error_is_raised_at_the_end() -> None:
    second = FakeProvider(PARIS, name="B")
    route = route_of(FakeProvider("Par", "is.", name="A"), second)
    stream = route.stream("?", response_format=City)
    texts = aiter(stream)

    assert [await anext(texts), await anext(texts)] == ["Par", "is."]
    with pytest.raises(InvalidReplyError):
        await anext(texts)
    assert stream.reply.text == "Paris."
    assert second.requests == []


async def test_if_only_reasoning_was_shown_the_next_target_restarts() -> None:
    first = FakeProvider(ReasoningDelta(text="Hm."), name="A")
    route = route_of(first, FakeProvider(PARIS, name="B"))
    stream = route.stream("?", response_format=City)
    events = [event async for event in stream.events()]

    assert any(isinstance(event, Restart) for event in events)
    assert stream.reply.parsed == City(name="Paris", people=2)


async def test_a_structured_answer_is_never_spliced() -> None:
    cut = FakeProvider(PARIS[:9], StreamTruncatedError("cut"), name="A")
    second = FakeProvider(PARIS, name="B", capabilities=TEXT_ONLY)
    stream = route_of(cut, second, prompted_schema=True).stream(
        "?", response_format=City
    )
    texts = aiter(stream)
    await anext(texts)
    with pytest.raises(StreamBrokenError) as caught:
        await anext(texts)

    assert "response_format asks for more than plain text" in str(caught.value)
    assert second.requests == []


def test_a_hedge_that_wins_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnout.routes._hedging._SHARE", 1.0)

    async def main() -> Reply:
        slow = FakeProvider(Pause(10), "late", name="A")
        route = route_of(slow, FakeProvider([PARIS], name="B"), hedge_after=1.0)
        return await route.complete("?", response_format=City)

    reply = run_simulated(main())

    assert [attempt.outcome for attempt in reply.attempts] == ["closed", "complete"]
    assert reply.parsed == City(name="Paris", people=2)


async def test_a_target_without_schemas_is_refused_by_default() -> None:
    fake = FakeProvider(PARIS, capabilities=TEXT_ONLY)
    message = "does not support response_format"

    with pytest.raises(UnsupportedError, match=message):
        await fake.complete("?", response_format=City)
    with pytest.raises(FallbackError, match=message):
        await route_of(fake).complete("?", response_format=City)

    assert fake.requests == []


async def prompted(text: str, wanted: Any = City) -> Any:
    """Return the reply to a request by a message, and the request's messages."""
    fake = FakeProvider(text, capabilities=TEXT_ONLY)
    route = route_of(fake, prompted_schema=True)
    reply = await route.complete("Which city?", response_format=wanted)
    return reply, fake.requests[0]


async def test_if_the_route_allows_it_a_message_has_the_schema() -> None:
    reply, request = await prompted(PARIS, SCHEMA)

    assert reply.parsed == {"name": "Paris", "people": 2}
    assert request.response_format is None
    assert request.messages == (
        Message(
            role="user",
            content="Which city?\n\nAnswer with JSON alone: no other text, and no "
            "Markdown. It has to be valid by this JSON schema:\n"
            '{"type": "object", "required": ["name"]}',
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        PARIS,
        f"```json\n{PARIS}\n```",
        f"```\n{PARIS}```",
        f"Here it is:\n\n```JSON\n{PARIS}\n```\nAnything else?",
    ],
)
async def test_a_fence_around_a_prompted_answer_is_accepted(text: str) -> None:
    reply, _ = await prompted(text)

    assert reply.parsed == City(name="Paris", people=2)
    assert reply.text == text


async def test_a_fence_inside_of_json_is_kept() -> None:
    text = '{"name": "```x",\n "people": 1, "more": "```"}'
    reply, _ = await prompted(text, SCHEMA)

    assert reply.parsed["name"] == "```x"


@pytest.mark.parametrize("text", ["Paris.", "```\nParis.\n```", "```json {} ```"])
async def test_a_prompted_answer_is_validated(text: str) -> None:
    with pytest.raises(FallbackError) as caught:
        await prompted(text)

    assert [type(error) for error in caught.value.exceptions] == [InvalidReplyError]


async def test_only_targets_without_schemas_get_a_message() -> None:
    native = FakeProvider("no", name="A")
    worded = FakeProvider(PARIS, name="B", capabilities=TEXT_ONLY)
    route = route_of(native, worded, prompted_schema=True)
    reply = await route.complete("?", response_format=City)

    assert reply.parsed == City(name="Paris", people=2)
    assert native.requests[0].response_format is not None
    assert native.requests[0].last_user_text == "?"
    assert worded.requests[0].response_format is None


async def test_other_features_that_a_target_lacks_are_refused() -> None:
    fake = FakeProvider(PARIS, capabilities=TEXT_ONLY)
    route = route_of(fake, prompted_schema=True)

    with pytest.raises(FallbackError, match="does not support seed; leave"):
        await route.complete("?", response_format=City, seed=1)
    with pytest.raises(FallbackError, match="does not support seed; leave"):
        await route.complete("?", seed=1)

    assert fake.requests == []


@pytest.mark.parametrize(
    ("messages", "last"),
    [
        (
            [
                Message(role="user", content=(ImagePart(url="https://x.test/i.png"),)),
                Message(role="assistant", content="Hm."),
            ],
            0,
        ),
        ([Message(role="system", content="Speak JSON.")], 1),
    ],
)
async def test_the_instruction_is_in_the_last_user_message(
    messages: list[Message], last: int
) -> None:
    can = Capabilities(images=True)
    fake = FakeProvider(PARIS, capabilities=can)
    route = route_of(fake, prompted_schema=True)

    await route.complete(messages, response_format={"type": "json_object"})

    sent = fake.requests[0].messages
    words = (
        "Answer with JSON alone: no other text, and no Markdown. It has to be valid by "
        'this JSON schema:\n{"type": "object"}'
    )
    assert sent[last].role == "user"
    content = sent[last].content
    assert content == words or content[-1] == TextPart(text=words)
    assert [m for m in sent if m.role != "user"] == [
        m for m in messages if m.role != "user"
    ]


def test_a_request_remembers_its_form_and_neither_shows_nor_compares_it() -> None:
    request = ChatRequest.build("?", response_format=City)
    by_schema = ChatRequest.build("?", response_format=request.response_format)

    assert request.answer_form == AnswerForm(
        schema=City.model_json_schema(), model=City
    )
    assert request.for_model("other").answer_form is request.answer_form
    assert by_schema.answer_form == AnswerForm(schema=City.model_json_schema())
    assert by_schema == request
    assert "answer_form" not in repr(request)
    assert ChatRequest.build("?").answer_form is None


def test_answers_without_a_form_import_no_parser() -> None:
    program = (
        "import sys, asyncio\n"
        "from turnout.testing import FakeProvider\n"
        "asyncio.run(FakeProvider('Hi').complete('?'))\n"
        "print([m for m in sys.modules if m in "
        "('turnout._structure', 'turnout._schema', 'pydantic', 'genai_prices')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert done.stdout == "[]\n"
