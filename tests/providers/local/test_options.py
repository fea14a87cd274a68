"""The options of the provider, and what they are loaded with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from turnout.errors import ConfigError, UnsupportedError
from turnout.types import (
    AudioPart,
    Message,
    NativeTool,
    Part,
    TextPart,
    Tool,
    VideoPart,
)
from turnout_local import Local, LocalOptions
from turnout_local._llama import default_threads
from turnout_local._models import LOCAL


def user(*parts: Part) -> Message:
    return Message(role="user", content=parts)


def test_the_defaults_suit_a_small_machine() -> None:
    options = Local().options

    assert isinstance(options, LocalOptions)
    assert (options.threads, options.slots) == (None, 2)
    assert options.first_delta_timeout == 300.0
    (model,) = LOCAL.model_infos
    assert options.context_size == model.context_window == 2048


def test_the_context_window_is_what_the_option_says() -> None:
    (model,) = Local(context_size=4096).info.model_infos

    assert model.context_window == 4096
    assert Local(context_size=4096).catalog.info_of(model.name) == model
    assert LOCAL.model_infos[0].context_window == 2048


def test_a_path_may_be_a_text() -> None:
    assert Local(model_path="mine.gguf").options.model_path == Path("mine.gguf")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", 0),
        ("threads", 513),
        ("context_size", 63),
        ("slots", 0),
        ("slots", 65),
        ("stall_timeout", 0),
        ("model_path", 7),
    ],
)
def test_a_wrong_option_is_named(name: str, value: int) -> None:
    options: dict[str, Any] = {name: value}

    with pytest.raises(ConfigError, match=name):
        Local(**options)


def test_equal_options_share_an_engine() -> None:
    first, second, other = Local(threads=1), Local(threads=1), Local(threads=2)

    assert first.engine is second.engine
    assert first.engine is not other.engine


@pytest.mark.parametrize(
    ("cores", "threads"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8)]
)
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux alone has it")
def test_half_of_the_cores_compute(
    cores: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def allowed(pid: int) -> set[int]:
        return set(range(cores))

    monkeypatch.setattr(os, "sched_getaffinity", allowed)

    assert default_threads() == threads


def test_all_cores_count_where_the_system_does_not_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    six = default_threads()
    monkeypatch.setattr(os, "cpu_count", lambda: None)

    assert (six, default_threads()) == (3, 1)


CACHE = {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("asked", "options", "missing"),
    [
        ("Hi", {"tools": [Tool(name="f")]}, "tools"),
        ("Hi", {"tools": [NativeTool(definition={"x": 1})]}, "native_tools"),
        (Message(role="user", content="Hi", extra=CACHE), {}, "extra_fields"),
        (user(TextPart(text="Hi", extra=CACHE)), {}, "extra_fields"),
        (user(AudioPart(data=b"x", media_type="audio/wav")), {}, "audio"),
        (user(VideoPart(url="https://a.example/b.mp4")), {}, "video"),
    ],
)
def test_what_the_model_cannot_do_is_refused_before_anything_is_loaded(
    asked: Any, options: Any, missing: str
) -> None:
    local = Local(threads=3)

    with pytest.raises(UnsupportedError, match=missing):
        _ = local.stream(asked, **options)
    assert not local.engine.loaded
