"""What a server says that it has."""

from __future__ import annotations

import pytest

from turnout.decoding import OddEventError
from turnout.types import ModelInfo
from turnout_ollama import Ollama
from turnout_ollama._models import listed

NEWER = {
    "name": "qwen3:latest",
    "model": "qwen3:latest",
    "modified_at": "2026-11-01T10:00:00Z",
    "size": 1,
    "digest": "d",
    "details": {"family": "qwen3", "context_length": 40960},
    "capabilities": ["completion", "tools", "thinking"],
}
SEEING = {**NEWER, "model": "llava:7b", "capabilities": ["completion", "vision"]}
EMBEDDING = {**NEWER, "model": "nomic-embed-text", "capabilities": ["embedding"]}
OLDER = {"name": "mistral:7b", "details": {"family": "llama"}}


def test_a_newer_servers_list_tells_what_a_model_can_do() -> None:
    qwen, llava = listed({"models": [NEWER, SEEING, EMBEDDING]})

    assert (qwen.name, qwen.aliases) == ("qwen3:latest", ("qwen3",))
    assert qwen.context_window == 40960
    assert qwen.capabilities is not None
    assert (qwen.capabilities.tools, qwen.capabilities.images) == (True, False)
    assert (llava.name, llava.aliases) == ("llava:7b", ())
    assert llava.capabilities is not None
    assert (llava.capabilities.tools, llava.capabilities.images) == (False, True)
    assert llava.capabilities.response_format


def test_an_older_servers_list_tells_names() -> None:
    assert listed({"models": [OLDER]}) == (
        ModelInfo(name="mistral:7b", source="the server's own list"),
    )


@pytest.mark.parametrize("tags", [{}, {"models": None}, {"models": []}])
def test_a_server_may_have_no_model(tags: object) -> None:
    assert listed(tags) == ()


ODD: list[object] = [
    [],
    7,
    {"models": {"a": 1}},
    {"models": ["llama3.2"]},
    {"models": [{}]},
    {"models": [{"name": 7}]},
    {"models": [{"name": "a", "capabilities": "completion"}]},
]


@pytest.mark.parametrize("tags", ODD)
def test_a_list_that_is_not_of_the_protocol_is_refused(tags: object) -> None:
    with pytest.raises(OddEventError):
        listed(tags)


def test_no_model_is_declared() -> None:
    assert Ollama.info.models == ()
    assert Ollama().target("qwen3").model == "qwen3"
