from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from turnout.http._redaction import redacted
from turnout.types import Secret

KEY = 'canary/key "1234567890"'


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(KEY, id="whole"),
        pytest.param(quote(KEY, safe=""), id="in-an-address"),
        pytest.param(json.dumps(KEY), id="in-json"),
        pytest.param(KEY[:-4] + "****", id="without-its-end"),
    ],
)
def test_a_secret_is_taken_out_in_every_form(form: str) -> None:
    text = redacted(f"bad key: {form}!", [Secret(KEY)])

    assert "canary" not in text
    assert text.startswith("bad key: ")
    assert "***" in text


def test_a_key_is_taken_out_without_the_word_before_it() -> None:
    assert "canary" not in redacted("bad canary-0815", [Secret("Token canary-0815")])


def test_a_secret_too_short_is_not_looked_for() -> None:
    assert redacted("a null value", [Secret("Bearer null")]) == "a null value"


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-abcdefgh12345678",
        "sk_live_abcdefgh12345678",
        "gsk_abcdefgh12345678",
        "xai-abcdefgh12345678",
        "hf_abcdefgh12345678",
        "nvapi-abcdefgh12345678",
        "AIzaSyabcdefgh12345678",
        "Bearer abcdefgh",
        "bearer abcdefgh",
        "eyJhbGciOi.eyJzdWIiOi.abc_def",
        "key=abcdefgh",
        "api_key=abcdefgh",
        "api-key=abcdefgh",
    ],
)
def test_what_looks_like_a_key_is_taken_out(text: str) -> None:
    assert redacted(f'bad: "{text}"') == 'bad: "***"'


@pytest.mark.parametrize("text", ["risk-assessment", "task-12", "monkey", "the key"])
def test_words_are_left(text: str) -> None:
    assert redacted(text) == text
