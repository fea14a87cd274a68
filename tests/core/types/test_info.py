"""What providers say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.errors import PluginError
from turnout.types import Capabilities, ModelInfo, ProviderInfo


def test_a_provider_needs_no_more_than_a_name() -> None:
    info = ProviderInfo(name="Hello")

    assert info.first_model == ""
    assert info.model_infos == ()
    assert info.working
    assert not info.in_process


def test_models_are_names_or_descriptions() -> None:
    big = ModelInfo(name="big", context_window=8192)
    info = ProviderInfo(name="Hello", models=("small", big))

    assert info.model_infos == (ModelInfo(name="small"), big)


@pytest.mark.parametrize(
    ("info", "first"),
    [
        (ProviderInfo(name="A", models=("one", "two")), "one"),
        (ProviderInfo(name="A", models=(ModelInfo(name="one"), "two")), "one"),
        (ProviderInfo(name="A", models=("one", "two"), default_model="two"), "two"),
        (ProviderInfo(name="A", default_model="any", open_models=True), "any"),
    ],
)
def test_the_default_model_is_the_one_that_is_named_or_the_first(
    info: ProviderInfo, first: str
) -> None:
    assert info.first_model == first


@pytest.mark.parametrize("name", ["", " ", "-_ ", "a:b", "a\nb", "a\x00", None])
def test_a_name_that_cannot_be_asked_for_is_refused(name: Any) -> None:
    with pytest.raises(PluginError, match="cannot name a provider") as caught:
        ProviderInfo(name=name)

    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["FlowGpt", "Open AI", "o_1", "ünïcode", "4o"])
def test_a_name_may_have_any_other_characters(name: str) -> None:
    assert ProviderInfo(name=name).name == name


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param(
            {"models": "hello-1"},
            "provider 'Hello' has a str for models; use a tuple, as in (\"one\",)",
            id="a forgotten comma",
        ),
        pytest.param(
            {"models": None},
            "provider 'Hello' has a NoneType for models; use a tuple, as in (\"one\",)",
            id="no models",
        ),
        pytest.param(
            {"models": ("a", 5)},
            "provider 'Hello' has 5 for a model; use a name or a ModelInfo",
            id="no model",
        ),
        pytest.param(
            {"models": ("a",), "default_model": "b"},
            "the default model 'b' of provider 'Hello' is not among its models",
            id="default",
        ),
        pytest.param(
            {"models": (ModelInfo(name="a"),), "aliases": {"x": "b"}},
            "the alias 'x' of provider 'Hello' means 'b', which is not among its "
            "models",
            id="alias",
        ),
    ],
)
def test_an_info_that_contradicts_itself_is_refused(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(PluginError) as caught:
        ProviderInfo(name="Hello", **fields)

    assert str(caught.value) == message


def test_an_open_list_may_have_any_default_and_aliases() -> None:
    info = ProviderInfo(
        name="Hello", open_models=True, default_model="b", aliases={"x": "c"}
    )

    assert info.first_model == "b"


def test_a_provider_can_hold_a_conversation_unless_it_says_otherwise() -> None:
    can = Capabilities()

    assert can.history
    assert can.system
    assert not can.tools


def test_aliases_that_are_a_text_are_refused() -> None:
    aliases: Any = "fast"

    with pytest.raises(PluginError) as caught:
        ModelInfo(name="hello-1", aliases=aliases)

    assert str(caught.value) == (
        "model 'hello-1' has aliases='fast'; aliases is a tuple, as in (\"one\",)"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", 5),
        ("provider", None),
        ("source", b"page"),
        ("aliases", ("one", 2)),
        ("context_window", "big"),
        ("context_window", True),
        ("context_window", 8192.0),
        ("max_output_tokens", 0),
        ("capabilities", {"tools": True}),
        ("prefill", "native"),
        ("prefill", None),
        ("prefill", []),
    ],
)
def test_a_model_is_declared_with_values_of_the_right_kind(
    field: str, value: Any
) -> None:
    fields: dict[str, Any] = {"name": "hello-1", field: value}

    with pytest.raises(PluginError) as caught:
        ModelInfo(**fields)

    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("default_model", 1),
        ("url", b"https"),
        ("key_variable", ("A", "B")),
        ("prices_id", 7),
        ("open_models", "yes"),
        ("working", 1),
        ("shared_key", None),
        ("needs_key", "KEY"),
        ("in_process", 0),
        ("prefill", "native"),
        ("capabilities", {"tools": True}),
        ("capabilities", None),
        ("aliases", ("a",)),
        ("aliases", {"a": None}),
        ("options", ["base_url"]),
        ("options", {1: 2}),
    ],
)
def test_a_provider_is_declared_with_values_of_the_right_kind(
    field: str, value: Any
) -> None:
    fields: dict[str, Any] = {"name": "Hello", field: value}

    with pytest.raises(PluginError) as caught:
        ProviderInfo(**fields)

    assert str(caught.value).startswith(
        f"provider 'Hello' has {field}={value!r}; {field} is "
    )


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_capability_is_true_or_false(value: Any) -> None:
    with pytest.raises(PluginError, match="tools is True or False"):
        Capabilities(tools=value)


def test_a_model_is_not_known_to_go_on_with_an_answer_unless_it_says_so() -> None:
    assert ModelInfo(name="big").prefill == "none"
    assert ModelInfo(name="big", prefill="trailing").prefill == "trailing"
