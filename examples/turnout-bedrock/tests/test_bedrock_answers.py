"""What answers say beyond the contract."""

import pytest

from bedrock_frames import delta, end, event, exception, frame, start, stop
from turnout import (
    Citation,
    Event,
    Finish,
    MediaDelta,
    ProtocolError,
    StreamTruncatedError,
    ToolCallDelta,
    Usage,
)
from turnout_bedrock._protocol import ConverseDecoder

BEGIN = event("messageStart", role="assistant")
PICTURE = start(1, image={"format": "png"})


def decoded(*frames: bytes, limit: int | None = None) -> list[Event]:
    decoder = ConverseDecoder("Bedrock", "r1")
    if limit is not None:
        decoder.limit(limit)
    events = [event for data in frames for event in decoder.feed(data)]
    events += decoder.close()
    decoder.check()
    return events


def finished(*frames: bytes) -> Finish:
    last = decoded(BEGIN, *frames)[-1]
    assert isinstance(last, Finish)
    return last


def reported(*frames: bytes) -> bytes:
    decoder = ConverseDecoder("Bedrock")
    for data in frames:
        decoder.feed(data)
    assert decoder.reported is not None
    return decoder.reported


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("tool_use", "tool_calls"),
        ("something_new", "unknown"),
    ],
)
def test_the_reason_of_the_end_is_translated(word: str, reason: str) -> None:
    finish = finished(delta(0, text="Hi"), end(word))

    assert finish.reason == reason
    assert finish.details["finish_reason"] == word
    assert finish.details["request_id"] == "r1"
    assert finish.details["metrics"] == {"latencyMs": 551}


@pytest.mark.parametrize("word", ["malformed_model_output", "malformed_tool_use"])
def test_a_reason_that_is_a_failure_is_an_error(word: str) -> None:
    assert word.encode() in reported(BEGIN, delta(0, text="Hi"), end(word))


def test_an_answer_is_whole_without_its_metadata() -> None:
    frames = [BEGIN, delta(0, text="Hi"), event("messageStop", stopReason="end_turn")]

    assert decoded(*frames) == [
        "Hi",
        Finish(
            reason="stop", details={"finish_reason": "end_turn", "request_id": "r1"}
        ),
    ]


def test_an_answer_is_not_whole_without_its_end() -> None:
    metadata = event("metadata", usage={"inputTokens": 1})

    with pytest.raises(StreamTruncatedError, match="without its messageStop event"):
        decoded(BEGIN, delta(0, text="Hi"), stop(0), metadata)


def test_usage_that_says_nothing_is_none() -> None:
    stopped = event("messageStop", stopReason="end_turn")

    assert Usage() in decoded(BEGIN, delta(0, text="Hi"), stopped, event("metadata"))


def test_a_call_without_input_has_empty_arguments() -> None:
    call = start(0, toolUse={"toolUseId": "t1", "name": "now"})

    events = decoded(BEGIN, call, stop(0), end())

    assert events[:2] == [
        ToolCallDelta(index=0, id="t1", name="now"),
        ToolCallDelta(index=0, arguments="{}"),
    ]
    assert isinstance(events[-1], Finish)
    assert events[-1].reason == "tool_calls"


def test_what_the_service_did_itself_is_kept() -> None:
    use = {"toolUseId": "s1", "name": "search", "type": "server_tool_use"}
    finish = finished(
        start(0, toolUse=use),
        delta(0, toolUse={"input": '{"q": 1}'}),
        stop(0),
        start(1, toolResult={"toolUseId": "s1"}),
        delta(1, toolResult=[{"text": "found"}]),
        stop(1),
        delta(2, text="So."),
        end(),
    )

    assert finish.items == (
        {"toolUse": use, "input": '{"q": 1}'},
        {"toolResult": {"toolUseId": "s1"}, "content": [{"text": "found"}]},
    )
    assert finish.reason == "stop"


def test_an_image_is_given() -> None:
    events = decoded(
        BEGIN,
        start(0, image={"format": "png"}),
        delta(0, image={"source": {"bytes": "aGk="}}),
        stop(0),
        end(),
    )

    assert events[:2] == [
        MediaDelta(index=0, media_type="image/png"),
        MediaDelta(index=0, data=b"hi"),
    ]


def test_sources_are_given_with_the_text_that_they_support() -> None:
    web = {
        "title": "Bees",
        "sourceContent": [{"text": "They "}, {"text": "dance."}, {}],
        "location": {"web": {"url": "https://bees.example"}},
    }
    document = {"source": "doc 1", "location": {"documentPage": {"start": 1}}}
    events = decoded(
        BEGIN,
        delta(0, text="Yes: "),
        stop(0),
        delta(1, text="bees dance."),
        delta(1, citation=web),
        stop(1),
        delta(2, citation=document),
        end(),
    )

    assert [event for event in events if isinstance(event, Citation)] == [
        Citation(
            url="https://bees.example",
            title="Bees",
            cited_text="They dance.",
            start=5,
            end=16,
            item=web,
        ),
        Citation(source="doc 1", start=16, end=16, item=document),
    ]


def test_the_state_has_the_blocks_in_their_order() -> None:
    finish = finished(
        delta(0, reasoningContent={"text": "Hm."}),
        delta(0, reasoningContent={"signature": "s1"}),
        delta(1, text="Let me see."),
        start(2, toolUse={"toolUseId": "t1", "name": "now"}),
        delta(3, reasoningContent={"text": "Unsigned."}),
        end("tool_use"),
    )

    reasoning = {"reasoningText": {"text": "Hm.", "signature": "s1"}}
    assert finish.state == {
        "bedrock": {
            "content": [
                {"reasoningContent": reasoning},
                {"text": "Let me see."},
                {"call": "t1"},
                {"reasoningContent": {"reasoningText": {"text": "Unsigned."}}},
            ]
        }
    }


def test_an_answer_without_reasoning_has_no_state() -> None:
    assert finished(delta(0, text="Hi"), end()).state is None


def test_half_a_character_is_joined() -> None:
    halves = [
        frame(
            {":event-type": "contentBlockDelta", ":message-type": "event"},
            b'{"contentBlockIndex": 0, "delta": {"text": "%s"}}' % half,
        )
        for half in (rb"a\ud83d", rb"\ude89")
    ]

    events = decoded(BEGIN, *halves, end())

    assert "".join(e for e in events if isinstance(e, str)) == "a\U0001f689"


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (BEGIN, "begins another answer"),
        (event("contentBlockDelta", delta={"text": "x"}), "no contentBlockIndex"),
        (delta(0, text=1), "int for text"),
        (PICTURE + delta(1, image={"source": {"bytes": "!"}}), "not base64"),
        (start(0, toolUse={"name": "x"}), "NoneType for toolUseId"),
        (frame({":event-type": "messageStop", ":message-type": "event"}, b"{"), "JSON"),
        (
            frame({":event-type": "metadata", ":message-type": "event"}, b"[]"),
            "payload",
        ),
    ],
)
def test_an_event_that_is_not_of_the_protocol_is_an_error(
    odd: bytes, words: str
) -> None:
    with pytest.raises(ProtocolError, match=words):
        decoded(BEGIN, delta(0, text="Hi"), odd)


def test_what_is_unknown_is_passed_over() -> None:
    frames = [
        BEGIN,
        event("ping", at=1),
        delta(0, something={"new": 1}),
        delta(0, image={"source": {}}),
        start(0, something={}),
        delta(0, text="Hi"),
        delta(0, text=""),
        delta(1, reasoningContent={"text": ""}),
        end(),
    ]

    assert decoded(*frames)[0] == "Hi"


def test_a_wrong_checksum_has_its_own_words() -> None:
    frames = BEGIN + delta(0, text="Hi") + delta(0, text="lost")
    decoder = ConverseDecoder("Bedrock")

    assert decoder.feed(frames[:-1] + b"\x00") == ["Hi"]
    with pytest.raises(ProtocolError) as caught:
        decoder.check()

    assert str(caught.value) == (
        "Bedrock sent bytes that are not of its protocol: the checksum of a message is "
        "wrong"
    )


def test_a_message_may_not_be_longer_than_the_limit() -> None:
    with pytest.raises(ProtocolError, match="500 are accepted; set max_event_bytes"):
        decoded(BEGIN, delta(0, text="x" * 500), limit=500)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (
            exception("validationException", message="no"),
            b'{"error": {"message": "no", "code": "validationException"}}',
        ),
        (
            frame({":message-type": "exception", ":exception-type": "x"}, b"no JSON"),
            b'{"error": {"code": "x"}}',
        ),
        (
            frame(
                {
                    ":message-type": "error",
                    ":error-code": "InternalError",
                    ":error-message": "it broke",
                },
                b"",
            ),
            b'{"error": {"message": "it broke", "code": "InternalError"}}',
        ),
    ],
)
def test_an_exception_is_reported(frames: bytes, expected: bytes) -> None:
    assert reported(BEGIN, frames) == expected
