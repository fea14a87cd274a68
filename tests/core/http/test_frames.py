"""Tracebacks that show the locals of frames: no key is in them, and no prompt."""

from __future__ import annotations

import json
import traceback
from collections.abc import AsyncGenerator
from typing import Any

import pytest

import turnout
from turnout import Provider, get_provider
from turnout.errors import ArgumentError, FallbackError, TurnoutError
from turnout.http import Http, UnsignedRequest
from turnout.service import Call, Service, Token
from turnout.testing import (
    FaultServer,
    Step,
    chunk,
    fin,
    respond,
    response_head,
    rst,
    send,
    sse,
    wait_request,
)
from turnout.types import ChatRequest, ProviderInfo, Secret
from turnout_openai import Decoder

KEY = "sk-canary-Zx81Qp77Lm03"
PROMPT = "canary prompt: what is mine?"
ECHO = f"bad key {KEY} for {PROMPT}"

STREAM = [
    wait_request(),
    send(response_head(200, ("Transfer-Encoding", "chunked"))),
]

ERROR = {"error": {"message": ECHO}}

SCRIPTS: dict[str, list[Step]] = {
    "refusal": respond(400, json.dumps(ERROR).encode()),
    "page": respond(502, f"<title>{ECHO}</title>".encode()),
    "redirect": respond(302, ECHO.encode()),
    "status": respond(204),
    "inside": respond(200, sse(ERROR)),
    "document": respond(200, json.dumps(ERROR).encode()),
    "page-as-answer": respond(200, f"<title>{ECHO}</title>".encode()),
    "not-json": respond(200, f"data: {ECHO}\n\n".encode()),
    "not-of-the-protocol": respond(200, sse({"choices": ECHO})),
    "too-long": respond(200, f"data: {ECHO}{'x' * 4096}\n\n".encode()),
    "too-many": respond(200, sse({"x": ECHO}) * 100),
    "truncated": [*STREAM, chunk(sse({"x": ECHO})), fin()],
    "lost": [*STREAM, chunk(sse({"x": ECHO})), chunk(ECHO.encode()), rst()],
    "no-end": respond(200, sse({"choices": [{"delta": {"content": ECHO}}]})),
    "no-answer": [wait_request(), fin()],
    "half-a-head": [
        wait_request(),
        send(b"HTTP/1.1 200 OK\r\nX: " + KEY.encode()),
        fin(),
    ],
    "no-http": [wait_request(), send(ECHO.encode() + b"\r\n\r\n"), fin()],
}


def shown(error: BaseException) -> list[str]:
    """Return the locals of turnout's frames that hold a canary."""
    found: list[str] = []
    seen: list[BaseException] = [error]
    while seen:
        one = seen.pop()
        trace = traceback.TracebackException.from_exception(one, capture_locals=True)
        for frame in trace.stack:
            if "/tests/" in frame.filename or "turnout" not in frame.filename:
                continue
            for name, value in (frame.locals or {}).items():
                if "canary" in value:
                    found.append(f"{frame.filename}:{frame.lineno} {name}")
        seen += [e for e in (one.__cause__, one.__context__) if e is not None]
        if isinstance(one, FallbackError):
            seen += one.exceptions
    return found


class Sends(Provider):
    """Sends bytes of its own, and reads the answer in a way that is asked for."""

    info = ProviderInfo(name="Sends", models=("m",))
    way = "json"

    async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
        headers = {"Authorization": Secret(f"Bearer {KEY}")}
        data = request.last_user_text.encode()
        async with self.http.post("/", data=data, headers=headers) as response:
            match self.way:
                case "json":
                    await response.json()
                case "sse":
                    async for _ in response.sse():
                        pass
                case _:
                    async for _ in response.json_lines():
                        pass
        yield ""


OPTIONS: dict[str, Any] = {"api_key": KEY, "max_event_bytes": 2048, "max_bytes": 4096}


@pytest.mark.parametrize("name", ["OpenAI", "Ollama", "Anthropic", "Gemini", "FlowGpt"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_no_frame_holds_the_key_or_the_prompt(
    name: str, script: list[Step]
) -> None:
    async with FaultServer(script) as server:
        provider = get_provider(name, base_url=server.url, **OPTIONS)
        model = provider.catalog.info.first_model if name == "FlowGpt" else "m"
        failure: TurnoutError | None = None
        try:
            await provider.complete(PROMPT, model=model)
        except TurnoutError as error:
            failure = error

    if failure is not None:  # Some protocols know no better than that it is an answer.
        assert shown(failure) == []
        assert "canary" not in str(failure)


@pytest.mark.parametrize("way", ["json", "sse", "lines"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_so_it_is_for_bytes_of_a_plugin(way: str, script: list[Step]) -> None:
    async with FaultServer(script) as server:
        provider = Sends(base_url=server.url, **OPTIONS)
        provider.way = way
        failure: TurnoutError | None = None
        try:
            await provider.complete(PROMPT)
        except TurnoutError as error:
            failure = error

    if failure is not None:
        assert shown(failure) == []


class Signs(Service):
    """Has a token, and signs the bytes that it sends."""

    info = ProviderInfo(name="Signs", models=("m",))

    async def credentials(self) -> Token:
        http = self.http_at(str(self.options.base_url))
        form = f"client_secret={KEY}".encode()
        async with http.post("/", data=form) as response:
            return Token(Secret(f"{KEY}{await response.json()}"))

    def call(self, request: ChatRequest) -> Call:
        return Call("/", {"say": request.last_user_text}, {"X-A": "b"}, Decoder)

    def sign(
        self, request: UnsignedRequest, token: Token | None
    ) -> dict[str, str | Secret]:
        assert token is not None
        return {"X-Signature": token.value.prefixed(str(len(request.body)))}


@pytest.mark.parametrize("token", [respond(200, b"1"), respond(400, KEY.encode())])
@pytest.mark.parametrize("script", [*SCRIPTS.values(), respond(401, KEY.encode())])
async def test_so_it_is_for_a_request_that_is_signed(
    script: list[Step], token: list[Step]
) -> None:
    async with FaultServer(token, script) as server:
        failure: TurnoutError | None = None
        try:
            await Signs(base_url=server.url, max_event_bytes=2048).complete(PROMPT)
        except TurnoutError as error:
            failure = error

    if failure is not None:
        assert shown(failure) == []
        assert "canary" not in str(failure)


@pytest.mark.parametrize("script", ["refusal", "not-json", "truncated"])
async def test_so_it_is_for_a_list_of_models(script: str) -> None:
    async with FaultServer(SCRIPTS[script]) as server:
        provider = get_provider("OpenAI", base_url=server.url, **OPTIONS)
        with pytest.raises(TurnoutError) as caught:
            await provider.list_models()

    assert shown(caught.value) == []


async def test_so_it_is_for_a_route() -> None:
    async with FaultServer(SCRIPTS["inside"]) as server:
        provider = get_provider("OpenAI", base_url=server.url, **OPTIONS)
        route = turnout.fallback(provider.target("m"), provider.target("n"))
        with pytest.raises(TurnoutError) as caught:
            await route.complete(PROMPT)

    assert shown(caught.value) == []


async def test_so_it_is_for_a_request_that_cannot_be_written() -> None:
    http = Http(provider="P", base_url="http://127.0.0.1:9")

    with pytest.raises(ArgumentError) as caught:
        async with http.post("/", json={"prompt": PROMPT, "x": object()}):
            pytest.fail("it was sent")

    assert shown(caught.value) == []


async def test_so_it_is_where_nobody_listens() -> None:
    provider = get_provider("OpenAI", base_url="http://127.0.0.1:9", **OPTIONS)

    with pytest.raises(TurnoutError) as caught:
        await provider.complete(PROMPT, model="m")

    assert shown(caught.value) == []


async def test_a_frame_that_holds_a_canary_is_found() -> None:
    def fail(prompt: str) -> None:
        raise ArgumentError(str(len(prompt)))

    with pytest.raises(ArgumentError) as caught:
        fail(PROMPT)

    trace = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    assert any(PROMPT in str(frame.locals) for frame in trace.stack)
