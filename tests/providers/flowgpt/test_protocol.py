from __future__ import annotations

import hashlib
import json
import re

import pytest

from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.testing._slicing import Slicing, at, at_random, by_size, whole
from turnout.types import (
    ChatRequest,
    Conversation,
    Event,
    Finish,
    Message,
    Secret,
    TextPart,
)
from turnout_flowgpt._protocol import (
    Decoder,
    body,
    headers,
    new_device_id,
    new_nonce,
    proof,
    sign,
)

from ...support.flowgpt_rules import DEFAULT_SYSTEM, GREETING, HEADERS

END = Finish(reason="unknown")

TEXT = 'Café \u2028 \U0001f5fc\x85 \\ "q" é'
LINES = "\n".join(
    [
        '{"event":"text","data":"Café \u2028 "}',
        "",
        '{"event":"metadata","data":{"text":"no"}}',
        '{"data":"no event"}\r',
        " \t\r",
        '{"data":"\U0001f5fc\x85","event":"text","id":7}\r',
        "{}",
        ' { "event" : "text" , "data" : " \\\\ \\"q\\" " } ',
        '{"event":null,"data":"no"}',
        '{"event":"text","data":""}',
        '{"event":"TEXT","data":"no"}',
        '{"event":"text","data":"\\u00e9"}',
    ]
).encode()


def request(conversation: Conversation, model: str = "gpt-3.5-turbo") -> ChatRequest:
    return ChatRequest.build(conversation, model=model)


def decoder_of_framed() -> Decoder:
    """Return the decoder of an answer whose body proves its end."""
    decoder = Decoder("FlowGpt")
    decoder.framed = True
    return decoder


def decode(data: bytes, slicing: Slicing) -> str:
    decoder = decoder_of_framed()
    events: list[Event] = []
    for part in slicing(data):
        events += decoder.feed(part)
    events += decoder.close()
    decoder.check()
    assert events.pop() == END
    return "".join(map(str, events))


def test_the_vector_is_signed_as_described() -> None:
    signature = sign("1700000000", "0123456789abcdef0123456789abcdef", "Bearer null")

    assert signature == "14364f59379955fd3332f08d295b5712"


def test_a_signature_is_over_utf_8() -> None:
    expected = hashlib.md5("1-a-Bearer é".encode()).hexdigest()

    assert sign("1", "a", "Bearer é") == expected


def test_nonces_and_device_ids_have_their_form_and_differ() -> None:
    nonces = {new_nonce() for _ in range(100)}
    device_ids = {new_device_id() for _ in range(100)}

    assert len(nonces) == len(device_ids) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", nonce) for nonce in nonces)
    assert all(re.fullmatch("f-[a-z0-9]{19}", name) for name in device_ids)
    assert {letter for name in device_ids for letter in name[2:]} == set(
        "abcdefghijklmnopqrstuvwxyz0123456789"
    )


def test_the_headers_name_a_caller_without_a_token() -> None:
    made = headers(device_id="f-x", token=None)

    assert made.items() >= HEADERS.items()
    assert made["Authorization"] == "Bearer null"
    assert made["x-flow-device-id"] == "f-x"


def test_a_request_is_signed_with_its_time_and_a_nonce() -> None:
    made = proof({"authorization": "Bearer null"}, clock=lambda: 1_700_000_000.9)

    assert made["x-timestamp"] == "1700000000"
    assert made["x-signature"] == sign("1700000000", made["x-nonce"], "Bearer null")


def test_each_request_has_a_nonce_of_its_own() -> None:
    made = [proof({"Authorization": "x"}, clock=lambda: 1.0) for _ in range(9)]

    assert len({h["x-nonce"] for h in made}) == 9
    assert len({h["x-signature"] for h in made}) == 9


def test_a_token_is_signed_and_stays_secret() -> None:
    made = headers(device_id="f-x", token=Secret("canary"))
    signed = proof(made, clock=lambda: 5.0)

    assert made["Authorization"] == Secret("Bearer canary")
    assert signed["x-signature"] == sign("5", signed["x-nonce"], "Bearer canary")
    assert "canary" not in f"{made!r}{signed!r}"


def test_a_question_alone_has_every_key() -> None:
    assert body(request("Why?")) == {
        "model": "gpt-3.5-turbo",
        "nsfw": False,
        "question": "Why?",
        "history": [GREETING],
        "system": DEFAULT_SYSTEM,
        "temperature": 0.7,
        "promptId": "model-gpt-3.5-turbo",
        "documentIds": [],
        "chatFileDocumentIds": [],
        "generateImage": False,
        "generateAudio": False,
    }


def test_earlier_messages_are_history_without_the_system_ones() -> None:
    made = body(
        request(
            [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello."},
                {"role": "system", "content": "Be kind."},
                Message(
                    role="user",
                    content=(TextPart(text="Wh"), TextPart(text="y?")),
                ),
            ]
        )
    )

    assert made["system"] == "Be brief.\nBe kind."
    assert made["question"] == "Why?"
    assert made["history"] == [
        GREETING,
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
    ]


def test_the_prompt_is_named_after_the_model() -> None:
    made = body(request("Why?", model="Mixtral-8x7B"))

    assert (made["model"], made["promptId"]) == ("Mixtral-8x7B", "model-Mixtral-8x7B")


@pytest.mark.parametrize("temperature", [0, 0.2, 1.5])
def test_a_temperature_is_sent_as_given(temperature: float) -> None:
    made = body(ChatRequest.build("Why?", model="m", temperature=temperature))

    assert made["temperature"] == temperature


def test_a_name_stands_in_the_history() -> None:
    made = body(
        request(
            [
                {"role": "user", "content": "Hi", "name": "Ada"},
                Message(role="assistant", content="Hello.", name="Bot"),
                {"role": "user", "content": "Why?", "name": "Ada"},
            ]
        )
    )

    assert made["history"] == [
        GREETING,
        {"role": "user", "content": "Hi", "name": "Ada"},
        {"role": "assistant", "content": "Hello.", "name": "Bot"},
    ]
    assert made["question"] == "Why?"


def test_extra_replaces_what_is_set() -> None:
    made = body(ChatRequest.build("Why?", model="m", extra={"nsfw": True, "new": [1]}))

    assert (made["nsfw"], made["new"]) == (True, [1])


@pytest.mark.parametrize(
    "slicing",
    [
        pytest.param(whole, id="whole"),
        pytest.param(by_size(1), id="bytes"),
        pytest.param(by_size(3), id="threes"),
        *(pytest.param(at_random(seed), id=f"random-{seed}") for seed in range(20)),
    ],
)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r\n\r\n \n"])
def test_the_text_is_the_same_however_it_is_cut(slicing: Slicing, end: bytes) -> None:
    assert decode(LINES + end, slicing) == TEXT


def test_the_text_is_the_same_cut_in_two_at_any_byte() -> None:
    for position in range(len(LINES) + 1):
        assert decode(LINES, at(position)) == TEXT


def test_a_piece_is_given_as_soon_as_its_line_has_ended() -> None:
    decoder = decoder_of_framed()

    assert decoder.feed(b'{"event":"text","data":"a"}') == []
    assert decoder.feed(b'\n{"event":"text","data":"b"}\n{"ev') == ["a", "b"]
    assert decoder.feed(b'ent":"text","data":"c"}') == []
    assert decoder.close() == ["c", END]
    assert decoder.close() == []


def test_blank_lines_alone_are_not_an_answer() -> None:
    decoder = decoder_of_framed()

    assert [*decoder.feed(b"\n \r\n\n\t"), *decoder.close()] == []
    with pytest.raises(StreamTruncatedError, match="ended without a line"):
        decoder.check()


def test_lines_without_text_are_an_answer() -> None:
    decoder = decoder_of_framed()

    assert [*decoder.feed(b"{}\n"), *decoder.close()] == [END]
    decoder.check()


def test_a_body_that_proves_no_end_is_truncated_before_its_last_line() -> None:
    decoder = Decoder("FlowGpt")

    assert decoder.feed(b'{"event":"text","data":"a"}\n{"event":"text"') == ["a"]
    assert decoder.close() == []
    with pytest.raises(StreamTruncatedError):
        decoder.check()


def test_the_end_has_the_request_id() -> None:
    decoder = Decoder("FlowGpt", "req-1")
    decoder.framed = True

    (end,) = [*decoder.feed(b"{}\n"), *decoder.close()]

    assert end == Finish(reason="unknown", details={"request_id": "req-1"})


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"not json", id="words"),
        pytest.param(b'data: {"event":"text","data":"a"}', id="sse"),
        pytest.param(b"<!DOCTYPE html>", id="html"),
        pytest.param(b'{"event":"text","data":"a"', id="cut-off"),
        pytest.param(b'{"event":"text","data":"a",}', id="trailing-comma"),
        pytest.param(b"{'event':'text','data':'a'}", id="single-quotes"),
        pytest.param(b'{"event":"text","data":"a"}{"event":"text"}', id="two-objects"),
        pytest.param(b'{"event":"text","data":"a\x00"}', id="control-character"),
        pytest.param(b'{"event":"text","data":"a\xff"}', id="not-utf-8"),
        pytest.param(b'{"event":"text","data":"a\xed\xa0\xbd"}', id="surrogate-bytes"),
        pytest.param(rb'{"event":"text","data":"a\ud83d",}', id="half-a-pair-no-json"),
        pytest.param(b'\xef\xbb\xbf{"event":"text","data":"a"}', id="byte-order-mark"),
        pytest.param(b'{"event":"text","data":"a","p":NaN}', id="nan"),
        pytest.param(b'{"event":"text","data":"a","p":-Infinity}', id="infinity"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"text"', id="string"),
        pytest.param(b"7", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"true", id="true"),
        pytest.param(b'{"event":"text"}', id="text-without-data"),
        pytest.param(b'{"event":"text","data":null}', id="null-data"),
        pytest.param(b'{"event":"text","data":["a"]}', id="list-data"),
    ],
)
@pytest.mark.parametrize("ended", [False, True])
def test_a_line_that_is_not_a_json_object_breaks_the_protocol(
    line: bytes, ended: bool
) -> None:
    decoder = decoder_of_framed()
    before = b'{"event":"text","data":"before"}\n'

    # In one piece with it, too.
    assert decoder.feed(before + line + b"\n" * ended) == ["before"]
    assert decoder.close() == []
    with pytest.raises(ProtocolError):
        decoder.check()


def test_an_error_does_not_quote_the_line() -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(b'{"event":"text","data":"private"\n', whole)

    assert "private" not in str(caught.value)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        pytest.param("\\ud83d\\uddfc", "\U0001f5fc", id="pair"),
        pytest.param("\\u0000\\u0085\\u2029", "\0\x85\u2029", id="controls"),
        pytest.param("\\/\\b\\f\\n\\r\\t", "/\b\f\n\r\t", id="short"),
    ],
)
def test_escapes_are_read_as_json_has_them(escaped: str, text: str) -> None:
    line = f'{{"event":"text","data":"{escaped}"}}\n'

    assert decoder_of_framed().feed(line.encode()) == [text]


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        pytest.param(r"a\ud83d", r"\uddfcb", "a\U0001f5fcb", id="joined"),
        pytest.param(r"a\ud83d", "b", "a\ufffdb", id="first-alone"),
        pytest.param("a", r"\uddfcb", "a\ufffdb", id="second-alone"),
        pytest.param("a", r"b\ud83d", "ab\ufffd", id="last"),
    ],
)
def test_halves_of_a_surrogate_pair_are_joined(
    first: str, second: str, text: str
) -> None:
    lines = [f'{{"event":"text","data":"{piece}"}}' for piece in (first, second)]

    assert decode("\n".join(lines).encode(), whole) == text


@pytest.mark.parametrize("slicing", [whole, by_size(65536), by_size(1009)])
def test_a_line_of_nearly_a_megabyte_is_read(slicing: Slicing) -> None:
    text = "é" * 500_000
    line = json.dumps({"event": "text", "data": text}, ensure_ascii=False).encode()

    assert decode(line + b"\n", slicing) == text


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_of_more_than_a_megabyte_is_refused(end: bytes) -> None:
    line = b'{"event":"text","data":"' + b"x" * (1 << 20) + b'"}' + end

    with pytest.raises(ProtocolError, match="too much"):
        decode(line, by_size(65536))


@pytest.mark.parametrize("slicing", [whole, by_size(1), by_size(2)])
def test_a_byte_order_mark_is_passed_over(slicing: Slicing) -> None:
    assert decode(b"\xef\xbb\xbf" + LINES, slicing) == TEXT
