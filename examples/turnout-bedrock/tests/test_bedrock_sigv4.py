"""Signatures are those of AWS's own examples."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from turnout import Secret
from turnout.http import UnsignedRequest
from turnout_bedrock._sigv4 import Keys, sign

KEYS = Keys("AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"))
TIME = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
UNRESERVED = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def unsigned(
    method: str = "GET",
    target: str = "/",
    host: str = "example.amazonaws.com",
    headers: dict[str, str | Secret] | None = None,
    body: bytes = b"",
) -> UnsignedRequest:
    return UnsignedRequest(
        method=method,
        url=f"https://{host}{target}",
        host=host,
        headers=headers or {},
        body=body,
    )


def signature(request: UnsignedRequest, service: str = "service") -> str:
    made = sign(request, KEYS, region="us-east-1", service=service, now=TIME)
    authorization = made["Authorization"]
    assert isinstance(authorization, Secret)
    return authorization.reveal().rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        pytest.param(
            "GET",
            "/",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            id="get-vanilla",
        ),
        pytest.param(
            "POST",
            "/",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            id="post-vanilla",
        ),
        pytest.param(
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            id="get-vanilla-query-order-key-case",
        ),
        pytest.param(
            "GET",
            UNRESERVED,
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            id="get-unreserved",
        ),
    ],
)
def test_a_signature_is_that_of_the_test_suite(
    method: str, target: str, expected: str
) -> None:
    """Source: AWS General Reference, "Signature Version 4 Test Suite"."""
    assert signature(unsigned(method, target)) == expected


def test_a_signature_is_that_of_the_guide() -> None:
    """Source: AWS IAM User Guide, the example of `ListUsers` of IAM."""
    request = unsigned(
        target="/?Action=ListUsers&Version=2010-05-08",
        host="iam.amazonaws.com",
        headers={**FORM},
    )

    made = sign(request, KEYS, region="us-east-1", service="iam", now=TIME)

    assert made["X-Amz-Date"] == "20150830T123600Z"
    assert made["Authorization"] == Secret(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature="
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_a_session_token_is_sent_and_signed() -> None:
    keys = KEYS._replace(session_token=Secret("canary-session"))

    made = sign(unsigned(), keys, region="us-east-1", service="service", now=TIME)

    assert made["X-Amz-Security-Token"] == Secret("canary-session")
    assert isinstance(made["Authorization"], Secret)
    assert "host;x-amz-date;x-amz-security-token" in made["Authorization"].reveal()
    assert "canary" not in repr(made)


def test_the_body_the_path_and_the_users_headers_are_signed() -> None:
    requests = [
        unsigned(body=b"1"),
        unsigned(body=b"2"),
        unsigned(target="/a%3Ab"),
        unsigned(target="/a:b"),
        unsigned(target="/?flag"),
        unsigned(headers={"X-Amzn-Bedrock-Trace": "ENABLED"}),
        unsigned(headers={"X-Amz-Own": Secret("x")}),
    ]

    assert len({signature(request) for request in requests}) == len(requests)
    assert signature(unsigned(target="/?flag=")) == signature(requests[4])
    assert signature(unsigned(headers={"X-Other": "1"})) == signature(unsigned())


def test_a_time_of_any_zone_is_the_same() -> None:
    there = TIME.astimezone(timezone(timedelta(hours=-7)))
    one, other = (
        sign(unsigned(), KEYS, region="us-east-1", service="service", now=now)
        for now in (TIME, there)
    )

    assert one == other
