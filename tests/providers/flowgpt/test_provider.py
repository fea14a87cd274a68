"""What the provider sends, against a server that enforces the protocol."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from turnout.errors import (
    ArgumentError,
    ConfigError,
    ProtocolError,
    RateLimitError,
    UnknownModelError,
    UnsupportedError,
)
from turnout.generators import AsyncGeneratorProvider, ProviderModelMixin
from turnout.testing import run_clean
from turnout.types import Conversation, ImagePart, Message
from turnout_flowgpt import FlowGpt

from ...support.flowgpt_rules import DEFAULT_SYSTEM, GREETING, MODELS, PATH, Rules
from ...support.flowgpt_server import Answer, FlowGptServer, json_status

CONVERSATION: Conversation = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Why é \U0001f5fc?"},
]


def ask(server: FlowGptServer) -> FlowGpt:
    return FlowGpt(base_url=server.base_url)


async def texts(pieces: AsyncIterator[str]) -> list[str]:
    return [piece async for piece in pieces]


async def test_a_question_alone_keeps_every_rule() -> None:
    async with FlowGptServer() as server:
        reply = await ask(server).complete("Why?")

    assert server.refusals == []
    assert reply.text == Answer().text
    (request,) = server.requests
    assert request.http.target == PATH
    assert request.body["model"] == "gpt-3.5-turbo"
    assert request.body["question"] == "Why?"
    assert request.body["history"] == [GREETING]
    assert request.body["system"] == DEFAULT_SYSTEM
    assert request.body["temperature"] == 0.7


async def test_a_header_of_the_users_own_is_signed() -> None:
    async with FlowGptServer(rules=Rules(token="of-the-user")) as server:
        headers = {"authorization": "Bearer of-the-user"}
        flowgpt = FlowGpt(base_url=server.base_url, headers=headers)
        reply = await flowgpt.complete("Why?")

    assert server.refusals == []
    assert reply.text == Answer().text
    assert server.requests[0].http.values("Authorization") == ["Bearer of-the-user"]


async def test_a_conversation_keeps_every_rule() -> None:
    async with FlowGptServer() as server:
        await ask(server).complete(CONVERSATION, temperature=0)

    assert server.refusals == []
    (request,) = server.requests
    assert request.body["question"] == "Why é \U0001f5fc?"
    assert request.body["system"] == "Be brief.\nBe kind."
    assert request.body["temperature"] == 0
    assert request.body["history"] == [
        GREETING,
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
    ]


async def test_a_reply_says_who_gave_it_and_no_more_than_is_known() -> None:
    async with FlowGptServer() as server:
        reply = await ask(server).complete("Why?", model="gemini")

    assert str(reply.target) == "FlowGpt:google-gemini"
    assert reply.finish_reason == "unknown"
    assert reply.usage is None
    assert [attempt.outcome for attempt in reply.attempts] == ["complete"]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        *((model, model) for model in MODELS),
        ("gemini", "google-gemini"),
        ("gemini-pro", "google-gemini"),
        ("mixtral-8x7b", "Mixtral-8x7B"),
        (None, "gpt-3.5-turbo"),
    ],
)
async def test_a_model_is_asked_by_its_native_name(
    name: str | None, model: str
) -> None:
    async with FlowGptServer() as server:
        await ask(server).complete("Why?", model=name)

    assert server.refusals == []
    assert server.requests[0].body["model"] == model
    assert server.requests[0].body["promptId"] == f"model-{model}"


async def test_only_what_the_client_can_decode_is_accepted() -> None:
    # A compressed body that was cut off could not be told from a whole one.
    rules = Rules(accept_encodings=["identity"])
    async with FlowGptServer(rules=rules) as server:
        await ask(server).complete("Why?")

    assert server.refusals == []


async def test_extra_goes_into_the_body() -> None:
    rules = Rules(extra_keys=["seed", "nested"])
    async with FlowGptServer(rules=rules) as server:
        await ask(server).complete("Why?", extra={"seed": 7, "nested": {"a": [None]}})

    assert server.refusals == []
    assert server.requests[0].body["seed"] == 7
    assert server.requests[0].body["nested"] == {"a": [None]}


async def test_a_provider_keeps_its_device_and_spends_nonces() -> None:
    async with FlowGptServer() as server:
        one, other = ask(server), ask(server)
        async with asyncio.TaskGroup() as group:
            for provider in [*[one] * 10, *[other] * 10]:
                group.create_task(_complete(provider))

    assert server.refusals == []
    assert len({request.header("x-nonce") for request in server.requests}) == 20
    devices = [request.header("x-flow-device-id") for request in server.requests]
    assert sorted(map(devices.count, set(devices))) == [10, 10]


async def _complete(provider: FlowGpt) -> None:
    await provider.complete("Why?")


async def test_a_device_is_kept_in_an_entered_provider_too() -> None:
    async with FlowGptServer() as server:
        provider = ask(server)
        await provider.complete("Why?")
        async with provider:
            await provider.complete("Why?")
        await provider.complete("Why?")

    assert server.refusals == []
    assert len({r.header("x-flow-device-id") for r in server.requests}) == 1


async def test_a_request_that_is_sent_anew_has_a_proof_of_its_own() -> None:
    # The second request finds its kept connection closed, and is sent on a new one.
    answers = (Answer(), Answer(cut_after=0), Answer(pieces=("b",)))
    async with FlowGptServer(*answers) as server, ask(server) as provider:
        await provider.complete("Why?")
        reply = await provider.complete("Why?")

    assert reply.text == "b"
    assert server.refusals == []
    assert len(server.connections) == 2
    assert len({request.header("x-nonce") for request in server.requests}) == 3


@pytest.mark.parametrize("sent", [1, 20, 40])
async def test_a_request_that_was_answered_in_part_is_not_sent_anew(sent: int) -> None:
    answers = (Answer(), Answer(cut_after=sent), Answer())
    async with FlowGptServer(*answers) as server, ask(server) as provider:
        await provider.complete("Why?")
        with pytest.raises(ProtocolError):
            await provider.complete("Why?")

    assert server.refusals == []
    assert len(server.connections) == 1
    assert len(server.requests) == 2


async def test_a_token_is_shown_and_signed() -> None:
    async with FlowGptServer(rules=Rules(token="canary-token")) as server:
        provider = FlowGpt(base_url=server.base_url, api_key="canary-token")
        await provider.complete("Why?")

    assert server.refusals == []
    assert server.requests[0].header("Authorization") == "Bearer canary-token"


async def test_a_token_is_in_no_error() -> None:
    refusal = json_status(401, "bad token canary-token (Bearer canary-token)")
    async with FlowGptServer(refusal, rules=Rules(token="canary-token")) as server:
        provider = FlowGpt(base_url=server.base_url, api_key="canary-token")
        with pytest.raises(Exception, match="refused the key") as caught:
            await provider.complete("Why?")

    assert "canary" not in f"{caught.value!r}{caught.value}{vars(caught.value)}"
    assert "canary" not in f"{provider!r}{provider.options!r}"


async def test_nothing_is_sent_before_the_stream_is_read() -> None:
    async with FlowGptServer() as server:
        stream = ask(server).stream("Why?")
        await asyncio.sleep(0)
        assert server.connections == []
        await stream.aclose()

    assert server.connections == []


SAMPLING: dict[str, Any] = {
    "max_tokens": 5,
    "top_p": 0.5,
    "stop": ["x", "y"],
    "seed": 1,
}


@pytest.mark.parametrize(("name", "value"), SAMPLING.items())
def test_a_stream_refuses_what_the_service_is_not_known_to_follow(
    name: str, value: object
) -> None:
    options: Any = {name: value}
    with pytest.raises(UnsupportedError, match=name):
        _ = FlowGpt().stream("Why?", **options)


async def test_the_class_method_sends_it_all_the_same() -> None:
    more: dict[str, Any] = {**SAMPLING, "stream": True, "n": 1}
    async with FlowGptServer(rules=Rules(extra_keys=more)) as server:
        await texts(
            FlowGpt.create_async_generator(
                None, "Why?", base_url=server.base_url, **more
            )
        )

    assert server.refusals == []
    assert server.requests[0].body.items() >= more.items()


async def test_extra_sends_it_too() -> None:
    async with FlowGptServer(rules=Rules(extra_keys=SAMPLING)) as server:
        await ask(server).complete("Why?", extra=SAMPLING)

    assert server.refusals == []
    assert server.requests[0].body.items() >= SAMPLING.items()


async def test_the_class_method_leaves_out_what_is_none() -> None:
    nothing: dict[str, Any] = dict.fromkeys([*SAMPLING, "extra", "deadline", "tools"])
    async with FlowGptServer() as server:
        await texts(
            FlowGpt.create_async_generator(
                None, "Why?", base_url=server.base_url, **nothing
            )
        )

    assert server.refusals == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "keywords",
    [
        pytest.param(
            {"tools": [{"type": "function", "function": {"name": "f"}}]}, id="tools"
        ),
        pytest.param(
            {"response_format": {"type": "json_object"}}, id="response_format"
        ),
    ],
)
def test_what_changes_the_form_of_an_answer_is_refused(
    keywords: dict[str, Any],
) -> None:
    with pytest.raises(UnsupportedError, match=next(iter(keywords))):
        _ = FlowGpt.create_async_generator(None, "Why?", **keywords)


async def test_the_class_method_sends_names_of_messages() -> None:
    named = [
        {"role": "user", "content": "Hi", "name": "Ada"},
        {"role": "assistant", "content": "Hello.", "name": "Bot"},
        {"role": "user", "content": "Why?"},
    ]
    async with FlowGptServer() as server:
        generator = FlowGpt.create_async_generator(
            None, named, base_url=server.base_url
        )
        await texts(generator)

    assert server.refusals == []
    assert server.requests[0].body["history"] == [GREETING, *named[:2]]


def test_images_are_refused() -> None:
    image = ImagePart(url="https://example.invalid/a.png")
    with pytest.raises(UnsupportedError, match="images"):
        _ = FlowGpt().stream([Message(role="user", content=(image,))])


def test_an_unknown_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownModelError, match="'gemini-pro'"):
        _ = FlowGpt().stream("Why?", model="gemini-pr")


def test_the_class_says_of_itself_what_its_description_does() -> None:
    assert FlowGpt.url == "https://flowgpt.com/chat"
    assert FlowGpt.working is False
    assert FlowGpt.supports_message_history is True
    assert FlowGpt.supports_system_message is True
    assert FlowGpt.default_model == "gpt-3.5-turbo"
    assert list(FlowGpt.models) == list(MODELS)
    assert FlowGpt.model_aliases == {
        "gemini": "google-gemini",
        "gemini-pro": "google-gemini",
    }


def test_the_class_method_has_the_described_signature() -> None:
    parameters = inspect.signature(FlowGpt.create_async_generator).parameters

    assert list(parameters) == ["model", "messages", "proxy", "temperature", "kwargs"]
    assert parameters["proxy"].default is None
    assert parameters["temperature"].default == 0.7
    assert parameters["kwargs"].kind is inspect.Parameter.VAR_KEYWORD


async def test_the_class_method_is_awaited_and_iterated() -> None:
    async with FlowGptServer() as server:
        generator = await FlowGpt.create_async_generator(
            "gemini-pro", CONVERSATION, base_url=server.base_url
        )
        pieces = [chunk async for chunk in generator]

    assert server.refusals == []
    assert pieces == [piece for piece in Answer().pieces if piece]
    assert {type(piece) for piece in pieces} == {str}
    assert server.requests[0].body["model"] == "google-gemini"
    assert server.requests[0].body["temperature"] == 0.7


async def test_the_class_method_is_iterated_as_it_is() -> None:
    async with FlowGptServer() as server:
        generator = FlowGpt.create_async_generator(
            "claude-v2", "Why?", None, 0.1, base_url=server.base_url
        )
        pieces = [chunk async for chunk in generator]

    assert server.refusals == []
    assert "".join(pieces) == Answer().text
    assert server.requests[0].body["model"] == "claude-v2"
    assert server.requests[0].body["temperature"] == 0.1


@pytest.mark.parametrize("model", ["", None])
async def test_the_class_method_asks_the_default_model(model: str | None) -> None:
    async with FlowGptServer() as server:
        await texts(
            aiter(
                FlowGpt.create_async_generator(
                    model, "Why?", base_url=server.base_url, temperature=None
                )
            )
        )

    assert server.requests[0].body["model"] == "gpt-3.5-turbo"
    assert server.requests[0].body["temperature"] == 0.7


async def test_the_class_method_sorts_its_keywords() -> None:
    rules = Rules(token="canary-token", extra_keys=["mood", "tag"])
    async with FlowGptServer(rules=rules) as server:
        await texts(
            await FlowGpt.create_async_generator(
                "gpt-4-turbo",
                "Why?",
                base_url=server.base_url,
                api_key="canary-token",
                stall_timeout=5.0,
                deadline=5.0,
                extra={"tag": 1},
                mood="good",
            )
        )

    assert server.refusals == []
    assert server.requests[0].body["mood"] == "good"
    assert server.requests[0].body["tag"] == 1


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        pytest.param({"base_url": "ftp://x"}, ConfigError, id="option"),
        pytest.param({"deadline": -1}, ArgumentError, id="request"),
        pytest.param({"proxy": "nowhere"}, ConfigError, id="proxy"),
        pytest.param({"temperature": "hot"}, ArgumentError, id="temperature"),
    ],
)
def test_the_class_method_checks_its_keywords(
    keywords: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        _ = FlowGpt.create_async_generator("gpt-4-turbo", "Why?", **keywords)


def test_a_generator_that_is_not_used_is_nothing() -> None:
    async def main() -> None:
        async with FlowGptServer() as server:
            _ = FlowGpt.create_async_generator(None, "Why?", base_url=server.base_url)
        assert server.connections == []

    run_clean(main)


@pytest.mark.parametrize("awaited", [False, True])
def test_a_generator_that_is_closed_frees_the_connection(awaited: bool) -> None:
    async def main() -> None:
        answer = Answer(holds={1: asyncio.Event()})
        async with FlowGptServer(answer) as server:
            asked = FlowGpt.create_async_generator(
                None, "Why?", base_url=server.base_url
            )
            pieces = await asked if awaited else aiter(asked)
            assert await anext(pieces) == Answer().pieces[0]
            assert isinstance(pieces, AsyncGenerator)
            await pieces.aclose()
            await server.connections[0].wait_peer_closed()

    run_clean(main)


async def test_the_whole_of_a_generator_can_be_closed() -> None:
    answer = Answer(holds={1: asyncio.Event()})
    async with FlowGptServer(answer) as server:
        asked = FlowGpt.create_async_generator(None, "Why?", base_url=server.base_url)
        pieces = aiter(asked)
        await anext(pieces)
        await asked.aclose()
        await server.connections[0].wait_peer_closed()
        assert await texts(pieces) == []


def test_the_class_has_the_bases_that_its_description_names() -> None:
    assert issubclass(FlowGpt, AsyncGeneratorProvider)
    assert issubclass(FlowGpt, ProviderModelMixin)
    assert FlowGpt.supports_stream is True
    assert FlowGpt.needs_auth is False
    assert FlowGpt.get_models() == list(MODELS)
    assert FlowGpt.get_model("gemini-pro") == "google-gemini"
    assert FlowGpt.get_model("") == "gpt-3.5-turbo"


async def test_the_class_method_may_be_given_to_a_task() -> None:
    async with FlowGptServer() as server:
        asked = FlowGpt.create_async_generator(None, "Why?", base_url=server.base_url)
        generator = await asyncio.create_task(asked)
        assert "".join(await texts(generator)) == Answer().text


async def test_the_class_method_raises_errors_as_it_is_iterated() -> None:
    async with FlowGptServer(json_status(429)) as server:
        asked = FlowGpt.create_async_generator(None, "Why?", base_url=server.base_url)
        with pytest.raises(RateLimitError):
            await anext(asked)
