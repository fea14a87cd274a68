"""Each service's refusals have the class that the service means."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from turnout import Provider, get_provider
from turnout.errors import (
    InvalidRequestError,
    ProviderError,
    QuotaExceededError,
    ServerError,
    StreamError,
)
from turnout.http import STATUS_RULES, Refusal, StatusRule
from turnout.http._errors import classify
from turnout.http._refusal_codes import CODES
from turnout.http._refusal_phrases import PHRASES
from turnout.testing import FaultServer, respond, respond_in_chunks
from turnout.testing._slicing import by_size
from turnout_openai._vendors import VENDORS

from .refusals import Refused, Table
from .refusals.false_friends import FALSE_FRIENDS
from .refusals.general import GENERAL
from .refusals.of_hosts import HOSTS
from .refusals.of_labs import LABS
from .refusals.of_servers import SERVERS
from .refusals.variations import VARIATIONS

TABLES: Sequence[Table] = (LABS, HOSTS, SERVERS, VARIATIONS, FALSE_FRIENDS, GENERAL)

NAMES = {vendor.name for vendor in VENDORS}
"""The others are asked at an address of which nothing is known."""

PROTOCOLS = {
    "Anthropic": "Anthropic",
    "Gemini": "Gemini",
    "Ollama": "Ollama",
    "Ollama by Anthropic": "Anthropic",
}


def provider(service: str, base_url: str = "http://127.0.0.1:9/v1") -> Provider:
    """Return what asks a service."""
    options: dict[str, Any] = {"base_url": base_url, "api_key": "k"}
    if service in NAMES:
        options["vendor"] = service
    return get_provider(PROTOCOLS.get(service, "OpenAI"), **options)


def written(body: object) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def each() -> Iterator[Any]:
    for service, refusals in chain.from_iterable(table.items() for table in TABLES):
        for index, refused in enumerate(refusals):
            name = f"{service}-{index}-{refused.error.__name__}"
            yield pytest.param(service, refused, id=name)


EVERY = list(each())


@pytest.mark.parametrize(("service", "refused"), EVERY)
def test_a_refusal_is_what_the_service_means(service: str, refused: Refused) -> None:
    refusal = Refusal.read(refused.status, {}, written(refused.body))
    error = classify(
        refusal,
        provider(service).refusal_rules(),
        provider=service,
        key="KEY",
        reason=refusal.reason,
        details={},
    )

    assert type(error) is refused.error, refusal.words
    assert refused.source


@pytest.mark.parametrize(
    ("service", "refusals"),
    [item for table in TABLES for item in table.items()],
)
async def test_a_caller_gets_the_error(
    service: str, refusals: Sequence[Refused]
) -> None:
    json_ = ("Content-Type", "application/json")
    scripts = [respond(one.status, written(one.body), json_) for one in refusals]
    async with FaultServer(*scripts, keep_alive=True) as server:
        async with provider(service, f"{server.url}/v1") as asked:
            for refused in refusals:
                with pytest.raises(ProviderError) as caught:
                    await asked.complete("Why?", model="m", max_tokens=9)
                assert type(caught.value) is refused.error
                assert caught.value.provider == asked.info.name

    # A provider alone asks nothing twice.
    assert len(server.http_requests) == len(refusals)


QUOTED = "Why does it say 'insufficient balance'? The prompt is too long."


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (f"Invalid content: '{QUOTED}'", InvalidRequestError),
        (f'Invalid content: "{QUOTED[:50]}..."', InvalidRequestError),
        (f"Wrong: `{QUOTED}`, again: `{QUOTED[:40]}`", InvalidRequestError),
        ("Wrong: 'short'", InvalidRequestError),
        (f"insufficient balance for '{QUOTED}'", QuotaExceededError),
        # Not in quotation marks.
        ("insufficient balance", QuotaExceededError),
        # Another's words.
        ("upstream said: 'insufficient balance'", QuotaExceededError),
    ],
)
async def test_a_quote_of_the_prompt_says_nothing(
    message: str, expected: type[ProviderError]
) -> None:
    json_ = ("Content-Type", "application/json")
    script = respond(400, json.dumps({"error": {"message": message}}).encode(), json_)
    async with FaultServer(script) as server:
        async with provider("any", f"{server.url}/v1") as asked:
            with pytest.raises(ProviderError) as caught:
                await asked.complete(QUOTED, model="m")

    assert type(caught.value) is expected


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_an_error_after_some_text_has_its_class_too(size: int) -> None:
    text = {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}
    error = {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "no"}}
    events = [b"data: %s\n\n" % json.dumps(one).encode() for one in (text, error)]
    stream = ("Content-Type", "text/event-stream")
    script = respond_in_chunks(by_size(size)(b"".join(events)), stream)
    async with FaultServer(script) as server:
        async with provider("MiniMax", f"{server.url}/v1") as asked:
            with pytest.raises(QuotaExceededError) as caught:
                await asked.complete("Why?", model="m")

    assert caught.value.reply is not None
    assert caught.value.reply.text == "Hel"


@pytest.mark.parametrize("end", ["\n\n", "\n\ndata: [DONE]\n\n", ""])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"error":{"code":500,"message":"failed to decode"}}', ServerError),
        (
            '{"code":500,"message":"failed to decode","type":"server_error"}',
            ServerError,
        ),
        ("failed to decode", StreamError),
        ('{"code":400,"message":"failed to decode","type":"x"}', InvalidRequestError),
    ],
)
@pytest.mark.parametrize("service", ["llama.cpp", "Anthropic", "Gemini"])
async def test_an_error_in_a_field_of_its_own_has_its_words(
    service: str, value: str, expected: type[ProviderError], end: str
) -> None:
    stream = ("Content-Type", "text/event-stream")
    script = respond(200, f"error: {value}{end}".encode(), stream)
    async with FaultServer(script) as server:
        async with provider(service, f"{server.url}/v1") as asked:
            with pytest.raises(ProviderError, match="failed to decode") as caught:
                await asked.complete("Why?", model="m", max_tokens=9)

    assert type(caught.value) is expected


def test_the_table_is_loaded_with_the_first_refusal() -> None:
    program = (
        "import sys, turnout.http._client\n"
        "from turnout import get_provider\n"
        "get_provider('OpenAI', vendor='Together', api_key='k').refusal_rules()\n"
        "print([name for name in sys.modules if '_refusal' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )

    assert done.stdout == "[]\n"


def test_each_service_with_a_row_has_a_table() -> None:
    services = {service for table in TABLES for service in table}

    assert {*NAMES, "OpenAI", "Anthropic", "Gemini", "Ollama"} <= services
    assert len(EVERY) > 350


REFUSALS = [
    Refusal.read(refused.status, {}, written(refused.body))
    for table in TABLES
    for refused in chain.from_iterable(table.values())
]

ROWS = [*CODES, *PHRASES]


@pytest.mark.parametrize("rule", [row for row in ROWS if not row.hinted])
def test_a_row_is_about_some_refusal(rule: StatusRule) -> None:
    assert any(rule.matches(refusal) for refusal in REFUSALS)


@pytest.mark.parametrize(
    ("rule", "code"),
    [(row, code) for row in CODES if not row.phrases for code in sorted(row.codes)],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_code_decides(rule: StatusRule, code: str, inside: bool) -> None:
    status = 200 if inside else max(rule.statuses, default=400)
    refusal = Refusal(status=status, headers={}, text="", codes=frozenset({code}))
    error = classify(refusal, (), provider="P", key="K", reason="", details={})

    assert type(error) is rule.error


def test_every_row_says_whose_it_is_and_where_that_is_read() -> None:
    for rule in (*CODES, *PHRASES):
        assert rule.service
        assert rule.source
        assert rule.codes or rule.phrases or rule.patterns or rule.hinted


def test_the_documented_services_are_those_of_the_rows() -> None:
    page = Path(__file__).parents[3].joinpath("docs", "errors.md").read_text("utf-8")
    listed = page.partition("reports about:\n\n")[2].partition(".\n\n")[0]
    services = {
        name
        for rule in (*CODES, *PHRASES)
        for name in rule.service.split(", ")
        if name not in {"any", "in Chinese"}
    }

    assert set(" ".join(listed.split()).split(", ")) == services


def test_rows_are_compared_in_lower_case() -> None:
    for rule in STATUS_RULES:
        for text in (*rule.codes, *rule.phrases):
            assert text == text.lower()
            assert text == text.strip() != ""


def test_every_phrase_stands_in_a_class_of_its_own() -> None:
    found: dict[str, type[ProviderError]] = {}
    for rule in PHRASES:
        for phrase in rule.phrases:
            assert phrase not in found
            found[phrase] = rule.error
