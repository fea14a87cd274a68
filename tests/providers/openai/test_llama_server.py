"""The provider against llama.cpp's own server: a real one, which is not ours."""

from __future__ import annotations

import pytest

from tests.support.llama_server import LlamaServer
from turnout.errors import AuthenticationError
from turnout.types import Finish, Usage
from turnout_openai import OpenAI


@pytest.fixture
def openai(llama_server: LlamaServer) -> OpenAI:
    return OpenAI(base_url=llama_server.base_url, api_key=llama_server.key)


async def test_it_streams_an_answer(openai: OpenAI) -> None:
    stream = openai.stream("Say hello.", max_tokens=8, temperature=0)
    events = [event async for event in stream.events()]

    *texts, usage, end = events
    assert "".join(text for text in texts if isinstance(text, str))
    assert isinstance(usage, Usage)
    assert usage.output_tokens is not None
    assert 0 < usage.output_tokens <= 8
    assert isinstance(end, Finish)
    assert end.reason in {"stop", "length"}


async def test_it_refuses_another_key(llama_server: LlamaServer) -> None:
    with pytest.raises(AuthenticationError):
        await OpenAI(base_url=llama_server.base_url, api_key="no").complete("Hi")
