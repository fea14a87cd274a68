"""A provider's own rules for refusals, in the forms that type checkers accept.

mypy and pyright read this file too: none of the classes needs an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from turnout import Provider
from turnout.errors import InvalidRequestError, OverloadedError, ProviderError
from turnout.http import StatusRule
from turnout.testing import FakeProvider, FaultServer, respond
from turnout_anthropic import Anthropic
from turnout_openai import OpenAI

LOUD = StatusRule(error=OverloadedError, codes={"too_loud"})


class AsAttribute(OpenAI):
    status_rules = (LOUD,)


class AsTyped(OpenAI):
    status_rules: Sequence[StatusRule] = (LOUD,)


class AsProperty(OpenAI):
    @property
    def status_rules(self) -> Sequence[StatusRule]:
        return (LOUD, *super().status_rules)


class AsAttributeOfAnother(Anthropic):
    status_rules = [LOUD]  # noqa: RUF012 - It is read alone.


class AsPropertyOfAProperty(AsProperty):
    @property
    def status_rules(self) -> Sequence[StatusRule]:
        return (*super().status_rules, LOUD)


class OnInstances(Anthropic):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.status_rules = (LOUD,)


class OfAnyProvider(FakeProvider):
    status_rules = (LOUD,)


PROVIDERS: list[type[Provider]] = [
    AsAttribute,
    AsTyped,
    AsProperty,
    AsAttributeOfAnother,
    AsPropertyOfAProperty,
    OnInstances,
]


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_rules_of_its_own_come_first(kind: type[Provider]) -> None:
    script = respond(400, b'{"error":{"message":"no","code":"too_loud"}}')
    async with FaultServer(script) as server:
        async with kind(base_url=server.url, api_key="k") as provider:
            with pytest.raises(ProviderError) as caught:
                await provider.complete("Why?", model="m", max_tokens=9)

    assert type(caught.value) is OverloadedError


def test_a_provider_has_none_if_it_says_nothing() -> None:
    assert FakeProvider().status_rules == ()
    assert list(FakeProvider().refusal_rules()) == []
    assert list(OfAnyProvider().refusal_rules()) == [LOUD]


def test_those_of_a_vendor_come_after_its_own() -> None:
    vendor = AsAttribute(vendor="Together", api_key="k")

    first, *others = vendor.refusal_rules()

    assert first is LOUD
    assert others == list(OpenAI(vendor="Together", api_key="k").refusal_rules())
    assert others


def test_a_rule_says_what_it_is_about() -> None:
    rule = StatusRule(
        error=InvalidRequestError, phrases=("no * today",), service="P", source="p.dev"
    )

    assert (rule.service, rule.source) == ("P", "p.dev")
