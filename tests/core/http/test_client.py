"""Requests as they go out, and refusals as they come in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from turnout._version import VERSION
from turnout.errors import (
    ArgumentError,
    ConfigError,
    ConnectError,
    InvalidRequestError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    TurnoutError,
)
from turnout.http import Http, StatusRule, UnsignedRequest
from turnout.testing import (
    CHUNKED,
    FaultServer,
    HttpRequest,
    Step,
    chunk,
    forever,
    http_response,
    respond,
    response_head,
    rst,
    send,
    sleep,
    wait_request,
)
from turnout.types import Secret

from ...support.forward_proxy import ForwardProxy

KEY = "canary-Key-0815"

OK = http_response(200, b"ok")


async def sent(
    http: Http | None = None,
    url: str = "/chat",
    method: str = "post",
    **request: object,
) -> HttpRequest:
    """Send a request and return it as it came."""
    async with FaultServer(respond(200, b"ok")) as server:
        http = http or Http(provider="P", base_url=server.url)
        send_it = getattr(http, method)
        async with send_it(url.replace("SERVER", server.url), **request):
            pass
    (request_,) = server.http_requests
    return request_


async def failure_of(
    *script: Step, json: object = None, http: Mapping[str, object] | None = None
) -> TurnoutError:
    """Send a request to a server that follows a script; return what comes of it."""
    async with FaultServer(script) as server:
        client = Http(provider="P", base_url=server.url, **(http or {}))  # type: ignore[arg-type]
        headers = {"Authorization": Secret(f"Bearer {KEY}")}
        with pytest.raises(TurnoutError) as caught:
            async with client.post("/", json=json or {}, headers=headers):
                pytest.fail("it was answered")
    return caught.value


async def test_a_post_is_json_and_asks_for_no_compression() -> None:
    request = await sent(json={"a": "é"})

    assert (request.method, request.target) == ("POST", "/chat")
    assert request.json() == {"a": "é"}
    assert request.values("Content-Type") == ["application/json"]
    assert request.values("Accept-Encoding") == ["identity"]
    assert request.values("User-Agent") == [f"turnout/{VERSION}"]
    assert request.values("Cookie") == []
    assert request.values("Authorization") == []


async def test_bytes_are_sent_as_they_are() -> None:
    assert (await sent(data=b"\x00\xff")).body == b"\x00\xff"


async def test_a_body_of_megabytes_is_sent_without_a_warning() -> None:
    image = "a" * 3_000_000  # aiohttp warns from one on.

    assert (await sent(json={"image": image})).json() == {"image": image}


async def test_a_get_has_no_body() -> None:
    request = await sent(method="get", headers={"X-A": "b"})

    assert (request.method, request.body) == ("GET", b"")
    assert request.values("Content-Type") == []
    assert request.values("X-A") == ["b"]


async def test_headers_go_over_those_that_are_set() -> None:
    headers = {"content-type": "text/x", "accept-encoding": "br", "user-agent": "me"}
    request = await sent(headers=headers)

    assert request.values("Content-Type") == ["text/x"]
    assert request.values("Accept-Encoding") == ["br"]
    assert request.values("User-Agent") == ["me"]


async def test_a_secret_is_sent_to_the_origin_that_it_is_for() -> None:
    request = await sent(headers={"X-Key": Secret(KEY)})

    assert request.values("X-Key") == [KEY]


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "https://127.0.0.1", None])
async def test_a_secret_is_sent_to_no_other_origin(base_url: str | None) -> None:
    async with FaultServer(respond(200)) as server:
        http = Http(provider="P", base_url=base_url)
        with pytest.raises(ConfigError, match="its credential is for base_url"):
            async with http.post(f"{server.url}/", headers={"X-Key": Secret(KEY)}):
                pytest.fail("it was sent")

    assert server.connections == []


async def test_another_origin_may_be_asked_without_a_secret() -> None:
    http = Http(provider="P", base_url="http://127.0.0.1:1")
    request = await sent(http, "SERVER/other", headers={"X-A": "b"})

    assert request.target == "/other"


@pytest.mark.parametrize(
    ("base_url", "url", "expected"),
    [
        ("http://h", "/chat", "http://h/chat"),
        ("http://h/", "chat", "http://h/chat"),
        ("http://h/v1", "/chat", "http://h/v1/chat"),
        ("http://h/v1/", "models/a:b", "http://h/v1/models/a:b"),
        ("http://h", "", "http://h/"),
        ("http://h", "//a", "http://h//a"),
        ("http://h/v1", "/see/http://x/", "http://h/v1/see/http://x/"),
        (
            "http://H:80/v1%2Fa",
            "/m/a%3A0/b%2f?q=%41+b",
            "http://h/v1%2Fa/m/a%3A0/b%2f?q=%41+b",
        ),
        ("http://bücher.example", "/x", "http://xn--bcher-kva.example/x"),
        ("http://h", "?x=/", "http://h/?x=/"),
        ("http://h/a/../b", "/./c", "http://h/a/../b/./c"),
        ("http://h", "https://other/x", "https://other/x"),
        (None, "https://other/x", "https://other/x"),
    ],
)
def test_an_address_is_relative_to_the_base(
    base_url: str | None, url: str, expected: str
) -> None:
    assert str(Http(provider="P", base_url=base_url).place(url).url) == expected


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (None, "/chat"),
        ("ftp://h", "/chat"),
        ("http://h", "file:///etc/passwd"),
        ("http://h", "http://"),
        ("http://h", "http://[::1"),
        ("http://h", "http://h:port/"),
        ("http://h", "http://h:99999/"),
        ("http://h", "http://h i/"),
        ("http://h", "http://h\ti/"),
        ("http://a\u2048.example", "/x"),
        (f"http://h{chr(0xD800)}", "/x"),
    ],
)
def test_what_is_no_address_is_the_configurations(
    base_url: str | None, url: str
) -> None:
    with pytest.raises(ConfigError, match=r"^P: "):
        Http(provider="P", base_url=base_url).place(url)


@pytest.mark.parametrize(
    ("base_url", "path", "told"),
    [
        ("http://h", "/a b", "'/a b' has ' '; write '%20' in its place"),
        ("http://h", "/ü", "has 'ü'; write '%C3%BC'"),
        ("http://h/ü", "/x", "'/ü/x' has 'ü'; write '%C3%BC'"),
        ("http://h", "/a#b", "has '#'; write '%23'"),
        ("http://h", "/a%zz", "has '%'; write '%25'"),
        ("http://h", "/a%4", "has '%'; write '%25'"),
        ("http://h", "/a\r\nX: y", r"has '\r'; write '%0D'"),
        ("http://h", "/a\tb", r"has '\t'; write '%09'"),
        ("http://h", "/a\\b", r"has '\\'; write '%5C'"),
        ("http://h", "/a?key=canary-1 2", "of '/a' has ' '; write '%20'"),
        ("http://h", "/\ud800", "write '%3F'"),
    ],
)
def test_what_an_address_cannot_have_is_refused(
    base_url: str, path: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Http(provider="P", base_url=base_url).place(path)

    assert str(caught.value).startswith("P: the address of ")
    assert told in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_an_address_is_sent_byte_for_byte() -> None:
    for target in ("/m/a.b-v2%3A0/c", "/a:b/%7e(c)*,;=@'!$&+~", "/q?a=%2F&b=+:/?"):
        assert (await sent(url=target)).target == target


async def test_a_proxy_is_given_the_address_byte_for_byte() -> None:
    async with ForwardProxy() as proxy, FaultServer(respond(200)) as server:
        http = Http(provider="P", base_url=server.url, proxy=Secret(proxy.url))
        async with http.get("/m/a%3A0/%7e?q=%2F"):
            pass

    (request,) = proxy.forwarded
    assert request.target == f"{server.url}/m/a%3A0/%7e?q=%2F"


async def test_the_base_and_the_path_are_joined_byte_for_byte() -> None:
    async with FaultServer(respond(200)) as server:
        http = Http(provider="P", base_url=f"{server.url}/v1%2Fx/")
        async with http.get("m%3A0//"):
            pass

    assert server.http_requests[0].target == "/v1%2Fx/m%3A0//"


@pytest.mark.parametrize("json", [{"q": "é"}, None])
async def test_a_signature_is_made_of_what_is_sent(json: object) -> None:
    given: list[UnsignedRequest] = []

    def sign(request: UnsignedRequest) -> dict[str, str | Secret]:
        given.append(request)
        return {"Authorization": Secret("signed"), "x-date": "now"}

    async with FaultServer(respond(200)) as server:
        http = Http(provider="P", base_url=server.url)
        send_it = http.get if json is None else partial(http.post, json=json)
        headers = {"Authorization": "not yet", "X-A": "b"}
        async with send_it("/a%3A0?b=%2F", headers=headers, sign=sign) as response:
            assert response.request_headers["Authorization"] == Secret("signed")

    (request,), (unsigned,) = server.http_requests, given
    assert request.values("Authorization") == ["signed"]
    assert request.values("X-Date") == ["now"]
    assert request.values("X-A") == ["b"]
    assert unsigned.method == request.method == ("GET" if json is None else "POST")
    assert unsigned.url == f"{server.url}/a%3A0?b=%2F"
    assert [unsigned.host] == request.values("Host")
    assert unsigned.target == request.target
    assert (unsigned.path, unsigned.query) == ("/a%3A0", "b=%2F")
    assert unsigned.headers == headers
    assert unsigned.body == request.body
    assert "é" not in repr(unsigned)


async def test_the_users_own_headers_are_signed_and_stay() -> None:
    given: list[UnsignedRequest] = []

    def sign(request: UnsignedRequest) -> dict[str, str | Secret]:
        given.append(request)
        return {"authorization": Secret("signed")}

    async with FaultServer(respond(200)) as server:
        http = Http(
            provider="P", base_url=server.url, headers={"Authorization": Secret("own")}
        )
        async with http.get("/", headers={"Authorization": "x"}, sign=sign):
            pass

    assert given[0].headers == {"Authorization": Secret("own")}
    assert server.http_requests[0].values("Authorization") == ["own"]


async def test_a_signature_with_a_secret_is_sent_to_no_other_origin() -> None:
    def sign(request: UnsignedRequest) -> dict[str, str | Secret]:
        return {"Authorization": Secret(KEY)}

    async with FaultServer(respond(200)) as server:
        http = Http(provider="P", base_url="http://h", headers={"X-Own": Secret("o")})
        with pytest.raises(ConfigError, match="its credential is for base_url"):
            async with http.get(f"{server.url}/", sign=sign):
                pytest.fail("it was sent")
    assert server.connections == []


async def test_a_request_that_is_sent_again_is_signed_again() -> None:
    signed: list[str] = []

    def sign(request: UnsignedRequest) -> dict[str, str | Secret]:
        signed.append(f"signature {len(signed)}")
        return {"X-Signature": signed[-1]}

    # The kept connection is found closed only once the second request is written.
    scripts = [[wait_request(), send(OK), wait_request(), rst()], respond(200)]
    async with FaultServer(*scripts) as server:
        http = Http(provider="P", base_url=server.url)
        for _ in range(2):
            async with http.post("/", json={}, sign=sign) as response:
                await response.finish(1.0)

    requests = [request.values("X-Signature") for request in server.http_requests]
    assert requests == [["signature 0"], ["signature 1"], ["signature 2"]]


async def test_an_error_shows_no_secret_of_a_signature() -> None:
    def sign(request: UnsignedRequest) -> dict[str, str | Secret]:
        return {"X-Signature": Secret(KEY), "Authorization": "canary-plain-0815"}

    said = f"bad key {KEY} canary-plain-0815".encode()
    async with FaultServer(respond(403, said), respond(200, b"ok")) as server:
        http = Http(provider="P", base_url=server.url)
        with pytest.raises(ProviderError) as caught:
            async with http.post("/", json={}, sign=sign):
                pytest.fail("it was answered")
        async with http.post("/", json={}, sign=sign) as response:
            error = http.error_from(said, response)

    for shown in (str(caught.value), str(error)):
        assert "bad key ***" in shown
        assert "canary" not in shown


@pytest.mark.parametrize(
    ("base_url", "url", "own"),
    [
        ("http://h", "http://h:80/x", True),
        ("https://h:443/v1", "https://H/x", True),
        ("https://h", "http://h/", False),
        ("https://h", "https://h:444/", False),
        ("https://h", "https://h.example/", False),
        ("https://h", "https://h@other/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(base_url: str, url: str, own: bool) -> None:
    assert Http(provider="P", base_url=base_url).place(url).own is own


def test_only_so_many_places_are_kept() -> None:
    http = Http(provider="P", base_url="http://h")
    for number in range(1000):
        assert str(http.place(f"/{number}").url) == f"http://h/{number}"

    assert len(http._places) <= 256  # pyright: ignore[reportPrivateUsage]


def test_a_client_does_not_show_its_proxy() -> None:
    http = Http(provider="P", proxy=Secret("http://me:canary@proxy"))

    assert "canary" not in repr(http)
    assert "canary" not in repr(http.place("http://h/"))


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")},
        {"a": float("-inf")},
        {"a": object()},
        {"a": b"canary\xff"},
    ],
)
async def test_what_cannot_be_written_as_json_is_refused(value: object) -> None:
    http = Http(provider="P", base_url="http://127.0.0.1:1")
    with pytest.raises(ArgumentError, match="cannot be written as JSON") as caught:
        async with http.post("/", json=value):
            pytest.fail("it was sent")

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ["NaN", "Infinity", "half a pair: \ud800"])
async def test_any_text_can_be_written_as_json(text: str) -> None:
    request = await sent(json={"a": text})

    assert request.json() == {"a": text}


async def test_a_body_that_goes_in_a_circle_is_refused() -> None:
    circle: list[object] = []
    circle.append(circle)
    http = Http(provider="P", base_url="http://127.0.0.1:1")
    with pytest.raises(ArgumentError):
        async with http.post("/", json=circle):
            pytest.fail("it was sent")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\x00b", "a\x7fb"])
async def test_a_header_with_control_characters_is_not_sent(value: str) -> None:
    async with FaultServer(respond(200)) as server:
        http = Http(provider="P", base_url=server.url)
        with pytest.raises(ConfigError, match="a header") as caught:
            async with http.post("/", headers={"X-Key": Secret(value)}):
                pytest.fail("it was sent")

    assert server.http_requests == []
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 429, 500])
async def test_a_refusal_has_its_class_over_a_socket(status: int) -> None:
    body = json.dumps({"error": {"message": "no", "code": "x"}}).encode()
    error = await failure_of(*respond(status, body, ("Retry-After", "7")))

    kinds = {400: InvalidRequestError, 429: RateLimitError, 500: ServerError}
    assert type(error) is kinds[status]
    assert isinstance(error, ProviderError)
    assert error.retry_after == 7.0
    assert error.details == {"codes": ["x"]}


async def test_a_providers_rules_reach_the_client() -> None:
    rules = [StatusRule(error=QuotaExceededError, statuses={418})]
    error = await failure_of(*respond(418), http={"status_rules": rules})

    assert type(error) is QuotaExceededError


async def test_the_keys_source_is_named() -> None:
    error = await failure_of(*respond(401), http={"key": "api_key or P_KEY"})

    assert "check api_key or P_KEY" in str(error)


@pytest.mark.parametrize("form", [KEY, f"Bearer {KEY}", KEY.lower(), KEY[:-4] + "..."])
@pytest.mark.parametrize("field", ["message", "code", "type"])
async def test_a_refusal_that_quotes_the_key_does_not_show_it(
    form: str, field: str
) -> None:  # E21
    body = json.dumps({"error": {"message": "no", field: form}}).encode()
    request_id = ("X-Request-Id", form)
    error = await failure_of(*respond(401, body, request_id))

    shown = f"{error}{error!r}{vars(error)}"
    assert KEY not in shown
    assert KEY[:-4] not in shown or (field, form) == ("message", KEY.lower())
    assert "key-0815" not in shown or (field, form) == ("message", KEY.lower())


@pytest.mark.parametrize("form", ["json", "html", "text"])
async def test_a_refusal_that_quotes_the_prompt_does_not_show_it(form: str) -> None:
    prompt = "A question that stays private."
    said = f"bad request: {prompt} is not allowed"
    body = {
        "json": json.dumps({"error": {"message": said}}),
        "html": f"<title>{said}</title>",
        "text": said,
    }[form].encode()
    messages = [{"role": "user", "content": [{"type": "text", "text": prompt}]}]
    error = await failure_of(*respond(400, body), json={"messages": messages, "n": 1})

    assert "bad request: … is not allowed" in str(error)
    assert "private" not in f"{error}{error!r}{vars(error)}"


async def test_a_refusal_that_quotes_a_text_with_another_in_it_shows_neither() -> None:
    texts = ["A question that stays private.", "A question that stays private. Truly!"]
    for asked in (texts, texts[::-1]):
        error = await failure_of(
            *respond(400, f"bad request: {texts[1]}".encode()), json={"texts": asked}
        )

        assert str(error).endswith("bad request: …")


async def test_an_error_inside_of_an_answer_is_classified_as_a_refusal_is() -> None:
    prompt = "A question that stays private."
    said = {"error": {"message": f"{prompt} {KEY} is too long", "code": 400}}
    headers = {"Authorization": Secret(f"Bearer {KEY}")}
    async with FaultServer(respond(200, b"ok", ("X-Request-Id", "r"))) as server:
        http = Http(provider="P", base_url=server.url)
        async with http.post("/", json={"q": prompt}, headers=headers) as response:
            error = http.error_from(
                json.dumps(said).encode(), response, json={"q": prompt}
            )

    assert isinstance(error, InvalidRequestError)
    assert str(error) == "P rejected the request (status 400): … *** is too long"
    assert (error.provider, error.status_code, error.request_id) == ("P", 400, "r")


async def test_a_long_refusal_is_read_in_part() -> None:  # E19
    head = response_head(500, CHUNKED)
    script = [wait_request(), send(head), forever(chunk(b"x" * 65536))]
    async with asyncio.timeout(60):
        error = await failure_of(*script)

    assert isinstance(error, ServerError)
    assert len(str(error)) < 700


async def test_a_slow_refusal_is_read_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # E20
    monkeypatch.setattr("turnout.http._errors._SECONDS", 0.1)
    head = response_head(500, CHUNKED)
    script = [wait_request(), send(head), forever(chunk(b"x"), sleep(0.01))]
    error = await failure_of(*script)

    assert isinstance(error, ServerError)
    assert ": xx" in str(error)


async def test_a_refusal_closes_the_connection_where_it_was_not_read() -> None:
    head = response_head(500, CHUNKED)
    async with FaultServer(
        [wait_request(), send(head), forever(chunk(b"x" * 65536))]
    ) as server:
        with pytest.raises(ServerError):
            async with Http(provider="P", base_url=server.url).post("/"):
                pytest.fail("it was answered")
        await server.connections[0].wait_peer_closed()


async def test_a_refusal_that_was_read_keeps_the_connection() -> None:
    async with FaultServer([*respond(500, b"no"), *respond(200, b"ok")]) as server:
        http = Http(provider="P", base_url=server.url)
        with pytest.raises(ServerError):
            async with http.post("/"):
                pytest.fail("it was answered")
        async with http.post("/"):
            pass

    assert len(server.connections) == 1


async def test_a_proxy_that_wants_a_password_is_the_way_that_failed() -> None:
    async with ForwardProxy(credentials=("me", "right")) as proxy:
        wrong = proxy.url.replace("://", "://me:canary-pass@")
        http = Http(provider="P", base_url="http://hidden.example", proxy=Secret(wrong))
        with pytest.raises(ConnectError, match="proxy") as caught:
            async with http.post("/"):
                pytest.fail("it was answered")

    assert "canary" not in f"{caught.value}{vars(caught.value)}"


async def test_a_status_407_without_a_proxy_is_the_servers() -> None:
    assert isinstance(await failure_of(*respond(407)), InvalidRequestError)


async def test_cancelling_while_a_refusal_is_read_closes_the_connection() -> None:
    head = response_head(500, CHUNKED)
    async with FaultServer([wait_request(), send(head), sleep(60)]) as server:
        http = Http(provider="P", base_url=server.url)

        async def ask() -> None:
            async with http.post("/"):
                pytest.fail("it was answered")

        asking = asyncio.create_task(ask())
        await server.wait_for(lambda: len(server.http_requests) == 1)
        await asyncio.sleep(0.01)  # The head arrives in most runs.
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await server.connections[0].wait_peer_closed()


def masked(text: str) -> str:
    return text[:-4] + "****"


PRIVATE = "What is my secret question about?"

REFUSED = json.dumps({"error": {"message": f"no: {PRIVATE} canary-form-0815 it is"}})


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"messages": [{"role": "user", "content": PRIVATE}]}},
        {"data": PRIVATE.encode()},
        {"data": json.dumps({"q": [PRIVATE]}).encode()},
        {"data": b"{" + PRIVATE.encode()},
        {"data": urlencode({"q": PRIVATE, "r": "x"}).encode()},
        {"data": urlencode({"q" * 5: PRIVATE, "r": "x"}).encode() + b"&a=b" * 2000},
        {"data": b"\xff" * (1 << 20) + PRIVATE.encode()},
    ],
)
async def test_a_refusal_shows_no_text_of_any_body(body: dict[str, Any]) -> None:
    async with FaultServer(respond(400, REFUSED.encode())) as server:
        http = Http(provider="P", base_url=server.url)
        with pytest.raises(InvalidRequestError) as caught:
            async with http.post("/", **body):
                pytest.fail("it was answered")

    assert "no: \u2026" in str(caught.value)
    assert "question" not in str(caught.value)


@pytest.mark.parametrize(
    "request_",
    [
        {"data": urlencode({"client_secret": "canary-form-0815"}).encode()},
        {"data": b"grant_type=password&password=canary-form-0815&username=me"},
        {"json": {"refresh_token": "canary-form-0815"}},
        {"json": {"auth": {"assertion": "canary-form-0815"}}},
        {"data": b"x", "secrets": [Secret("canary-form-0815")]},
        {"data": b"x", "headers": {"X-Api-Key": "canary-form-0815"}},
    ],
)
@pytest.mark.parametrize("form", [str, str.upper, masked])
async def test_a_refusal_shows_no_secret_of_any_body(
    request_: dict[str, Any], form: Callable[[str], str]
) -> None:
    body = json.dumps({"message": f"{form('canary-form-0815')} is wrong"}).encode()
    async with FaultServer(respond(400, body)) as server:
        http = Http(provider="P", base_url=server.url)
        with pytest.raises(InvalidRequestError) as caught:
            async with http.post("/", **request_):
                pytest.fail("it was answered")

    assert "*** is wrong" in str(caught.value)


async def test_a_get_names_secrets_too() -> None:
    body = json.dumps({"message": "canary-form-0815 is wrong"}).encode()
    async with FaultServer(respond(400, body)) as server:
        http = Http(provider="P", base_url=server.url)
        with pytest.raises(InvalidRequestError, match=r"\*\*\* is wrong"):
            async with http.get("/", secrets=[Secret("canary-form-0815")]):
                pytest.fail("it was answered")


async def test_an_error_inside_an_answer_shows_nothing_of_a_form_either() -> None:
    async with FaultServer(respond(200, b"ok")) as server:
        http = Http(provider="P", base_url=server.url)
        form = urlencode({"q": PRIVATE, "client_secret": "canary-form-0815"}).encode()
        async with http.post("/", data=form) as response:
            error = http.error_from(REFUSED.encode(), response, data=form)

    assert str(error).endswith("no: \u2026 *** it is")


async def test_the_model_and_types_of_a_request_may_be_quoted() -> None:
    said = "the model 'a-model-of-mine-2' takes no 'input_image_url'"
    content = [{"type": "input_image_url", "text": PRIVATE}]
    error = await failure_of(
        *respond(400, said.encode()),
        json={"model": "a-model-of-mine-2", "content": content},
    )

    assert said in str(error)


@pytest.mark.parametrize("body", ["json", "text", "page", "page-without-end"])
async def test_a_secret_at_the_cut_of_a_long_refusal_is_not_shown(body: str) -> None:
    said = {
        # What is shown is shorter than what is read, so that the cut is shown.
        "json": json.dumps({"message": f"{PRIVATE * 50} {'x ' * 198}{KEY} " * 3}),
        "text": f"{PRIVATE * 50} {'x ' * 198}{KEY} " * 3,
        "page": f"<title>{PRIVATE * 50} {'x ' * 198}{KEY} </title>",
        "page-without-end": f"<html><TITLE a='b'>{PRIVATE * 50} {'x ' * 198}{KEY} ",
    }[body]
    shown: set[str] = set()
    for more in range(20):
        content = PRIVATE + "y" * more
        error = await failure_of(
            *respond(400, said.replace("x ", "x " + "z" * more, 1).encode()),
            json={"content": content},
        )
        shown.add(str(error))

    assert not any("canary" in text for text in shown)
    assert any("\u2026" in text for text in shown)


async def test_only_some_codes_of_a_refusal_are_kept() -> None:
    body = json.dumps([{"code": f"code-{n:02}"} for n in range(100)]).encode()

    error = await failure_of(*respond(400, body))

    assert isinstance(error, ProviderError)
    assert error.details["codes"] == [f"code-{n:02}" for n in range(16)]


async def test_a_proxy_that_wants_a_password_is_not_asked_again() -> None:
    async with FaultServer(respond(407)) as server:
        http = Http(
            provider="P",
            base_url="http://service.example",
            proxy=Secret(server.url),
        )
        with pytest.raises(ConnectError, match="put a user name") as caught:
            async with http.post("/", data=b"x"):
                pytest.fail("it was answered")

    assert not caught.value.retryable
