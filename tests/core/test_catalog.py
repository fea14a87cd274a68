"""The models of one provider, by all of their names."""

from __future__ import annotations

import pytest

from turnout._catalog import Catalog
from turnout.errors import UnknownModelError
from turnout.types import ModelInfo, ProviderInfo

BIG = ModelInfo(name="Big-2", aliases=("huge", "best"), context_window=8192)

CATALOG = Catalog(
    ProviderInfo(
        name="Hello",
        models=("small-1", BIG, "Case", "case"),
        aliases={
            "best": "small-1",
            "tiny": "small-1",
            "both": "small-1",
            "BOTH": "Big-2",
        },
    )
)

OPEN = Catalog(
    ProviderInfo(name="Open", models=("Listed",), aliases={"l": "x"}, open_models=True)
)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        pytest.param("small-1", "small-1", id="model"),
        pytest.param("tiny", "small-1", id="alias of the provider"),
        pytest.param("huge", "Big-2", id="alias of the model"),
        pytest.param("best", "small-1", id="the provider's alias goes first"),
        pytest.param("SMALL-1", "small-1", id="model in another case"),
        pytest.param("TINY", "small-1", id="alias in another case"),
        pytest.param("Case", "Case", id="exactly"),
        pytest.param("case", "case", id="exactly, again"),
        pytest.param("CASE", None, id="two that differ in case"),
        pytest.param("both", "small-1", id="alias exactly"),
        pytest.param("Both", None, id="two aliases that differ in case"),
        pytest.param("small1", None, id="hyphens count"),
        pytest.param("other", None, id="unknown"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_name_means_a_model(name: str, model: str | None) -> None:
    assert CATALOG.listed(name) == model
    assert CATALOG.find(name) == model


def test_an_alias_goes_before_a_model_of_its_name() -> None:
    catalog = Catalog(
        ProviderInfo(name="H", models=("gpt-4", "gpt-5"), aliases={"gpt-4": "gpt-5"})
    )

    assert catalog.find("gpt-4") == "gpt-5"
    assert catalog.find("GPT-4") == "gpt-5"


@pytest.mark.parametrize(
    ("name", "listed", "found"),
    [
        ("Listed", "Listed", "Listed"),
        ("listed", "Listed", "Listed"),
        ("l", "x", "x"),
        ("any/other:7b", None, "any/other:7b"),
    ],
)
def test_an_open_list_lets_any_name_through(
    name: str, listed: str | None, found: str
) -> None:
    assert OPEN.listed(name) == listed
    assert OPEN.find(name) == found


def test_no_name_means_the_default_model() -> None:
    assert CATALOG.model("") == "small-1"
    assert Catalog(ProviderInfo(name="None")).model("") == ""


def test_a_name_is_resolved() -> None:
    assert CATALOG.model("HUGE") == "Big-2"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "smal-1",
            "provider 'Hello' has no model 'smal-1'; did you mean 'small-1'?",
        ),
        (
            "zzz",
            "provider 'Hello' has no model 'zzz'; there are small-1, Big-2, Case, case",
        ),
        (
            "CASE",
            "provider 'Hello' has no model 'CASE'; did you mean 'Case' or 'case'?",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        CATALOG.model(name)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "meant"),
    [("small1", "small-1"), ("BIG_2", "Big-2"), ("Big-2", None), ("zzz", None)],
)
def test_a_name_without_its_marks_is_recognised(name: str, meant: str | None) -> None:
    assert CATALOG.meant(name) == meant


def test_many_models_are_not_told_in_an_error() -> None:
    many = Catalog(ProviderInfo(name="Many", models=tuple(map(str, range(21)))))

    assert many.unknown("zzz") == "provider 'Many' has no model 'zzz'"


def test_what_is_known_of_a_model_is_told() -> None:
    assert CATALOG.info_of("Big-2") is BIG
    assert CATALOG.info_of("small-1") == ModelInfo(name="small-1")
    assert OPEN.info_of("any") == ModelInfo(name="any")


def test_a_server_may_say_how_whatever_it_serves_goes_on_with_a_beginning() -> None:
    own = ModelInfo(name="own")
    info = ProviderInfo(
        name="Server", models=(own, "named"), open_models=True, prefill="trailing"
    )
    catalog = Catalog(info)

    assert catalog.info_of("own").prefill == "none"
    assert catalog.info_of("named").prefill == "trailing"
    assert catalog.info_of("any").prefill == "trailing"
    assert list(CATALOG.models.values())[:2] == [ModelInfo(name="small-1"), BIG]


def test_the_names_are_those_of_models_and_aliases() -> None:
    assert set(CATALOG.names) == {
        *("small-1", "Big-2", "Case", "case"),
        *("best", "tiny", "both", "BOTH", "huge"),
    }
    assert set(CATALOG.folded_names) == {name.casefold() for name in CATALOG.names}
    assert CATALOG.aliases["huge"] == "Big-2"
