"""The provider's one request, as `aioresponses` sees it handed to aiohttp."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from yarl import URL

from turnout.errors import ConnectError, RateLimitError, StreamTruncatedError
from turnout_flowgpt import FlowGpt

from ...support.flowgpt_rules import PATH

SERVICE = f"https://prod-backend-k8s.flowgpt.com{PATH}"
LINES = (
    b'{"event":"text","data":"Par"}\n{"event":"end"}\n{"event":"text","data":"is"}\n'
)
CHUNKED = {"Transfer-Encoding": "chunked"}


class MockedResponse(aiohttp.ClientResponse):
    """A response with the argument that aioresponses 0.7.9 does not know of yet."""

    def __init__(self, method: str, url: URL, **arguments: Any) -> None:
        sent: Any = SimpleNamespace(output_size=0)
        super().__init__(method, url, stream_writer=sent, **arguments)


class Mocked:
    """`aioresponses`, typed as far as these tests need it."""

    def __init__(self, mocked: Any) -> None:
        self._mocked = mocked

    def post(self, url: str, **answer: Any) -> None:
        """Answer the next POST to an address."""
        self._mocked.post(url, response_class=MockedResponse, **answer)

    def addresses(self) -> list[str]:
        """Return the methods and addresses that were asked."""
        return [f"{method} {url}" for method, url in self._mocked.requests]

    def calls(self) -> list[dict[str, Any]]:
        """Return what each request was made with."""
        made = self._mocked.requests.values()
        return [call.kwargs for calls in made for call in calls]


@pytest.fixture
def service() -> Iterator[Mocked]:
    with aioresponses() as mocked:
        yield Mocked(mocked)


async def test_the_service_is_asked_at_its_own_address(service: Mocked) -> None:
    service.post(SERVICE, body=LINES, headers=CHUNKED)

    reply = await FlowGpt().complete("What is the capital of France?")

    assert reply.text == "Paris"
    assert service.addresses() == [f"POST {SERVICE}"]
    (call,) = service.calls()
    body = json.loads(call["data"].decode())
    assert body["question"] == "What is the capital of France?"
    assert call["headers"]["Authorization"] == "Bearer null"
    assert call["allow_redirects"] is False
    assert call["proxy"] is None


async def test_another_address_keeps_the_path(service: Mocked) -> None:
    service.post(f"http://localhost:1{PATH}", body=LINES, headers=CHUNKED)

    reply = await FlowGpt(base_url="http://localhost:1/").complete("Why?")

    assert reply.text == "Paris"


async def test_a_proxy_is_handed_on(service: Mocked) -> None:
    service.post(SERVICE, body=LINES, headers=CHUNKED)

    await FlowGpt(proxy="http://me:secret@127.0.0.1:8080").complete("Why?")

    (call,) = service.calls()
    assert call["proxy"] == "http://127.0.0.1:8080"
    assert call["proxy_headers"] == {"Proxy-Authorization": "Basic bWU6c2VjcmV0"}


async def test_each_request_is_signed_anew(service: Mocked) -> None:
    service.post(SERVICE, body=LINES, headers=CHUNKED, repeat=True)

    provider = FlowGpt()
    for _ in range(3):
        await provider.complete("Why?")

    headers = [call["headers"] for call in service.calls()]
    assert len({each["x-nonce"] for each in headers}) == 3
    assert len({each["x-signature"] for each in headers}) == 3
    assert len({each["x-flow-device-id"] for each in headers}) == 1


async def test_a_refusal_has_its_class_and_hint(service: Mocked) -> None:
    service.post(SERVICE, status=429, headers={"Retry-After": "3"})

    with pytest.raises(RateLimitError) as caught:
        await FlowGpt().complete("Why?")

    assert caught.value.retry_after == 3.0


async def test_a_service_that_takes_too_long_was_not_reached(
    service: Mocked,
) -> None:
    service.post(SERVICE, timeout=True)

    with pytest.raises(ConnectError, match="connect_timeout=5 s"):
        await FlowGpt().complete("Why?")


async def test_a_body_without_framing_has_no_provable_end(
    service: Mocked,
) -> None:
    service.post(SERVICE, body=LINES)

    with pytest.raises(StreamTruncatedError) as caught:
        await FlowGpt().complete("Why?")

    assert caught.value.reply is not None
    assert caught.value.reply.text == "Paris"
