from __future__ import annotations

import json
import random
import re
import time
from base64 import b64encode
from urllib.parse import quote as in_an_address

import pytest

from turnout.http._redaction import redacted, without_quotes
from turnout.types import Secret

KEY = 'canary/key "1234567890"'


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(KEY, id="whole"),
        pytest.param(in_an_address(KEY, safe=""), id="in-an-address"),
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


LONG_KEY = "sk-proj-canaryKEY9f8e7d6c5b4a3210"


def coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def in_pieces(size: int, between: str) -> str:
    starts = range(0, len(LONG_KEY), size)
    return between.join(LONG_KEY[at : at + size] for at in starts)


FORMS = {
    "without-its-beginning": LONG_KEY[5:],
    "without-its-end": LONG_KEY[:-4],
    "its-middle": LONG_KEY[8:20],
    "upper-case": LONG_KEY.upper(),
    "the-other-case": LONG_KEY.swapcase(),
    "backwards": LONG_KEY[::-1],
    "base64": coded(LONG_KEY),
    "base64-one-later": coded("x" + LONG_KEY + "yz"),
    "base64-two-later": coded("xy" + LONG_KEY),
    "base64-of-a-user": coded("user:" + LONG_KEY),
    "base64-in-an-address": in_an_address(coded(LONG_KEY), safe=""),
    "hex": LONG_KEY.encode().hex(),
    "hex-with-colons": LONG_KEY.encode().hex(":").upper(),
    "spaces": in_pieces(8, " "),
    "spaces-everywhere": in_pieces(1, " "),
    "lines": in_pieces(5, "\n"),
    "lines-in-json": in_pieces(5, "\\n"),
    "invisible-spaces": in_pieces(1, "\u200b"),
    "hyphens": LONG_KEY.replace("-", "%2D"),
    "percent": "".join(f"%{ord(c):02x}" for c in LONG_KEY),
    "percent-twice": LONG_KEY.replace("-", "%252D"),
    "entities": "".join(f"&#{ord(c)};" for c in LONG_KEY),
    "hex-entities": LONG_KEY.replace("-", "&#x2d;"),
    "entities-twice": LONG_KEY.replace("-", "&amp;#45;"),
    "json": LONG_KEY.replace("-", "\\u002d"),
    "json-everywhere": "".join(f"\\u{ord(c):04x}" for c in LONG_KEY),
    "hex-escapes": "".join(f"\\x{ord(c):02x}" for c in LONG_KEY),
    "stars": LONG_KEY[:8] + "****" + LONG_KEY[-4:],
    "few-and-dots": LONG_KEY[:4] + "..." + LONG_KEY[-4:],
    "an-ellipsis": LONG_KEY[:3] + "\u2026" + LONG_KEY[-3:],
    "crosses": LONG_KEY[:7] + "xxxxxxxx" + LONG_KEY[-4:],
    "only-its-end": "*******" + LONG_KEY[-4:],
    "its-end-in-words": "ending in " + LONG_KEY[-4:],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_key_is_taken_out_however_it_is_written(form: str) -> None:
    text = redacted(f"the key {form} is wrong", [Secret(f"Bearer {LONG_KEY}")])

    assert text.startswith("the key ")
    assert text.endswith(" is wrong")
    kept = text.removeprefix("the key ").removesuffix(" is wrong")
    assert kept in {"***", "ending in ***"}


def test_the_user_and_password_of_a_basic_credential_are_taken_out() -> None:
    basic = Secret("Basic " + coded("someone:canary-password"))

    text = redacted("someone:canary-password is wrong", [basic])

    assert text == "*** is wrong"


@pytest.mark.parametrize(
    "text",
    [
        "The model gpt-4o-mini-2024-07-18 does not exist.",
        "This model's maximum context length is 8192 tokens...",
        "Invalid value: 'input_text'. Supported values are: 'text' and 'refusal'.",
        "Rate limit reached, 3210 of 3210 tokens used; try again in 6m0s.",
        "max_tokens=5 is too small, total_token_count: 77 (100%25 of it) &amp; more",
        "See https://example.com/docs#errors **now** -- it ends with an error ###",
        "tr\u0130cky \u0130\u0130 text, \\path\\names, \\u12 and a & b; &nosuch;",
        "request 7f3a9b1c-4d5e-6f70-8192-a3b4c5d6e7f8 failed",
        "",
    ],
)
def test_ordinary_words_are_left(text: str) -> None:
    assert redacted(text, [Secret(LONG_KEY), Secret("Bearer other-Key_0815")]) == text


def test_a_secret_of_one_letter_is_taken_out() -> None:
    assert redacted("bad --------- given", [Secret("---------")]) == "bad *** given"


PROMPT = "What is my secret question about? I would rather not say it again."


@pytest.mark.parametrize(
    "quote",
    [
        PROMPT,
        PROMPT[:24],
        PROMPT[20:60],
        PROMPT.upper(),
        PROMPT.replace(" ", "\n"),
        PROMPT.replace(" ", "\\n"),
        PROMPT.replace(" ", "+"),
        in_an_address(PROMPT),
        json.dumps(PROMPT),
    ],
)
def test_a_quote_of_a_text_is_taken_out(quote: str) -> None:
    text = without_quotes(f"refused: {quote} <", ["short", PROMPT, "another text"])

    assert text.startswith("refused: ")
    assert "\u2026" in text
    assert not re.search("secret|question|rather|again", text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("the model is overloaded", [PROMPT]),
        ("hello worlds", ["hello"]),
        ("it failed, twice", ["twice: a, b"]),
        ("nothing was asked", []),
        ("- - - - - - - - -", ["-------------"]),
    ],
)
def test_what_is_no_quote_is_left(text: str, quoted: list[str]) -> None:
    assert without_quotes(text, quoted) == text


def test_a_short_text_is_found_as_a_whole() -> None:
    text = without_quotes(
        "HELLO, WORLD is not the same as hello world", ["hello, world"]
    )

    assert text == "\u2026 is not the same as \u2026"


def test_words_that_a_long_request_shares_with_the_provider_are_left() -> None:
    words = "The maximum context length of a model is the number of its tokens. "
    request = words + " ".join(map(str, range(2000)))

    text = without_quotes("exceeds the maximum context length", [request])

    assert text == "exceeds the maximum context length"


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_a_quote_of_a_long_request_is_found(at: float) -> None:
    source = random.Random(0)
    words = ["".join(source.choices("abcdefghij", k=6)) for _ in range(150_000)]
    request = " ".join(words)
    begin = int(at * (len(request) - 1000))
    quote = request[begin : begin + 1000]

    text = without_quotes(f"refused: {quote} as such", [request[:500], request[500:]])

    assert len(text) < 40


def test_not_every_sample_of_a_long_request_is_looked_at_more_closely() -> None:
    request = "the same words over and over again " * 20_000

    assert without_quotes(f"no: {request[:400]}", [request]).strip() == "no: \u2026"


@pytest.mark.parametrize(
    "part",
    ["-eyJ", "a***", "xxxx ", "&amp;", "%25", "\\", "\\u002d", "ends with ", LONG_KEY],
)
def test_long_texts_take_linear_time(part: str) -> None:
    def seconds(size: int) -> float:
        text = part * (size // len(part))
        began = time.process_time()
        redacted(text, [Secret(LONG_KEY)])
        without_quotes(text, [PROMPT])
        return time.process_time() - began

    # Eight times as long takes 8 times as long, and 64 times if it were quadratic.
    assert seconds(64_000) < 30 * max(0.01, *(seconds(8000) for _ in range(2)))
