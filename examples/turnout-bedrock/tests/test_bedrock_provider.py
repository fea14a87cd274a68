"""Keys, regions and addresses."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_frames import delta, end, event
from turnout import (
    AuthenticationError,
    ConfigError,
    PermissionDeniedError,
    Provider,
    Secret,
    get_provider,
    run,
)
from turnout.service import Token
from turnout.testing import FaultServer, HttpRequest, Script, respond
from turnout_bedrock import AwsToken, Bedrock

ANSWER = event("messageStart", role="assistant") + delta(0, text="Hi.") + end()
SIGNING = {"access_key_id": "AKID1", "secret_access_key": "s1", "region": "eu-west-1"}


def asked(provider: Any, *scripts: Script, **options: object) -> list[HttpRequest]:
    """Ask once; return what was sent."""

    async def main() -> list[HttpRequest]:
        async with FaultServer(*(scripts or [respond(200, ANSWER)])) as server:
            async with provider(base_url=server.url, **options) as made:
                reply = await made.complete("Hi", model="a.b-v1:0")
        assert reply.text == "Hi."
        return server.http_requests

    return run(main())


def authorization(request: HttpRequest) -> str:
    (value,) = request.values("Authorization")
    return value


def test_it_is_found_by_its_name() -> None:
    own: dict[str, Any] = {"region": "us-east-1"}

    assert type(get_provider("bedrock", **own)) is Bedrock


def test_a_request_is_signed_and_its_address_is_sent_as_it_is() -> None:
    (request,) = asked(Bedrock, **SIGNING, session_token="t1")

    assert request.target == "/model/a.b-v1%3A0/converse-stream"
    assert authorization(request).startswith("AWS4-HMAC-SHA256 Credential=AKID1/")
    assert "/eu-west-1/bedrock/aws4_request, " in authorization(request)
    assert (
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token"
        in authorization(request)
    )
    assert request.values("X-Amz-Security-Token") == ["t1"]


def test_keys_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    (first,) = asked(Bedrock)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t2")
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    (second,) = asked(Bedrock)
    (third,) = asked(Bedrock, **SIGNING)

    assert "Credential=AKID2/" in authorization(first)
    assert "/us-west-2/" in authorization(first)
    assert first.values("X-Amz-Security-Token") == []
    assert "/us-east-2/" in authorization(second)
    assert second.values("X-Amz-Security-Token") == ["t2"]
    assert "Credential=AKID1/" in authorization(third)
    assert third.values("X-Amz-Security-Token") == []


def test_a_key_of_bedrocks_own_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s2")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "b1")
    (from_variable,) = asked(Bedrock)
    (from_option,) = asked(Bedrock, api_key="b2")
    (signed,) = asked(Bedrock, **SIGNING)

    assert authorization(from_variable) == "Bearer b1"
    assert authorization(from_option) == "Bearer b2"
    assert "Credential=AKID1/" in authorization(signed)


def test_the_users_own_header_is_sent() -> None:
    headers = {"Authorization": "own"}
    (request,) = asked(Bedrock, **SIGNING, headers=headers)

    assert authorization(request) == "own"
    assert request.values("X-Amz-Date") == []


def test_each_try_is_signed_with_its_time() -> None:
    (request,) = asked(Bedrock, **SIGNING)
    (date,) = request.values("X-Amz-Date")

    assert f"/{date[:8]}/" in authorization(request)


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("us-east-1", "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_region_has_its_address(region: str, address: str) -> None:
    assert Bedrock(region=region).options.base_url == address


def test_without_a_region_nothing_is_sent() -> None:
    with pytest.raises(ConfigError, match="set region or AWS_REGION"):
        run(Bedrock(api_key="b1").complete("Hi"))
    with pytest.raises(ConfigError, match="a signature needs it"):
        asked(Bedrock, access_key_id="A", secret_access_key="s")


def test_half_a_pair_of_keys_is_refused() -> None:
    with pytest.raises(ConfigError, match="belong together"):
        Bedrock(access_key_id="A")


def test_without_keys_it_says_what_to_set() -> None:
    with pytest.raises(AuthenticationError) as caught:
        run(Bedrock(region="us-east-1").complete("Hi"))

    assert "set AWS_BEARER_TOKEN_BEDROCK in the environment" in str(caught.value)
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in str(caught.value)


def test_keys_that_expire_are_renewed_and_the_request_is_signed_again() -> None:
    class Renewing(Bedrock):
        async def credentials(self) -> Token:
            made.append(f"AKID{len(made)}")
            return AwsToken(
                Secret("s"),
                expires_in=3600,
                access_key_id=made[-1],
                session_token=Secret("t"),
            )

    made: list[str] = []
    expired = ("x-amzn-ErrorType", "ExpiredTokenException:http://internal/")
    scripts = [respond(403, b"{}", expired), respond(200, ANSWER)]
    requests = asked(Renewing, *scripts, region="us-east-1")

    assert ["AKID0", "AKID1"] == made
    for name, request in zip(made, requests, strict=True):
        assert f"Credential={name}/" in authorization(request)


def test_a_short_key_of_bedrocks_own_may_be_renewed_too() -> None:
    class Short(Bedrock):
        async def credentials(self) -> Token:
            return Token(Secret("bedrock-api-key-1"), expires_in=3600)

    (request,) = asked(Short, region="us-east-1")

    assert authorization(request) == "Bearer bedrock-api-key-1"


def test_a_refusal_shows_neither_keys_nor_the_prompt() -> None:
    said = (
        b'{"message": "The Canonical String was host:x canary-session canary-prompt"}'
    )
    keys: dict[str, Any] = {**SIGNING, "secret_access_key": "canary-secret"}

    async def main(provider: Provider) -> None:
        async with provider:
            await provider.complete("canary-prompt")

    async def refused() -> str:
        kind = ("x-amzn-ErrorType", "AccessDeniedException")
        async with FaultServer(respond(403, said, kind)) as server:
            with pytest.raises(PermissionDeniedError) as caught:
                await main(
                    Bedrock(base_url=server.url, session_token="canary-session", **keys)
                )
        return str(caught.value)

    message = run(refused())

    assert "The Canonical String was host:x" in message
    assert "canary" not in message


def test_the_services_own_name_for_a_request_is_kept() -> None:
    async def main() -> object:
        head = ("x-amzn-RequestId", "r-1")
        async with FaultServer(respond(200, ANSWER, head)) as server:
            async with Bedrock(base_url=server.url, api_key="b1") as bedrock:
                return (await bedrock.complete("Hi")).details["request_id"]

    assert run(main()) == "r-1"
