"""The services of the cases, as test servers speak for them: a row of data each."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tests.support import (
    anthropic_server,
    gemini_server,
    ollama_server,
    openai_server,
)
from turnout import BoundTarget, Provider, get_provider
from turnout.errors import (
    OverloadedError,
    ProtocolError,
    ProviderError,
    StreamError,
)
from turnout.testing import (
    CHUNKED,
    Step,
    json_lines,
    respond_in_chunks,
    response_head,
    send,
    wait_request,
)
from turnout.types import ModelInfo, Secret, Usage
from turnout_anthropic import Anthropic
from turnout_flowgpt import FlowGpt
from turnout_gemini import Gemini
from turnout_ollama import Ollama
from turnout_openai import OpenAI

__all__ = [
    "ANTHROPIC",
    "FLOWGPT",
    "GEMINI",
    "KEY",
    "MADE",
    "OLLAMA",
    "OPENAI",
    "PROTOCOLS",
    "SERVICES",
    "Body",
    "Service",
    "watched",
]

# Not of the form of any vendor's keys: it is to be known, not guessed.
KEY = "canary-key-4711-0815"

MADE: ContextVar[list[Provider] | None] = ContextVar("MADE", default=None)
"""The providers of the case under way; at its end their places are to be free."""

Body: TypeAlias = dict[str, Any]
"""A request's, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as a test server speaks for it."""

    name: str
    provider_class: type[Provider]
    content_type: str
    piece: Callable[[str], bytes]
    """Gives a piece of an answer's text, as it is on the wire."""
    take_turns: Callable[[Body], list[Body]]
    """Takes the turns out of a request's body, and gives them."""
    turn: Callable[[str, str], Body]
    """Gives a turn of a role and a text, as it is in a request."""
    fault: bytes
    """What comes inside of an answer that the service itself gives up."""
    fault_class: type[ProviderError]
    model: str | None = None
    """Whom it is asked for; None means its default one."""
    prefilled: str | None = None
    """A model that goes on with the beginning of its answer, by the data on it."""
    refusal: bytes = b"{}"
    """What it says of a beginning that it does not go on with."""
    begin: bytes = b""
    """What stands before the first piece of an answer."""
    end: bytes = b""
    """What follows the last one."""
    told: Usage | None = None
    """What a whole answer cost, by its own words."""
    told_early: Usage | None = None
    """What it says of that while the answer is under way."""

    def begun(self, *pieces: str) -> bytes:
        """Return the body of an answer up to a piece."""
        return b"".join([self.begin, *map(self.piece, pieces)])

    def answer(self, *pieces: str) -> bytes:
        """Return the body of a whole answer."""
        return self.begun(*pieces) + self.end

    def head(self, *headers: tuple[str, str]) -> bytes:
        """Return the head of an answer; without more headers the close ends it."""
        return response_head(200, ("Content-Type", self.content_type), *headers)

    def streaming(self, *steps: Step) -> list[Step]:
        """Return a script that answers with these steps, in chunks."""
        return [wait_request(), send(self.head(CHUNKED)), *steps]

    def answering(self, *pieces: str) -> list[Step]:
        """Return a script that answers with these pieces, and in full."""
        kind = ("Content-Type", self.content_type)
        body = [self.begin, *map(self.piece, pieces), self.end]
        return respond_in_chunks(body, kind)

    def provider(self, url: str, **options: Any) -> Provider:
        """Return the provider, with the key that nobody is to see."""
        return watched(get_provider(self.name, base_url=url, api_key=KEY, **options))

    def target(self, url: str) -> BoundTarget:
        """Return the provider with the model that is asked."""
        return self.provider(url).target(self.model)

    def prefilling(self, url: str) -> BoundTarget:
        """Return the provider with a model that goes on with its answer's beginning.

        Where it knows none, the row of a plugin's model declares it.
        """
        if self.prefilled is not None:
            return self.provider(url).target(self.prefilled)
        info = self.provider_class.info
        row = ModelInfo(name=self.model or info.first_model, prefill="trailing")
        provider = self.provider_class(
            info=replace(info, models=(row,)), base_url=url, api_key=Secret(KEY)
        )
        return watched(provider).target(row.name)


def watched(provider: Provider) -> Provider:
    """Return a provider whose places are to be free when the case is over."""
    made = MADE.get()
    if made is not None:
        made.append(provider)
    return provider


def _error(**fields: object) -> bytes:
    return json.dumps({"error": fields}).encode()


def _plain_turn(role: str, text: str) -> Body:
    return {"role": role, "content": text}


def _anthropic_turn(role: str, text: str) -> Body:
    return {"role": role, "content": [{"type": "text", "text": text}]}


def _gemini_turn(role: str, text: str) -> Body:
    return {"role": {"assistant": "model"}.get(role, role), "parts": [{"text": text}]}


def _flowgpt_turns(body: Body) -> list[Body]:
    return [*body.pop("history"), _plain_turn("user", body.pop("question"))]


def _line(text: str) -> bytes:
    return json_lines({"event": "text", "data": text})


OPENAI = Service(
    name="OpenAI",
    provider_class=OpenAI,
    content_type="text/event-stream",
    piece=openai_server.text,
    end=openai_server.finish() + openai_server.usage() + openai_server.DONE,
    fault=openai_server.event(
        {"error": {"message": "no", "type": "overloaded_error", "code": 503}}
    ),
    fault_class=OverloadedError,
    refusal=_error(message="the last message is not the user's"),
    told=Usage(input_tokens=9, output_tokens=4),
    take_turns=lambda body: body.pop("messages"),
    turn=_plain_turn,
)

ANTHROPIC = Service(
    name="Anthropic",
    provider_class=Anthropic,
    content_type="text/event-stream; charset=utf-8",
    prefilled="claude-opus-4-5-20251101",
    begin=anthropic_server.begin() + anthropic_server.start(0, "text", text=""),
    piece=lambda text: anthropic_server.delta(0, "text_delta", text=text),
    end=anthropic_server.stop(0) + anthropic_server.finish() + anthropic_server.STOP,
    fault=anthropic_server.error(),
    fault_class=OverloadedError,
    refusal=_error(
        type="invalid_request_error",
        message="This model does not support assistant message prefill. The "
        "conversation must end with a user message.",
    ),
    told=Usage(input_tokens=9, output_tokens=4),
    told_early=Usage(input_tokens=9),
    take_turns=lambda body: body.pop("messages"),
    turn=_anthropic_turn,
)

GEMINI = Service(
    name="Gemini",
    provider_class=Gemini,
    content_type="text/event-stream",
    prefilled="gemini-3.1-pro-preview",
    piece=gemini_server.text,
    end=gemini_server.finish(),
    fault=gemini_server.error(503, "UNAVAILABLE", "The model is overloaded."),
    fault_class=OverloadedError,
    refusal=gemini_server.error(400, "INVALID_ARGUMENT"),
    told=Usage(input_tokens=9, output_tokens=4, cached_tokens=0),
    told_early=Usage(input_tokens=9, output_tokens=4, cached_tokens=0),
    take_turns=lambda body: body.pop("contents"),
    turn=_gemini_turn,
)

OLLAMA = Service(
    name="Ollama",
    provider_class=Ollama,
    content_type="application/x-ndjson",
    model=ollama_server.MODEL,
    piece=ollama_server.text,
    end=ollama_server.done(),
    fault=ollama_server.line({"error": "the model runner has unexpectedly stopped"}),
    fault_class=StreamError,
    refusal=b'{"error": "the last message is not the user\'s"}',
    told=Usage(input_tokens=26, output_tokens=298),
    take_turns=lambda body: body.pop("messages"),
    turn=_plain_turn,
)

FLOWGPT = Service(
    name="FlowGpt",
    provider_class=FlowGpt,
    content_type="application/json",
    piece=_line,
    # It has no word for an error.
    fault=b"upstream error\n",
    fault_class=ProtocolError,
    take_turns=_flowgpt_turns,
    turn=_plain_turn,
)

PROTOCOLS = {
    service.name: service for service in (OPENAI, ANTHROPIC, GEMINI, OLLAMA, FLOWGPT)
}
"""All of them; what does not depend on the protocol is tried with two."""

SERVICES = {service.name: service for service in (OPENAI, FLOWGPT)}
