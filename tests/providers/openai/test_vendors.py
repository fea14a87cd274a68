"""The rows: who is asked, and what each does in another way. Ids are of cases.md."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from turnout import get_provider
from turnout._app import App
from turnout._config import Config
from turnout.errors import (
    AuthenticationError,
    ConfigError,
    ContentFilterError,
    ContextLengthError,
    InvalidRequestError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    TurnoutError,
    UnsupportedError,
)
from turnout.testing import FaultServer, respond
from turnout.types import ChatRequest, Message, ReasoningDelta
from turnout_openai import OpenAI
from turnout_openai import _plugin as plugin
from turnout_openai._vendor import COMPATIBLE, OPENAI, Vendor
from turnout_openai._vendors import (
    AZURE_OPENAI,
    DEEPSEEK,
    GROQ,
    TOGETHER,
    VENDORS,
    VLLM,
)

from ...support.openai_server import DONE, answer, chunk, event, finish, text, usage
from ...support.responses_events import delta, ended, numbered

PAGE = Path(__file__).parents[3] / "docs" / "providers" / "openai-compatible.md"
KEY = "sk-canary-0123456789"
STREAMED = ("Content-Type", "text/event-stream")
NAMES = [vendor.name for vendor in VENDORS]


def of(name: str, **options: Any) -> OpenAI:
    provider = get_provider(name, **options)
    assert isinstance(provider, OpenAI)
    return provider


async def failure_of(name: str, *script: Any, **options: Any) -> TurnoutError:
    """Return the error of a vendor that answers as a script says."""
    async with FaultServer(respond(*script)) as server:
        provider = of(name, base_url=server.url, api_key=KEY, **options)
        with pytest.raises(TurnoutError) as caught:
            await provider.complete("Why?", model="m")
    return caught.value


# The table.


def test_each_row_has_an_entry_point_of_its_name() -> None:
    points = {
        entry.name: entry.load().turnout_providers()[0]
        for entry in entry_points(group="turnout")
        if entry.value.startswith("turnout_openai._plugin:")
    }

    assert sorted(points) == sorted(NAMES)
    for vendor in VENDORS:
        assert points[vendor.name] == vendor.info(OpenAI)


def test_what_is_no_row_is_no_plugin() -> None:
    for name in ("NOBODY", "VENDORS"):
        with pytest.raises(AttributeError):
            getattr(plugin, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_vendor_is_loaded_alone(name: str) -> None:
    app = App(Config())

    provider = app.provider(name.lower(), {})

    assert provider.info.name == name
    assert [loaded.name for loaded in app.host.plugins] == [name]


def test_all_of_them_are_listed() -> None:
    assert set(App(Config()).load_all().providers) >= {"OpenAI", *NAMES}


@pytest.mark.parametrize("vendor", VENDORS, ids=NAMES)
def test_a_row_says_whom_to_ask_and_with_which_key(vendor: Vendor) -> None:
    info = vendor.info(OpenAI)

    assert info.key_variable is not None
    assert info.url is not None
    assert info.url.startswith("https://")
    assert (vendor.base_url is None) == bool(vendor.form)
    assert info.needs_key == bool(vendor.hosts)
    for model in info.model_infos:
        facts = model.context_window, model.max_output_tokens, model.prefill
        assert facts == (None, None, "none") or "2026-" in model.source


@pytest.mark.parametrize("vendor", VENDORS, ids=NAMES)
def test_the_page_has_each_row(vendor: Vendor) -> None:
    address = f"`{vendor.base_url}`" if vendor.base_url else f"yours: `{vendor.form}`"

    row = f"| `{vendor.name}` | {address} | `{vendor.key_variable}` | "

    assert row in PAGE.read_text("utf-8")


def test_a_vendor_is_at_most_ten_lines() -> None:
    row = Vendor(
        name="Example",
        base_url="https://api.example.com/v1",
        hosts=("api.example.com",),
        key_variable="EXAMPLE_API_KEY",
        url="https://example.com/docs",
        models=("example-1",),
    )

    (info,) = plugin.VendorPlugin(row).turnout_providers()

    assert (info.name, info.first_model) == ("Example", "example-1")


@pytest.mark.parametrize("vendor", VENDORS, ids=NAMES)
async def test_each_vendor_is_asked_with_its_key_and_in_its_way(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vendor.key_variable is not None
    monkeypatch.setenv(vendor.key_variable, KEY)
    body = text("Hi") + finish() + usage() + DONE
    async with FaultServer(respond(200, body, STREAMED)) as server:
        provider = of(vendor.name, base_url=f"{server.url}/v1")
        reply = await provider.complete("Why?", max_tokens=9)

    (request,) = server.http_requests
    sent = json.loads(request.body)
    assert request.target == "/v1/chat/completions"
    assert request.values(vendor.key_header) == [vendor.key_prefix + KEY]
    assert sent[vendor.max_tokens_field] == 9
    assert sent.get("model", "") == provider.info.first_model
    assert reply.text == "Hi"


# Who it is.


@pytest.mark.parametrize(
    ("options", "vendor"),
    [
        ({}, OPENAI),
        ({"base_url": "https://eu.api.openai.com/v1"}, OPENAI),
        ({"base_url": "https://openai.com.evil.example/v1"}, COMPATIBLE),
        ({"base_url": "http://notopenai.com"}, COMPATIBLE),
        ({"base_url": "http://127.0.0.1:8000/v1"}, COMPATIBLE),
        ({"base_url": "http://127.0.0.1:8000/v1", "vendor": "vllm"}, VLLM),
        ({"base_url": "https://api.groq.com/openai/v1"}, GROQ),
        ({"base_url": "https://api.together.xyz/v1"}, TOGETHER),
        ({"base_url": "https://me.openai.azure.com/openai/v1"}, AZURE_OPENAI),
    ],
)
def test_a_vendor_is_known_by_its_name_or_its_address(
    options: dict[str, Any], vendor: Vendor
) -> None:
    assert OpenAI(**options).vendor is vendor


def test_there_is_no_other_vendor() -> None:
    with pytest.raises(
        ConfigError, match="vendor must be one of OpenAI, AzureOpenAI, "
    ):
        OpenAI(vendor="Nobody")


# Keys and addresses.


@pytest.mark.parametrize("vendor", VENDORS, ids=NAMES)
async def test_a_key_is_needed_where_the_row_says_so(vendor: Vendor) -> None:
    provider = of(vendor.name)

    if not vendor.needs_key:
        assert provider.key() is None
        return
    with pytest.raises(
        AuthenticationError, match=f"{vendor.key_variable} in the environment"
    ):
        await provider.complete("Why?", model="m")


async def test_azure_needs_its_key_at_any_address() -> None:
    async with FaultServer(respond(200)) as server:
        with pytest.raises(AuthenticationError, match="AZURE_OPENAI_API_KEY"):
            await of("AzureOpenAI", base_url=server.url).complete("Why?", model="m")

    assert server.connections == []


async def test_azure_has_no_address_but_each_customers() -> None:
    azure = of("AzureOpenAI", api_key=KEY)

    assert azure.unavailable() == (
        "its address is not set; set base_url, as in "
        "https://NAME.openai.azure.com/openai/v1"
    )
    with pytest.raises(ConfigError, match=r"set base_url, as in https://NAME\."):
        await azure.complete("Why?", model="m")


@pytest.mark.parametrize(
    ("options", "lack"),
    [
        ({}, None),
        ({"base_url": None}, "its address is not set; set base_url"),
    ],
)
def test_others_lack_nothing(options: dict[str, Any], lack: str | None) -> None:
    assert OpenAI(**options).unavailable() == lack


async def test_a_dated_address_is_asked_with_its_date() -> None:
    async with FaultServer(respond(200, answer("a"), STREAMED)) as server:
        azure = of("AzureOpenAI", base_url=server.url, api_key=KEY, api_version="2024")
        await azure.complete("Why?", model="mine")

    assert server.http_requests[0].target == "/chat/completions?api-version=2024"


# The beginning of an answer.

BEGUN = (
    Message(role="user", content="Count."),
    Message(role="assistant", content="1, 2,"),
)


@pytest.mark.parametrize(
    ("name", "model", "last", "beside"),
    [
        ("Mistral", "mistral-small-latest", {"prefix": True}, {}),
        ("DeepSeek", "deepseek-flash", {"prefix": True}, {}),
        ("Qwen", "qwen-plus", {"partial": True}, {}),
        (
            "vLLM",
            "any",
            {},
            {"continue_final_message": True, "add_generation_prompt": False},
        ),
        ("llama.cpp", "any", {}, {}),
    ],
)
def test_a_beginning_is_gone_on_with_as_the_model_wants_it(
    name: str, model: str, last: dict[str, object], beside: dict[str, object]
) -> None:
    provider = of(name, api_key=KEY)
    request = ChatRequest(messages=BEGUN, model=model, prefill=True)

    sent = provider.call(request).body

    assert provider.catalog.info_of(model).prefill != "none"
    messages: Any = sent["messages"]
    assert messages[-1] == {"role": "assistant", "content": "1, 2,", **last}
    assert sent.items() >= beside.items()


@pytest.mark.parametrize(
    ("options", "prefill", "path"),
    [
        ({}, True, "/beta/chat/completions"),
        ({}, False, "/chat/completions"),
        ({"base_url": "https://api.deepseek.com/beta"}, True, "/chat/completions"),
    ],
)
def test_deepseek_goes_on_at_an_address_of_its_own(
    options: dict[str, Any], prefill: bool, path: str
) -> None:
    request = ChatRequest(messages=BEGUN, model="deepseek-flash", prefill=prefill)

    assert of("DeepSeek", api_key=KEY, **options).call(request).path == path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DeepSeek", {"response_format": {"type": "object"}}),
        ("Perplexity", {"seed": 1}),
        ("xAI", {"stop": "a"}),
    ],
)
def test_what_a_vendor_cannot_do_is_refused_before_any_request(
    name: str, options: dict[str, Any]
) -> None:
    with pytest.raises(UnsupportedError):
        _ = of(name).stream("Why?", **options)


# Refusals.


def told(**error: object) -> bytes:
    return json.dumps({"error": {"message": "no", **error}}).encode()


@pytest.mark.parametrize(
    ("name", "script", "expected"),
    [
        pytest.param(
            "Together",
            (403, told(message="The input token count and max_tokens are too many")),
            ContextLengthError,
            id="E14",
        ),
        *(
            pytest.param(
                "OpenAI", (400, told(message=phrase)), ContextLengthError, id=phrase
            )
            for phrase in (
                "This model's maximum context length is 8",
                "prompt is too long: 205351 tokens > 200000 maximum",
                "It exceeds the maximum number of tokens allowed",
                "Current length is 9 while limit is 8",
                "input length and max_tokens exceed context limit",
                "The input is longer than the model's context length",
                "input tokens exceed the configured limit",
                "`inputs` tokens + `max_new_tokens` must be <= 8",
            )
        ),
        pytest.param(
            "OpenRouter",
            (400, told(code=400, metadata={"error_type": "context_length_exceeded"})),
            ContextLengthError,
            id="OpenRouter's context",
        ),
        pytest.param(
            "llama.cpp",
            (
                400,
                told(code=400, type="exceed_context_size_error", n_prompt_tokens=9),
            ),
            ContextLengthError,
            id="llama.cpp's context",
        ),
        pytest.param(
            "OpenAI",
            (400, told(code="string_above_max_length")),
            InvalidRequestError,
            id="E15",
        ),
        pytest.param(
            "AzureOpenAI",
            (
                400,
                told(
                    code="content_filter",
                    innererror={"code": "ResponsibleAIPolicyViolation"},
                ),
            ),
            ContentFilterError,
            id="E16-Azure",
        ),
        pytest.param(
            "OpenRouter",
            (403, told(code=403, metadata={"reasons": ["x"], "flagged_input": "…"})),
            ContentFilterError,
            id="E16-OpenRouter",
        ),
        pytest.param(
            "OpenRouter",
            (
                402,
                told(metadata={"limit_source": "openrouter_in_flight_budget"}),
                ("Retry-After", "2"),
            ),
            RateLimitError,
            id="E12",
        ),
        pytest.param("OpenRouter", (402, told()), QuotaExceededError, id="E11"),
        pytest.param("OpenRouter", (529, told()), OverloadedError, id="529"),
        pytest.param("OpenRouter", (524, told()), ServerError, id="524"),
        pytest.param(
            "Groq", (498, told(code="capacity_exceeded")), RateLimitError, id="498"
        ),
        pytest.param(
            "xAI",
            (400, b'{"code":"x","error":"Incorrect API key provided: sk***"}'),
            AuthenticationError,
            id="xAI's key",
        ),
        pytest.param("Groq", (403, told()), PermissionDeniedError, id="403"),
        pytest.param("DeepSeek", (402, told()), QuotaExceededError, id="no balance"),
        pytest.param(
            "vLLM",
            (400, b'{"object":"error","message":"no","type":"x","code":400}'),
            InvalidRequestError,
            id="flat",
        ),
    ],
)
async def test_a_refusal_has_its_class(
    name: str, script: tuple[Any, ...], expected: type[ProviderError]
) -> None:
    error = await failure_of(name, *script)

    assert type(error) is expected
    assert vars(error)["status_code"] == script[0]


@pytest.mark.parametrize(
    ("name", "events", "expected"),
    [
        pytest.param(
            "DeepSeek",
            text("a") + finish("insufficient_system_resource") + DONE,
            OverloadedError,
            id="S05",
        ),
        pytest.param(
            "Groq",
            text("a") + event(chunk({}, x_groq={"error": "over_capacity"})) + DONE,
            ProviderError,
            id="S06-Groq",
        ),
        pytest.param(
            "vLLM",
            text("a")
            + b"data: "
            + told(code=400, type="BadRequestError")
            + b"\n\n"
            # A mark after it is no success.
            + DONE,
            InvalidRequestError,
            id="S06-vLLM",
        ),
        pytest.param(
            "OpenRouter",
            text("a")
            + event(
                chunk(
                    {"content": ""},
                    "error",
                    error={
                        "code": "server_error",
                        "message": "no",
                        "metadata": {"error_type": "provider_overloaded"},
                    },
                )
            ),
            OverloadedError,
            id="S06-OpenRouter",
        ),
        pytest.param(
            "OpenRouter",
            text("a")
            + event(
                {
                    "error": {
                        "code": 403,
                        "message": "no",
                        "metadata": {"error_type": "refusal"},
                    }
                }
            ),
            ContentFilterError,
            id="refusal",
        ),
        pytest.param(
            "Mistral", text("a") + finish("error") + DONE, ProviderError, id="S05-error"
        ),
    ],
)
async def test_an_error_inside_an_answer_has_its_class(
    name: str, events: bytes, expected: type[ProviderError]
) -> None:
    error = await failure_of(name, 200, events, STREAMED)

    assert isinstance(error, expected)
    assert error.reply is not None
    assert error.reply.text == "a"


# Answers.


async def test_azures_frames_without_text_bring_nothing() -> None:
    first: dict[str, object] = {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [{"prompt_index": 0}],
    }
    note = chunk({}, content_filter_results={}, content_filter_offsets={})
    body = event(first) + text("a") + event(note) + text("b")  # S02
    last = finish("content_filter") + DONE
    async with FaultServer(respond(200, body + last, STREAMED)) as server:
        azure = of("AzureOpenAI", base_url=server.url, api_key=KEY)
        reply = await azure.complete("Why?", model="mine")

    # S19: a filter that ends an answer is a result.
    assert (reply.text, reply.finish_reason) == ("ab", "content_filter")


async def test_openrouters_name_for_a_request_is_told() -> None:
    comment = b": OPENROUTER PROCESSING\n\n"
    told_ = event(chunk({"reasoning": "hm", "reasoning_details": [{"text": "hm"}]}))
    headers = STREAMED, ("X-Generation-Id", "gen-1")
    body = comment + told_ + comment + answer("a")
    async with FaultServer(respond(200, body, *headers)) as server:
        router = of("OpenRouter", base_url=server.url, api_key=KEY)
        stream = router.stream("Why?")
        events = [event async for event in stream.events()]

    assert events[:2] == [ReasoningDelta(text="hm"), "a"]  # S07
    assert stream.reply.details["request_id"] == "gen-1"
    assert stream.reply.state is not None


async def test_what_openrouter_wants_to_see_again_it_is_sent() -> None:
    detail = {"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}
    body = event(chunk({"reasoning_details": [detail]})) + answer("a")
    async with FaultServer(respond(200, body, STREAMED)) as server:
        router = of("OpenRouter", base_url=server.url, api_key=KEY)
        first = await router.complete("Why?")
        await router.complete([{"role": "user", "content": "Why?"}, first.to_message()])

    sent = json.loads(server.http_requests[1].body)
    assert sent["messages"][-1]["reasoning_details"] == [detail]


async def test_usage_on_every_chunk_counts_once() -> None:
    body = event(chunk({"content": "a"}, usage={"prompt_tokens": 1})) + answer("b")
    async with FaultServer(respond(200, body, STREAMED)) as server:  # S01
        perplexity = of("Perplexity", base_url=server.url, api_key=KEY)
        reply = await perplexity.complete("Why?")

    assert reply.usage is not None
    assert reply.usage.input_tokens == 9


# By Responses.


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("server_error", ServerError),
        ("rate_limit_exceeded", RateLimitError),
        ("insufficient_quota", QuotaExceededError),  # E08
        ("invalid_prompt", ContentFilterError),
        ("image_too_large", InvalidRequestError),
        ("vector_store_timeout", ServerError),
        ("context_length_exceeded", ContextLengthError),
    ],
)
@pytest.mark.parametrize("kind", ["failed", "error"])
async def test_a_failed_response_has_its_class(
    kind: str, code: str, expected: type[ProviderError]
) -> None:
    fields: dict[str, object] = {"code": code, "message": "Not now"}
    last = {"type": "error", **fields}
    if kind == "failed":
        last = ended("failed", error=fields)
    body = numbered(delta("a"), last)  # S18

    error = await failure_of("OpenAI", 200, body, STREAMED, protocol="responses")

    assert type(error) is expected
    assert "Not now" in str(error)
    assert error.reply is not None
    assert error.reply.text == "a"


async def test_a_response_of_azures_is_asked_with_its_key() -> None:
    body = numbered(delta("a"), ended("completed"))
    async with FaultServer(respond(200, body, STREAMED)) as server:
        azure = of(
            "AzureOpenAI", base_url=server.url, api_key=KEY, protocol="responses"
        )
        assert (await azure.complete("Why?", model="mine")).text == "a"

    (request,) = server.http_requests
    assert request.values("api-key") == [KEY]
    assert request.values("Authorization") == []


def test_deepseek_is_bound_to_no_schema() -> None:
    assert not DEEPSEEK.capabilities.response_format
