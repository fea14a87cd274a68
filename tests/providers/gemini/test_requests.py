"""What is sent to Gemini. The ids are those of cases.md."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from turnout.errors import ArgumentError, TurnoutError, UnsupportedError
from turnout.types import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)
from turnout_gemini import Gemini
from turnout_gemini._body import body, path

from ...support.gemini_server import GeminiServer, answer
from .bodies import (
    ANSWERED,
    ASKED,
    CALL,
    FILES,
    LOOK,
    PNG,
    calling,
    refusal_of,
    sent,
    user,
)

# Byte for byte.

# Each field stands in Google's reference of `generateContent`: a part is `text` or
# `inlineData` {mimeType, data}; a tool is `functionDeclarations` with
# `parametersJsonSchema`; `functionCallingConfig` has `mode` and `allowedFunctionNames`;
# a structured answer is `responseMimeType` and `responseJsonSchema`. google-genai
# 3.4.0, asked for the same, sent the same on 2026-11-22: in another order, with a role
# for the instruction, and with `mime_type` and `parameters_json_schema`, as the JSON of
# Protocol Buffers has either spelling. Line ends are not sent.
RECORDED = """
{"contents":[{"role":"user","parts":[{"text":"What is it?"},
{"inlineData":{"mimeType":"image/png","data":"iVBORw=="}}]}],
"systemInstruction":{"parts":[{"text":"Be brief."}]},
"tools":[{"functionDeclarations":[{"name":"look","description":"Look closer.",
"parametersJsonSchema":{"type":"object","properties":{"at":{"type":"string"}},
"required":["at"]}}]}],
"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}},
"generationConfig":{"maxOutputTokens":50,"stopSequences":["END"],"seed":7,
"responseMimeType":"application/json",
"responseJsonSchema":{"type":"object","properties":{"what":{"type":"string"}}}}}
"""


async def test_a_request_is_what_was_recorded() -> None:
    async with GeminiServer(answer("{}"), key="k") as server:
        await Gemini(base_url=server.base_url, api_key="k").complete(
            [
                {"role": "system", "content": "Be brief."},
                Message(role="user", content=(TextPart(text="What is it?"), PNG)),
            ],
            max_tokens=50,
            stop="END",
            seed=7,
            tools=[
                Tool(
                    name="look",
                    description="Look closer.",
                    parameters={
                        "type": "object",
                        "properties": {"at": {"type": "string"}},
                        "required": ["at"],
                    },
                )
            ],
            tool_choice="auto",
            response_format={
                "type": "object",
                "properties": {"what": {"type": "string"}},
            },
        )

    (request,) = server.http_requests
    assert server.refusals == []
    assert request.target == (
        "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    )
    assert request.body.decode() == RECORDED.replace("\n", "")


# Turns.


def test_a_question_is_one_turn() -> None:
    assert sent() == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def test_system_messages_are_the_instruction_wherever_they_stand() -> None:
    got = sent(
        Message(role="system", content="a"),
        Message(role="user", content="Hi"),
        Message(role="system", content=(TextPart(text="b"), TextPart(text="c"))),
    )

    assert got["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "bc"}]}
    assert len(got["contents"]) == 1


def test_neighbours_of_one_role_are_one_turn() -> None:
    got = sent(
        Message(role="user", content="a"),
        Message(role="system", content="s"),
        Message(role="user", content="b"),
        Message(role="assistant", content="c"),
        ASKED,
        ANSWERED,
        Message(role="tool", tool_call_id="c1", content="5"),
        Message(role="user", content="d"),
    )

    assert [
        (turn["role"], [next(iter(part)) for part in turn["parts"]])
        for turn in got["contents"]
    ] == [
        ("user", ["text", "text"]),
        ("model", ["text", "functionCall"]),
        ("user", ["functionResponse", "functionResponse"]),
        ("user", ["text"]),
    ]


def test_the_beginning_of_an_answer_is_the_last_turn() -> None:
    got = sent(
        Message(role="user", content="a"), Message(role="assistant", content="b")
    )

    assert got["contents"][-1] == {"role": "model", "parts": [{"text": "b"}]}


def test_a_message_without_anything_is_an_empty_text() -> None:
    assert sent(Message(role="assistant"))["contents"] == [
        {"role": "model", "parts": [{"text": ""}]}
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (PNG, {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}),
        (
            ImagePart(url="https://x.example/a.JPG?b=c.d", detail="auto"),
            {
                "fileData": {
                    "mimeType": "image/jpeg",
                    "fileUri": "https://x.example/a.JPG?b=c.d",
                }
            },
        ),
        (
            ImagePart(url="gs://bucket/a", media_type="image/webp"),
            {"fileData": {"mimeType": "image/webp", "fileUri": "gs://bucket/a"}},
        ),
        (
            FilePart(data=b"%PDF", media_type="application/pdf", filename="a.pdf"),
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
        ),
        (
            FilePart(file_id="files/abc"),
            {
                "fileData": {
                    "fileUri": (
                        "https://generativelanguage.googleapis.com/v1beta/files/abc"
                    )
                }
            },
        ),
        (
            FilePart(file_id="https://x.example/a", media_type="text/plain"),
            {"fileData": {"mimeType": "text/plain", "fileUri": "https://x.example/a"}},
        ),
        (
            FilePart(url="https://x.example/a.pdf"),
            {
                "fileData": {
                    "mimeType": "application/pdf",
                    "fileUri": "https://x.example/a.pdf",
                }
            },
        ),
        (
            FilePart(url=f"{FILES}/abc"),
            {"fileData": {"fileUri": f"{FILES}/abc"}},
        ),
        (
            AudioPart(data=b"RIFF", media_type="audio/wav"),
            {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}},
        ),
        (
            AudioPart(url="https://x.example/a.mp3"),
            {
                "fileData": {
                    "mimeType": "audio/mp3",
                    "fileUri": "https://x.example/a.mp3",
                }
            },
        ),
        (
            VideoPart(data=b"x", media_type="video/mp4"),
            {"inlineData": {"mimeType": "video/mp4", "data": "eA=="}},
        ),
        (
            VideoPart(url="gs://bucket/a.MOV"),
            {"fileData": {"mimeType": "video/mov", "fileUri": "gs://bucket/a.MOV"}},
        ),
        (
            VideoPart(url="https://www.youtube.com/watch?v=x"),
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}},
        ),
        (
            VideoPart(
                url="https://youtu.be/x",
                extra={"videoMetadata": {"fps": 1}, "media_resolution": "LOW"},
            ),
            {
                "fileData": {"fileUri": "https://youtu.be/x"},
                "videoMetadata": {"fps": 1},
                "media_resolution": "LOW",
            },
        ),
        (
            TextPart(text="a", extra={"thoughtSignature": "x"}),
            {"text": "a", "thoughtSignature": "x"},
        ),
    ],
)
def test_images_and_files_are_parts(part: Any, expected: object) -> None:
    assert sent(user(part))["contents"][0]["parts"] == [expected]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (user(ImagePart(url="https://x.example/a")), "media type"),
        (user(ImagePart(url="ftp://x.example/a.png")), "addresses"),
        (user(ImagePart(url="https://x.example/a.png", detail="high")), "detail"),
        (user(FilePart(file_id="abc")), "files/abc"),
        (user(FilePart(url="https://x.example/a")), "of the FilePart"),
        (user(VideoPart(url="https://notyoutube.com/a")), "of the VideoPart"),
        (user(AudioPart(url="files/abc")), "addresses"),
        (Message(role="system", content=(PNG,)), "only text"),
        (
            Message(
                role="assistant",
                tool_calls=(ToolCall(id="c1", name="f", arguments="[1]"),),
            ),
            "JSON object",
        ),
        (
            Message(
                role="assistant",
                tool_calls=(ToolCall(id="c1", name="f", arguments='{"a'),),
            ),
            "'c1'",
        ),
        (ANSWERED, "name of the function that 'c1' called"),
    ],
)
def test_what_the_protocol_cannot_say_is_refused(message: Message, why: str) -> None:
    assert why in refusal_of(message)


# Calls and results.


def test_calls_and_their_results_name_the_function() -> None:
    got = sent(ASKED, ANSWERED, model="gemini-2.5-flash")

    assert [turn["parts"] for turn in got["contents"]] == [
        [{"functionCall": {"id": "c1", "name": "look", "args": {"at": "x"}}}],
        [
            {
                "functionResponse": {
                    "id": "c1",
                    "name": "look",
                    "response": {"output": "4"},
                }
            }
        ],
    ]


def test_an_id_that_was_made_is_not_sent() -> None:
    call = ToolCall(id="gemini_1", name="look", arguments="")

    got = sent(
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", tool_call_id="gemini_1", content="4"),
        model="gemini-2.5-flash",
    )

    assert [turn["parts"] for turn in got["contents"]] == [
        [{"functionCall": {"name": "look", "args": {}}}],
        [{"functionResponse": {"name": "look", "response": {"output": "4"}}}],
    ]


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_names_of_speakers_are_refused(role: Any) -> None:
    refusal = refusal_of(Message(role=role, content="a", name="Ann"))

    assert "leave a message's name out" in refusal


def test_a_result_may_name_its_function_itself() -> None:
    message = Message(role="tool", tool_call_id="c9", content="4", name="look")

    (turn,) = sent(message)["contents"]

    assert turn["parts"][0]["functionResponse"]["name"] == "look"


def test_a_result_may_have_an_image() -> None:
    message = Message(role="tool", tool_call_id="c1", content=(TextPart(text="4"), PNG))

    result = sent(ASKED, message)["contents"][1]["parts"][0]["functionResponse"]

    assert result["response"] == {"output": "4"}
    assert result["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}
    ]
    assert "before Gemini 3" in refusal_of(ASKED, message, model="gemini-2.5-pro")


def test_a_result_in_parts_of_text_is_text() -> None:
    parts = (TextPart(text="4"), TextPart(text="2"))
    message = Message(role="tool", tool_call_id="c1", content=parts)

    result = sent(ASKED, message)["contents"][1]["parts"][0]["functionResponse"]

    assert result == {"id": "c1", "name": "look", "response": {"output": "42"}}


def test_the_first_of_calls_that_another_model_made_is_marked_so() -> None:
    other = ToolCall(id="c2", name="f", arguments="{}")
    message = Message(role="assistant", content="a", tool_calls=(CALL, other))

    parts = sent(message, model="gemini-3.8-flash")["contents"][0]["parts"]

    assert [part.get("thoughtSignature") for part in parts] == [
        None,
        "skip_thought_signature_validator",
        None,
    ]


def test_parts_that_were_kept_are_sent_as_they_were() -> None:
    parts: list[object] = [
        {"text": "hm", "thought": True},
        {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2ln"},
    ]
    call = ToolCall(id="gemini_1", name="look", arguments="{}")
    message = Message(  # S14
        role="assistant", tool_calls=(call,), state={"gemini": {"parts": parts}}
    )
    result = Message(role="tool", tool_call_id="gemini_1", content="4")

    got = sent(message, result)["contents"]

    assert got[0] == {"role": "model", "parts": parts}
    assert got[1]["parts"][0]["functionResponse"]["name"] == "look"


@pytest.mark.parametrize(
    ("content", "arguments"),
    [("It was.", '{"at": "x"}'), ("It is.", "{}"), ("It is.", '{"at"')],
)
def test_an_answer_that_was_changed_is_sent_as_it_is_now(
    content: str, arguments: str
) -> None:
    call = {"name": "look", "args": {"at": "x"}}
    parts: list[object] = [
        {"text": "hm", "thought": True},
        {"text": "It is."},
        {"functionCall": call, "thoughtSignature": "c2ln"},
    ]
    made = ToolCall(id="gemini_1", name="look", arguments=arguments)
    message = Message(
        role="assistant",
        content=content,
        tool_calls=(made,),
        state={"gemini": {"parts": parts}},
    )

    if arguments == '{"at"':
        assert "JSON object" in refusal_of(message)
        return
    (turn,) = sent(message)["contents"]
    assert turn["parts"][0] == {"text": content}
    assert turn["parts"][1]["functionCall"]["args"] == json.loads(arguments)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"other": {"parts": [1]}},
        {"gemini": 1},
        {"gemini": {"parts": "x"}},
        {"gemini": {"parts": [1]}},
        {"gemini": {"parts": [{"functionCall": 1}]}},
    ],
)
def test_what_others_kept_is_passed_over(state: dict[str, object]) -> None:
    message = Message(role="assistant", content="a", state=state)

    assert sent(message)["contents"][0]["parts"] == [{"text": "a"}]


# Settings.


def test_settings_stand_in_their_fields() -> None:
    got = sent(
        temperature=0.5,
        top_p=0.9,
        max_tokens=5,
        stop=["a", "b"],
        seed=1,
        response_format={"type": "json_object"},
    )

    assert got["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.9,
        "maxOutputTokens": 5,
        "stopSequences": ["a", "b"],
        "seed": 1,
        "responseMimeType": "application/json",
    }


def test_thoughts_are_asked_for() -> None:
    request = ChatRequest.build("Hi")

    got = body(request, include_thoughts=True)

    assert got["generationConfig"] == {"thinkingConfig": {"includeThoughts": True}}


def test_thoughts_are_asked_for_beside_how_much_is_thought() -> None:
    own = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}

    got = body(ChatRequest.build("Hi", extra=own), include_thoughts=True)

    assert got["generationConfig"] == {
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "low"}
    }


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (5, "generationConfig in extra is a int, not a mapping"),
        ({"thinkingConfig": "low"}, "thinkingConfig in extra is a str"),
    ],
)
def test_settings_that_are_none_are_refused(own: object, said: str) -> None:
    request = ChatRequest.build("Hi", extra={"generationConfig": own})

    with pytest.raises(ArgumentError, match=said):
        body(request, include_thoughts=True)


def test_extra_goes_over_everything_else() -> None:
    config = {"seed": 2, "topK": 3, "topP": None}
    got = sent(
        max_tokens=5,
        seed=1,
        top_p=0.5,
        tools=[LOOK],
        tool_choice="auto",
        extra={
            "generationConfig": config,
            "safetySettings": [],
            "toolConfig": {"includeServerSideToolInvocations": True},
        },
    )

    assert got["generationConfig"] == {"maxOutputTokens": 5, "seed": 2, "topK": 3}
    assert got["safetySettings"] == []
    assert got["toolConfig"] == {
        **calling("AUTO"),
        "includeServerSideToolInvocations": True,
    }


def test_a_field_may_be_taken_away() -> None:
    own = {"generationConfig": {"thinkingConfig": None}}

    assert sent(seed=1, extra={"generationConfig": None}).keys() == {"contents"}
    got = body(ChatRequest.build("Hi", extra=own), include_thoughts=True)
    assert got["generationConfig"] == {}


@pytest.mark.parametrize(("count", "refused"), [(1, False), (None, False), (2, True)])
def test_several_answers_are_refused(count: object, refused: bool) -> None:
    extra = {"generationConfig": {"candidateCount": count}}
    if refused:
        assert "one answer" in refusal_of(extra=extra)
    else:
        assert "generationConfig" in sent(seed=1, extra=extra)


# The path.


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-3.8-flash", "/models/gemini-3.8-flash"),
        ("models/gemini-3.8-flash", "/models/gemini-3.8-flash"),
        ("tunedModels/mine", "/tunedModels/mine"),
        ("a/b", "/models/a%2Fb"),
        ("../admin", "/models/..%2Fadmin"),
        ("x?key=y#z", "/models/x%3Fkey%3Dy%23z"),
        ("a%2fb", "/models/a%252fb"),
        ("é", "/models/%C3%A9"),
    ],
)
def test_a_model_stays_in_its_place(model: str, expected: str) -> None:
    assert path(model) == f"{expected}:streamGenerateContent?alt=sse"  # G06


@pytest.mark.parametrize("model", [".", "..", "", "models/", "tunedModels/..", "a:b"])
def test_a_model_that_leads_elsewhere_is_refused(model: str) -> None:
    with pytest.raises(TurnoutError, match="is not the name of a model"):
        path(model)


@pytest.mark.parametrize("name", ["generationConfig", "generation_config"])
def test_both_spellings_of_a_field_are_merged(name: str) -> None:
    own = {"topK": 3, "top_p": 0.5, "thinking_config": {"include_thoughts": False}}
    extra: dict[str, object] = {
        name: own,
        "safety_settings": [],
        "cached_content": "c",
        "my_field": {"a_b": 1},
    }
    request = ChatRequest.build(
        "Why?", model="m", temperature=0.5, top_p=1, extra=extra
    )

    made = body(request, include_thoughts=True)

    assert made["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.5,
        "topK": 3,
        "thinkingConfig": {"includeThoughts": False},
    }
    assert made["safetySettings"] == []
    assert (made["cachedContent"], made["my_field"]) == ("c", {"a_b": 1})
    assert name == "generationConfig" or name not in made


def test_a_field_may_be_given_in_both_spellings() -> None:
    extra = {"generation_config": {"topK": 3}, "generationConfig": {"topP": 1}}

    made = body(
        ChatRequest.build("Why?", model="m", extra=extra), include_thoughts=False
    )

    assert made["generationConfig"] == {"topK": 3, "topP": 1}


def test_several_answers_are_refused_in_the_other_spelling_too() -> None:
    extra = {"generation_config": {"candidate_count": 2}}

    with pytest.raises(UnsupportedError, match="one answer"):
        body(ChatRequest.build("Why?", model="m", extra=extra), include_thoughts=False)


def test_results_stand_together_after_their_calls() -> None:
    calls = tuple(ToolCall(id=name, name="look", arguments="{}") for name in "abc")

    def result(name: str) -> Message:
        return Message(role="tool", tool_call_id=name, content=name)

    conversation = [
        Message(role="user", content="q"),
        Message(role="assistant", tool_calls=calls),
        result("a"),
        Message(role="user", content="note"),
        result("b"),
        Message(role="user", content="more"),
        Message(role="assistant", content="Hm"),
        result("c"),
    ]

    made = body(
        ChatRequest.build(conversation, model="gemini-2.5-flash"),
        include_thoughts=False,
    )

    turns = cast("list[dict[str, Any]]", made["contents"])
    assert [turn["role"] for turn in turns] == [
        "user",
        "model",
        "user",
        "user",
        "model",
    ]
    results = [part["functionResponse"]["id"] for part in turns[2]["parts"]]
    assert results == ["a", "b", "c"]
    assert turns[3]["parts"] == [{"text": "note"}, {"text": "more"}]


def test_a_note_before_the_results_stands_after_them() -> None:
    call = ToolCall(id="a", name="look", arguments="{}")
    conversation = [
        Message(role="assistant", tool_calls=(call,)),
        Message(role="user", content="note"),
        Message(role="tool", tool_call_id="a", content="1"),
    ]

    made = body(ChatRequest.build(conversation, model="m"), include_thoughts=False)

    turns = cast("list[dict[str, Any]]", made["contents"])
    assert [next(iter(turn["parts"][0])) for turn in turns] == [
        "functionCall",
        "functionResponse",
        "text",
    ]
