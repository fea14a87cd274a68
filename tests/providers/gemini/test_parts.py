"""The parts of an answer that are neither text nor calls."""

from __future__ import annotations

from typing import Any

import pytest

from turnout import get_provider
from turnout.types import Event, MediaDelta, Message
from turnout_gemini._protocol import Decoder

from ...support.gemini_server import (
    GeminiServer,
    answer,
    event,
    finish,
    part,
    response,
    text,
)
from ..reading import Reading, end_of, text_of

READING = Reading(Decoder)

CODE = {"executableCode": {"language": "PYTHON", "code": "1"}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
SEARCH = {"toolCall": {"id": "s1", "toolType": "GOOGLE_SEARCH_WEB"}}
FOUND = {"toolResponse": {"id": "s1", "response": {"a": 1}}}
NEW = {"brandNew": {"a": 1}}
PNG = {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}


def events_of(*chunks: bytes) -> list[Event]:
    return READING.decode(b"".join(chunks))


def media_of(*parts: dict[str, Any]) -> list[MediaDelta]:
    events = events_of(event(response(parts, "STOP")))
    return [each for each in events if isinstance(each, MediaDelta)]


# Items.


@pytest.mark.parametrize("item", [CODE, RESULT, SEARCH, FOUND, NEW])
def test_what_has_no_event_of_its_own_is_an_item(item: dict[str, Any]) -> None:
    end = end_of(events_of(part(**item), text("a"), finish()))

    assert end.items == (item,)
    # The service wants it back, though it is not signed.
    assert end.state == {"gemini": {"parts": [item, {"text": "a"}]}}


def test_text_with_fields_that_are_not_known_is_text_and_an_item() -> None:
    odd = {"text": "a", "brandNew": 1}
    events = events_of(part(**odd), finish())

    assert text_of(events) == "a"
    assert end_of(events).items == (odd,)


def test_a_signature_alone_is_not_an_item() -> None:
    end = end_of(events_of(text("a"), part(thoughtSignature="x"), finish()))

    assert end.items == ()
    assert end.state is not None


def test_what_a_thought_has_beside_text_is_in_the_details() -> None:
    sketch = {**PNG, "thought": True, "thoughtSignature": "x"}
    events = events_of(part(**sketch), text("a"), finish())

    assert not any(isinstance(each, MediaDelta) for each in events)
    assert end_of(events).items == ()
    assert end_of(events).details["thoughts"] == [sketch]


# Images and sounds.


def test_an_image_is_media() -> None:
    assert media_of(PNG, PNG) == [
        MediaDelta(index=0, media_type="image/png", data=b"\x89PNG"),
        MediaDelta(index=1, media_type="image/png", data=b"\x89PNG"),
    ]


def test_a_file_at_an_address_is_media() -> None:
    file = {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://a/b"}}

    assert media_of(file) == [
        MediaDelta(index=0, media_type="video/mp4", url="gs://a/b")
    ]


def sound(data: str, **fields: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": data}, **fields}


def test_a_sound_in_pieces_is_one() -> None:
    first = sound("AAA=", audioTranscription={"text": "Good "})
    second = sound("AQE=", audioTranscription={"text": "day."})
    body = event(response([first])) + event(response([second], "STOP"))

    events = events_of(body)

    deltas = [each for each in events if isinstance(each, MediaDelta)]
    assert [delta.index for delta in deltas] == [0, 0]
    assert b"".join(delta.data for delta in deltas) == b"\0\0\1\1"
    assert "".join(delta.transcript for delta in deltas) == "Good day."
    # Pieces cannot be sent back.
    assert end_of(events).state is None


def test_sounds_that_are_whole_are_several() -> None:
    wav = {"inlineData": {"mimeType": "audio/wav", "data": "AAA="}}
    other = {"inlineData": {"mimeType": "audio/pcm", "data": "AAA="}}

    deltas = media_of(wav, wav, other, sound("AAA="), PNG, sound("AAA="))

    assert [delta.index for delta in deltas] == [0, 1, 2, 3, 4, 5]


def test_bytes_may_be_in_the_other_alphabet() -> None:
    blob = {"inlineData": {"data": "-_8"}}

    assert media_of(blob) == [MediaDelta(index=0, data=b"\xfb\xff")]


@pytest.mark.parametrize(
    "odd",
    [
        {"inlineData": {"mimeType": "image/png", "data": "é"}},
        {"inlineData": {"mimeType": "image/png", "data": "a"}},
        {"inlineData": {"mimeType": "image/png", "data": 7}},
        {"inlineData": {"mimeType": "image/png"}},
        {"inlineData": "x"},
        {"fileData": {}},
    ],
)
def test_media_that_cannot_be_read_is_an_item(odd: dict[str, Any]) -> None:
    events = events_of(part(**odd), finish())

    assert end_of(events).items == (odd,)


# What comes back.


async def test_an_image_goes_back_with_its_signature() -> None:
    image = {**PNG, "thoughtSignature": "x"}
    drawn = event(response([{"text": "Here: "}, image], "STOP"))
    async with GeminiServer(drawn, answer("Blue.")) as server:
        provider = get_provider("Gemini", base_url=server.base_url)
        reply = await provider.complete("Draw.")
        await provider.complete(["Draw.", reply.to_message(), "Another color."])

    (media,) = reply.media
    assert (media.media_type, media.data) == ("image/png", b"\x89PNG")
    assert reply.text == "Here: "
    contents: Any = server.bodies[1]["contents"]
    assert contents[1] == {"role": "model", "parts": [{"text": "Here: "}, image]}
    assert server.refusals == []


@pytest.mark.parametrize(
    "fields",
    [
        {"content": [{"type": "text", "text": "a", "thoughtSignature": "y"}]},
        {"content": [{"type": "image_url", "image_url": "https://x.example/a.png"}]},
        {
            "content": "a",
            "tool_calls": [
                {
                    "id": "c",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "thoughtSignature": "y",
                }
            ],
        },
    ],
)
async def test_a_message_with_further_content_is_sent_as_it_is(
    fields: dict[str, Any],
) -> None:
    kept = [{"text": "a", "thoughtSignature": "x"}]
    message = {"role": "assistant", **fields, "state": {"gemini": {"parts": kept}}}
    async with GeminiServer() as server:
        provider = get_provider("Gemini", base_url=server.base_url)
        await provider.complete(["Hi", message, Message(role="user", content="b")])

    contents: Any = server.bodies[0]["contents"]
    assert contents[1]["parts"] != kept
    assert server.refusals == []


async def test_an_answer_of_executed_code_alone_is_an_answer() -> None:
    async with GeminiServer(part(**CODE) + part(**RESULT) + finish()) as server:
        reply = await get_provider("Gemini", base_url=server.base_url).complete("1?")

    assert (reply.text, reply.items) == ("", (CODE, RESULT))
