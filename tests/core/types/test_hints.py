"""What to write for options that other libraries have."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

import turnout
from turnout._names import nearest
from turnout.errors import ConfigError
from turnout.provider import ProviderOptions
from turnout.testing import FakeProvider
from turnout.types import RequestOptions
from turnout.types._hints import (
    BODY_FIELDS,
    hint_for_policy,
    hint_for_provider,
    hint_for_request,
)

OF_PROVIDERS = {field.name for field in fields(ProviderOptions)}
OF_POLICIES = {field.name for field in fields(turnout.Policy)}
OF_REQUESTS = set(RequestOptions.__annotations__)


@pytest.mark.parametrize("name", sorted(OF_PROVIDERS - OF_REQUESTS))
def test_a_request_names_the_options_of_providers(name: str) -> None:
    assert f"get_provider(..., {name}=...)" in (hint_for_request(name) or "")


@pytest.mark.parametrize("name", sorted(OF_PROVIDERS - OF_REQUESTS - OF_POLICIES))
def test_a_policy_names_the_options_of_providers(name: str) -> None:
    assert f"get_provider(..., {name}=...)" in (hint_for_policy(name) or "")


@pytest.mark.parametrize("name", sorted(OF_POLICIES - OF_REQUESTS - OF_PROVIDERS))
def test_a_request_names_the_fields_of_policies(name: str) -> None:
    assert f"fallback(..., {name}=...)" in (hint_for_request(name) or "")


@pytest.mark.parametrize("name", sorted(OF_REQUESTS - OF_PROVIDERS - {"model"}))
def test_a_provider_and_a_policy_name_the_options_of_requests(name: str) -> None:
    assert f"stream('Hi', {name}=...)" in (hint_for_provider(name) or "")
    if name not in OF_POLICIES:
        assert f"stream('Hi', {name}=...)" in (hint_for_policy(name) or "")


def test_what_is_known_needs_no_hint() -> None:
    assert not any(map(hint_for_request, OF_REQUESTS))
    assert not any(map(hint_for_provider, OF_PROVIDERS))
    assert hint_for_request("nonsense") is None


@pytest.mark.parametrize("name", sorted(BODY_FIELDS))
def test_fields_of_services_are_listed_if_they_look_like_an_option(name: str) -> None:
    assert nearest(name, OF_REQUESTS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"timeout": 5},
            "option of provider 'Fake': unknown option 'timeout'; use "
            "deadline=<seconds> for a whole request; connect_timeout, "
            "first_delta_timeout, idle_timeout and stall_timeout limit one wait each",
        ),
        (
            {"api_base": "x"},
            "option of provider 'Fake': unknown option 'api_base'; use base_url",
        ),
        (
            {"model": "a"},
            "option of provider 'Fake': unknown option 'model'; give it to each "
            "request, as in stream('Hi', model=...), or use "
            "get_provider(...).target('model')",
        ),
    ],
)
def test_a_provider_says_what_to_write(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        FakeProvider("a", **options)

    assert str(caught.value) == words


def test_a_route_says_what_to_write() -> None:
    with pytest.raises(ConfigError) as caught:
        turnout.fallback(FakeProvider("a"), max_retries=3)  # type: ignore[call-arg]

    assert str(caught.value) == (
        "policy of a route: unknown option 'max_retries'; use max_attempts"
    )
