"""Calls of tools, as llama.cpp's own server sent them.

Recorded on 2026-11-22 from xllamacpp 2026.10.11549 with SmolLM2-135M-Instruct and a
template for tools, which the model's own lacks: it answers with a call once in a while,
and so cannot be waited for in a test.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from turnout.testing import FaultServer, respond_in_chunks
from turnout.testing._slicing import Slicing, at_random, by_size, whole
from turnout_openai import OpenAI

FOLDER = Path(__file__).parent / "recorded"


@pytest.mark.parametrize("slicing", [whole, by_size(1), by_size(7), at_random(3)])
@pytest.mark.parametrize("protocol", ["chat", "responses"])
async def test_a_recorded_call_is_read(protocol: str, slicing: Slicing) -> None:
    sent = (FOLDER / f"llama_{protocol}_call.sse").read_bytes()
    streamed = ("Content-Type", "text/event-stream")
    script = respond_in_chunks(slicing(sent), streamed)
    async with FaultServer(script) as server:
        llama = OpenAI(base_url=server.url, vendor="llama.cpp", protocol=protocol)
        reply = await llama.complete("Look!", model="smollm2")

    (call,) = reply.tool_calls
    assert call.name == "look"
    assert call.id
    assert json.loads(call.arguments)["answer"] in {"yes", "no"}
    assert reply.finish_reason == "tool_calls"
    assert reply.usage is not None
    assert reply.usage.input_tokens == 123
