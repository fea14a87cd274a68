"""The package and botocore agree: what is sent, how it is signed, how it is framed."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from bedrock_frames import delta, end, event, exception, frame
from turnout import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Secret,
    TextPart,
    ToolCall,
)
from turnout.http import UnsignedRequest
from turnout_bedrock._body import body, path
from turnout_bedrock._eventstream import MessageSplitter, read_message
from turnout_bedrock._sigv4 import Keys, sign

REASON = "botocore is not installed"
auth: Any = pytest.importorskip("botocore.auth", reason=REASON)
awsrequest: Any = pytest.importorskip("botocore.awsrequest", reason=REASON)
credentials: Any = pytest.importorskip("botocore.credentials", reason=REASON)
eventstream: Any = pytest.importorskip("botocore.eventstream", reason=REASON)
session: Any = pytest.importorskip("botocore.session", reason=REASON)

MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ARN = (
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
)


@pytest.mark.parametrize("token", [None, "session+token/=="])
@pytest.mark.parametrize(
    "target",
    [
        path(MODEL),
        path(ARN),
        "/",
        "/a%20b/c?z=1&a=%2F&a=&b",
        "/~user/-._/(x)!*'",
    ],
)
@pytest.mark.parametrize("content", [b"", b'{"messages": []}', os.urandom(1000)])
def test_a_signature_is_that_of_botocore(
    target: str, token: str | None, content: bytes
) -> None:
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com{target}"
    headers = {
        "Content-Type": "application/json",
        "X-Amzn-Bedrock-Trace": "ENABLED  FULL ",
    }
    theirs: Any = awsrequest.AWSRequest(
        method="POST", url=url, headers=headers, data=content
    )
    keys = credentials.Credentials("AKID", "secret/+key", token)
    signer: Any = auth.SigV4Auth(keys, "bedrock", "us-east-1")
    signer.add_auth(theirs)
    now = datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")

    ours = sign(
        UnsignedRequest(
            method="POST",
            url=url,
            host="bedrock-runtime.us-east-1.amazonaws.com",
            headers=headers,
            body=content,
        ),
        Keys("AKID", Secret("secret/+key"), None if token is None else Secret(token)),
        region="us-east-1",
        service="bedrock",
        now=now.replace(tzinfo=UTC),
    )

    revealed = {
        name: value if isinstance(value, str) else value.reveal()
        for name, value in ours.items()
    }
    assert revealed == {
        name: value for name, value in theirs.headers.items() if name not in headers
    }


def test_botocore_reads_the_frames_of_these_tests_as_the_package_does() -> None:
    data = b"".join(
        [
            frame({}, b""),
            event("messageStart", role="assistant"),
            delta(0, text="señor 🚉"),
            exception("throttlingException", message="wait"),
            end(),
        ]
    )
    buffer: Any = eventstream.EventStreamBuffer()
    buffer.add_data(data)
    theirs = [(message.headers, message.payload) for message in buffer]

    ours = [read_message(message) for message in MessageSplitter(100_000).feed(data)]

    assert [tuple(message) for message in ours] == theirs


def _request() -> ChatRequest:
    return ChatRequest.build(
        [
            Message(role="system", content="Be brief."),
            Message(
                role="user",
                content=(
                    TextPart(text="Look:"),
                    ImagePart(data=b"\x89PNG", media_type="image/png"),
                    FilePart(
                        data=b"%PDF", media_type="application/pdf", filename="a.pdf"
                    ),
                ),
            ),
            Message(
                role="assistant",
                content="Hm.",
                tool_calls=(ToolCall(id="t1", name="now", arguments='{"a": 1}'),),
                state={
                    "bedrock": {
                        "content": [
                            {
                                "reasoningContent": {
                                    "reasoningText": {"text": "So.", "signature": "s"}
                                }
                            },
                            {"text": "Hm."},
                            {"call": "t1"},
                        ]
                    }
                },
            ),
            Message(role="tool", content="12:00", tool_call_id="t1"),
        ],
        temperature=0.5,
        max_tokens=9,
        top_p=0.5,
        stop=["x"],
        tools=[{"type": "function", "function": {"name": "now", "strict": True}}],
        tool_choice={"type": "function", "function": {"name": "now"}},
        response_format={"type": "object"},
        extra={"additionalModelRequestFields": {"top_k": 5}},
    )


def _parameters(sent: Any) -> Any:
    """Return a body as botocore takes it: with bytes in place of base64."""
    from base64 import b64decode

    if isinstance(sent, list):
        return [_parameters(item) for item in cast("list[object]", sent)]
    if isinstance(sent, dict):
        return {
            name: b64decode(value) if name == "bytes" else _parameters(value)
            for name, value in cast("dict[str, Any]", sent).items()
        }
    return sent


@pytest.mark.parametrize("model", [MODEL, ARN])
def test_a_request_is_what_botocore_sends(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    ours = body(_request())
    client: Any = session.Session().create_client(
        "bedrock-runtime", region_name="us-east-1"
    )
    sent: list[Any] = []

    def before_send(request: Any, **more: object) -> None:
        sent.append(request)
        raise InterruptedError  # Nothing goes out.

    client.meta.events.register(
        "before-send.bedrock-runtime.ConverseStream", before_send
    )
    with pytest.raises(InterruptedError):
        # It checks each parameter by the service's model, too.
        client.converse_stream(modelId=model, **_parameters(ours))

    (request,) = sent
    assert request.url.endswith(f".amazonaws.com{path(model)}")
    assert json.loads(request.body) == ours
    assert request.headers["Content-Type"] == b"application/json"
