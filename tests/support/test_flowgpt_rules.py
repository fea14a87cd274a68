from __future__ import annotations

import hashlib
import json

import pytest

from .flowgpt_asking import (
    BODY,
    NOW,
    Asking,
    ask,
    body,
    service,
    text_of,
    without,
)
from .flowgpt_rules import GREETING, HEADERS, MODELS, PATH, Refusal, Rules
from .flowgpt_server import (
    PIECES,
)

WRONG_VALUES: list[tuple[str, object]] = [
    ("nsfw", True),
    ("nsfw", 0),
    ("generateImage", None),
    ("generateAudio", "false"),
    ("documentIds", ["a"]),
    ("documentIds", None),
    ("chatFileDocumentIds", {}),
    ("question", None),
    ("question", ["Why?"]),
    ("system", ""),
    ("system", None),
    ("temperature", "0.7"),
    ("temperature", True),
    ("temperature", None),
]
WRONG_HISTORIES: list[tuple[object, str]] = [
    ([], "begin with the greeting"),
    (None, "begin with the greeting"),
    ([{"role": "user", "content": "Hi"}], "begin with the greeting"),
    ([{**GREETING, "content": "Hello"}], "begin with the greeting"),
    ([GREETING, {"role": "system", "content": "x"}], "holds a system message"),
    ([GREETING, {"role": "user"}], "history holds"),
    ([GREETING, {"role": "user", "content": None}], "history holds"),
    ([GREETING, {"role": "user", "content": "x", "name": 7}], "history holds"),
    ([GREETING, {"role": "user", "content": "x", "id": "y"}], "history holds"),
    ([GREETING, "Hi"], "not an object"),
]


async def test_a_good_request_is_answered_and_logged() -> None:
    async with service() as server:
        status, answer = await ask(server)

    assert (status, text_of(answer)) == (200, "".join(PIECES))
    assert server.refusals == []
    (request,) = server.requests
    assert request.body == BODY
    assert request.header("X-NONCE") == Asking.nonce


async def test_the_vector_of_the_description_is_a_good_signature() -> None:
    asking = Asking(signature="14364f59379955fd3332f08d295b5712")
    async with service() as server:
        assert (await ask(server, asking))[0] == 200


@pytest.mark.parametrize(
    "asking",
    [
        *(
            pytest.param(
                Asking(body=body(model=model, promptId=f"model-{model}")), id=model
            )
            for model in MODELS
        ),
        pytest.param(Asking(body=body(temperature=0)), id="integer-temperature"),
        pytest.param(
            Asking(
                body=body(
                    history=[
                        GREETING,
                        {"role": "user", "content": "Hi"},
                        {"role": "assistant", "content": ""},
                    ]
                )
            ),
            id="history",
        ),
        pytest.param(Asking(timestamp=str(NOW - 60)), id="a-minute-old"),
        pytest.param(Asking(timestamp=str(NOW + 60)), id="a-minute-early"),
        pytest.param(
            Asking(changed={"Accept-Encoding": "identity, br;q=0"}), id="no-brotli"
        ),
        pytest.param(
            Asking(
                changed={
                    "User-Agent": "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:122.0) "
                    "Gecko/20100101 Firefox/122.0"
                }
            ),
            id="firefox-on-linux",
        ),
    ],
)
async def test_what_the_rules_leave_open_is_taken(asking: Asking) -> None:
    async with service() as server:
        status, _ = await ask(server, asking)

    assert (status, server.refusals) == (200, [])


@pytest.mark.parametrize(
    ("asking", "status", "reason"),
    [
        pytest.param(Asking(target="/v3/chat"), 404, "no such path", id="path"),
        pytest.param(Asking(target=f"{PATH}?a=b"), 404, "no such path", id="query"),
        pytest.param(Asking(method="PUT"), 405, "method 'PUT'", id="method"),
        *(
            pytest.param(Asking(dropped=name), 400, f"{name} is []", id=f"no-{name}")
            for name in HEADERS
        ),
        *(
            pytest.param(
                Asking(changed={name: "x"}), 400, f"{name} is ['x']", id=f"other-{name}"
            )
            for name in HEADERS
        ),
        pytest.param(
            Asking(added=[("TE", "trailers")]), 400, "TE is", id="a-header-twice"
        ),
        pytest.param(
            Asking(changed={"User-Agent": "Python/3.11 aiohttp/3.14.5"}),
            400,
            "not a desktop Firefox",
            id="library-agent",
        ),
        pytest.param(
            Asking(
                changed={
                    "User-Agent": "Mozilla/5.0 (Android 13; Mobile; rv:133.0) "
                    "Gecko/133.0 Firefox/133.0"
                }
            ),
            400,
            "not a desktop Firefox",
            id="mobile-agent",
        ),
        pytest.param(
            Asking(dropped="User-Agent"), 400, "not a desktop Firefox", id="no-agent"
        ),
        pytest.param(
            Asking(changed={"Accept-Encoding": "gzip, br"}), 400, "'br'", id="brotli"
        ),
        pytest.param(
            Asking(changed={"Accept-Encoding": "*"}), 400, "'*'", id="any-encoding"
        ),
        pytest.param(
            Asking(dropped="Accept-Encoding"),
            400,
            "Accept-Encoding is missing",
            id="no-encoding",
        ),
        pytest.param(
            Asking(added=[("Proxy-Authorization", "Basic x")]),
            400,
            "past the proxy",
            id="proxy-credentials",
        ),
        *(
            pytest.param(
                Asking(changed={"x-flow-device-id": value}),
                400,
                "x-flow-device-id",
                id=f"device-id-{value}",
            )
            for value in (
                "f-abcdefghij01234567",
                "f-abcdefghij0123456789",
                "f-ABCDEFGHIJ012345678",
                "g-abcdefghij012345678",
            )
        ),
        pytest.param(
            Asking(dropped="x-flow-device-id"), 400, "x-flow-device-id", id="no-device"
        ),
        *(
            pytest.param(Asking(dropped=name), 401, "once each", id=f"no-{name}")
            for name in ("x-timestamp", "x-nonce", "Authorization", "x-signature")
        ),
        pytest.param(
            Asking(added=[("x-nonce", "0" * 32)]), 401, "once each", id="two-nonces"
        ),
        pytest.param(Asking(timestamp=str(NOW - 61)), 401, "-61 s off", id="old"),
        pytest.param(Asking(timestamp=str(NOW + 61)), 401, "+61 s off", id="future"),
        pytest.param(Asking(timestamp=f"{NOW}000"), 401, " s off", id="milliseconds"),
        *(
            pytest.param(Asking(timestamp=value), 401, "x-timestamp is", id=value)
            for value in (f"{NOW}.5", f"+{NOW}", f"0{NOW}", hex(NOW), "now")
        ),
        *(
            pytest.param(Asking(nonce=value), 401, "x-nonce is", id=f"nonce-{value}")
            for value in (
                "0123456789ABCDEF0123456789ABCDEF",
                "0123456789abcdef0123456789abcde",
                "0123456789abcdef0123456789abcdef0",
                "01234567-89ab-cdef-0123-456789abcdef",
                "g123456789abcdef0123456789abcdef",
            )
        ),
        pytest.param(
            Asking(authorization="Bearer token"), 401, "not the caller's", id="token"
        ),
        pytest.param(
            Asking(authorization="null"), 401, "not the caller's", id="no-bearer"
        ),
        pytest.param(
            Asking(signature="14364F59379955FD3332F08D295B5712"),
            401,
            "x-signature",
            id="upper-case-signature",
        ),
        pytest.param(
            Asking(
                signature=hashlib.md5(
                    b"1700000000-0123456789abcdef0123456789abcdef-null"
                ).hexdigest()
            ),
            401,
            "x-signature",
            id="signature-without-bearer",
        ),
        pytest.param(Asking(body=b"{"), 422, "not one JSON object", id="not-json"),
        pytest.param(Asking(body=b"[]"), 422, "it is a list", id="not-an-object"),
        pytest.param(Asking(body=b""), 422, "not one JSON object", id="no-body"),
        pytest.param(Asking(body=b"\xff"), 422, "not one JSON", id="not-utf-8"),
        pytest.param(
            Asking(body=json.dumps(body(temperature=float("nan"))).encode()),
            422,
            "NaN is not JSON",
            id="nan",
        ),
        pytest.param(
            Asking(body=json.dumps(BODY).encode()[:-1] + b',"nsfw": false}'),
            422,
            "occurs twice",
            id="a-key-twice",
        ),
        *(
            pytest.param(
                Asking(body=without(key)), 422, f"'{key}' is missing", id=f"no-{key}"
            )
            for key in BODY
        ),
        pytest.param(
            Asking(body=body(seed=1)), 422, "'seed' is unknown", id="unknown-key"
        ),
        pytest.param(
            Asking(body=body(model="gemini", promptId="model-gemini")),
            404,
            "no such model: 'gemini'",
            id="alias",
        ),
        pytest.param(
            Asking(body=body(promptId="model-gpt-4-turbo")),
            422,
            "promptId",
            id="prompt",
        ),
        *(
            pytest.param(
                Asking(body=body(**{key: value})), 422, f"{key} is", id=f"{key}-{value}"
            )
            for key, value in WRONG_VALUES
        ),
        pytest.param(
            Asking(body=json.dumps(BODY).replace("0.7", "1e999").encode()),
            422,
            "temperature is inf",
            id="temperature-infinite",
        ),
        *(
            pytest.param(
                Asking(body=body(history=value)), 422, reason, id=f"history-{number}"
            )
            for number, (value, reason) in enumerate(WRONG_HISTORIES)
        ),
    ],
)
async def test_each_rule_refuses_what_breaks_it(
    asking: Asking, status: int, reason: str
) -> None:
    async with service() as server:
        answered, answer = await ask(server, asking)

    assert answered == status
    assert reason in json.loads(answer)["error"]["message"]
    assert server.requests == []
    (refusal,) = server.refusals
    assert refusal.status == status
    assert reason in refusal.reason


async def test_a_nonce_is_good_once() -> None:
    async with service() as server:
        first = await ask(server)
        again = await ask(server)
        other = await ask(server, Asking(nonce="f" * 32))

    assert [first[0], again[0], other[0]] == [200, 401, 200]
    assert server.refusals == [
        Refusal(401, f"x-nonce {Asking.nonce!r} was used before")
    ]


async def test_a_token_is_asked_for_where_the_rules_have_one() -> None:
    async with service(rules=Rules(token="secret")) as server:
        statuses = [
            (await ask(server, Asking(nonce=nonce * 32, authorization=value)))[0]
            for nonce, value in (("a", "Bearer secret"), ("b", "Bearer null"))
        ]

    assert statuses == [200, 401]


async def test_extra_keys_are_wanted_where_the_rules_name_them() -> None:
    async with service(rules=Rules(extra_keys=("seed",))) as server:
        with_it = await ask(server, Asking(body=body(seed=7)))
        without_it = await ask(server, Asking(nonce="f" * 32))

    assert [with_it[0], without_it[0]] == [200, 422]
    assert server.requests[0].body["seed"] == 7


async def test_a_request_that_breaks_many_rules_is_told_all_of_them() -> None:
    asking = Asking(dropped="TE", timestamp="1", body=body(nsfw=True))
    async with service() as server:
        status, _ = await ask(server, asking)

    assert status == 400
    assert [refusal.status for refusal in server.refusals] == [400, 401, 422]
