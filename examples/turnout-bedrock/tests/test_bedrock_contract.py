"""The provider keeps the contract of every provider of a service."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from bedrock_frames import delta, end, event, exception, frame_raw, start, stop
from turnout import (
    AuthenticationError,
    ContextLengthError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    ReasoningDelta,
    RequestOptions,
    Secret,
    ServerError,
    Tool,
    ToolCallDelta,
    Usage,
)
from turnout.http import UnsignedRequest
from turnout.testing import (
    HttpRequest,
    ProviderContract,
    WireAnswer,
    WireError,
    oddities,
)
from turnout_bedrock import Bedrock
from turnout_bedrock._eventstream import MessageSplitter, read_message
from turnout_bedrock._sigv4 import Keys, sign

BEGIN = event("messageStart", role="assistant")
USAGE = Usage(input_tokens=12, output_tokens=7)
TOOLS: RequestOptions = {"tools": [Tool(name="weather")]}


def refused(
    status: int, code: str, message: str, error: type[ProviderError]
) -> WireError:
    body = json.dumps({"message": message}).encode()
    kind = f"{code}:http://internal.amazon.com/coral/com.amazon.bedrock/"
    return WireError(status, body, error, [("x-amzn-ErrorType", kind)])


class TestBedrock(ProviderContract):
    """With an API key of Bedrock's own."""

    provider = Bedrock
    options: ClassVar[Mapping[str, object]] = {"region": "us-east-1"}
    content_type = "application/vnd.amazon.eventstream"
    # Events that are unknown are passed over.
    filler = event("ping")
    answers = (
        WireAnswer(
            name="text",
            pieces=[
                (BEGIN,),
                (delta(0, text="Hello, "), "Hello, "),
                (delta(0, text="señor 🚉!"), "señor 🚉!"),
                (stop(0),),
            ],
            end=end(),
            usage=USAGE,
        ),
        WireAnswer(
            name="a call",
            pieces=[
                (BEGIN,),
                (delta(0, text="Let me see."), "Let me see."),
                (stop(0),),
                (
                    start(1, toolUse={"toolUseId": "tooluse_1", "name": "weather"}),
                    ToolCallDelta(index=0, id="tooluse_1", name="weather"),
                ),
                (
                    delta(1, toolUse={"input": '{"city": '}),
                    ToolCallDelta(index=0, arguments='{"city": '),
                ),
                (
                    delta(1, toolUse={"input": '"Paris"}'}),
                    ToolCallDelta(index=0, arguments='"Paris"}'),
                ),
                (stop(1),),
            ],
            end=end("tool_use"),
            finish_reason="tool_calls",
            usage=USAGE,
            request=TOOLS,
        ),
        WireAnswer(
            name="reasoning",
            pieces=[
                (BEGIN,),
                (
                    delta(0, reasoningContent={"text": "Two and "}),
                    ReasoningDelta(text="Two and "),
                ),
                (
                    delta(0, reasoningContent={"text": "two."}),
                    ReasoningDelta(text="two."),
                ),
                (delta(0, reasoningContent={"signature": "c2lnbmVk"}),),
                (stop(0),),
                (delta(1, reasoningContent={"redactedContent": "aGlkZGVu"}),),
                (stop(1),),
                (delta(2, text="Four."), "Four."),
                (stop(2),),
            ],
            end=end(cacheReadInputTokens=3, cacheWriteInputTokens=2),
            usage=Usage(
                input_tokens=17,
                output_tokens=7,
                cached_tokens=3,
                cache_write_tokens=2,
            ),
            sent_back=["Two and two.", "c2lnbmVk", "aGlkZGVu"],
        ),
    )
    errors = (
        refused(429, "ThrottlingException", "Too many requests", RateLimitError),
        refused(429, "ModelNotReadyException", "wait", OverloadedError),
        refused(424, "ModelErrorException", "it failed", ServerError),
        refused(404, "ResourceNotFoundException", "none", ModelUnavailableError),
        refused(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            AuthenticationError,
        ),
        refused(403, "ExpiredTokenException", "expired", AuthenticationError),
        refused(400, "ValidationException", "no such field", InvalidRequestError),
        refused(
            400,
            "ValidationException",
            "Input is too long for requested model.",
            ContextLengthError,
        ),
        WireError(
            200,
            exception("throttlingException", message="Too many tokens, please wait"),
            RateLimitError,
        ),
        WireError(
            200,
            exception(
                "modelStreamErrorException", message="it broke", originalStatusCode=500
            ),
            ServerError,
        ),
        WireError(200, exception("internalServerException"), ServerError),
        WireError(
            200, exception("serviceUnavailableException", message="x"), OverloadedError
        ),
        WireError(
            200, exception("validationException", message="odd"), InvalidRequestError
        ),
        WireError(200, end("malformed_tool_use"), InvalidReplyError),
    )

    def odd_bodies(self, answer: WireAnswer) -> Sequence[bytes]:
        """Change one value in the payload of a message, and frame that again."""
        found = list(_odd_bodies(answer.body))
        return random.Random(4711).sample(found, 100)


class TestSigning(TestBedrock):
    """With a pair of keys, which sign a request and are not sent."""

    key_options: ClassVar[Mapping[str, object]] = {
        "access_key_id": "AKID1",
        "secret_access_key": ProviderContract.key,
    }

    def key_in(self, request: HttpRequest) -> bool:
        """Sign the request again, at its own time, and compare the signatures."""
        date, host = request.header("X-Amz-Date"), request.header("Host")
        if date is None or host is None:
            # Not signed: a variable has a key of Bedrock's own.
            return super().key_in(request)
        signed = ("Accept", "Content-Type")
        unsigned = UnsignedRequest(
            method=request.method,
            url=f"http://{host}{request.target}",
            host=host,
            headers={name: value for name in signed for value in request.values(name)},
            body=request.body,
        )
        made = sign(
            unsigned,
            Keys("AKID1", Secret(self.key), None),
            region="us-east-1",
            service="bedrock",
            now=datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        )
        wanted = made["Authorization"]
        assert isinstance(wanted, Secret)
        return request.header("Authorization") == wanted.reveal()


def _odd_bodies(body: bytes) -> Iterator[bytes]:
    frames = MessageSplitter(1_000_000).feed(body)
    for index, data in enumerate(frames):
        _, payload = read_message(data)
        head = data[12 : -len(payload) - 4]
        for odd in oddities(payload, 1000):
            changed = frame_raw(head, odd)
            yield b"".join([*frames[:index], changed, *frames[index + 1 :]])
