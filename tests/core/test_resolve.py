"""From a name to whom it means, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.core.samples import info, plugin
from turnout._config import Config, ProviderConfig, RouteConfig
from turnout._plugins import Plugin, aside_clause
from turnout._registry import ProviderEntry, Registry
from turnout._resolve import Resolver
from turnout.errors import ArgumentError, ConfigError, UnknownModelError
from turnout.types import Explanation, Secret, Target

FILE = Path("/etc/turnout.toml")

PLUGINS = [
    plugin(
        info("Alpha", "gpt-4", "gpt-5", aliases={"gem": "gpt-5"}, key_variable="A_KEY"),
        info("Beta", "GPT-4", "Case", "case", needs_key=True, key_variable="B_KEY"),
        info("Gamma", "gpt-4", working=False),
        info("Delta", "gpt-4", "small", in_process=True),
        info("Open", "listed", open_models=True),
        info("Bare"),
        name="Many",
        aliases={"quick": "small", "gpt-5": "Delta:small", "deep": "quick"},
    )
]


def resolver(
    plugins: Sequence[Plugin] = PLUGINS,
    *,
    keys: Sequence[str] = (),
    set_aside: Sequence[str] = (),
    aliases: Mapping[str, str] | None = None,
    routes: Mapping[str, Sequence[str]] | None = None,
    order: Sequence[str] = (),
    path: Path | None = FILE,
) -> Resolver:
    """Return a resolver; `keys` are the providers whose keys are at hand."""
    config = Config(
        path=path,
        order=tuple(order),
        aliases=aliases or {},
        routes={
            name: RouteConfig(targets=tuple(targets))
            for name, targets in (routes or {}).items()
        },
    )

    def key_at_hand(entry: ProviderEntry) -> bool:
        return entry.info.name in keys

    aside = partial(aside_clause, set_aside)
    return Resolver(Registry(plugins, config), config, key_at_hand, aside)


def names(explanation: Explanation) -> list[str]:
    return [str(target) for target in explanation.targets]


def reasons(explanation: Explanation) -> list[str]:
    return [place.reason for place in explanation.places]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param("Alpha:gpt-4", "Alpha:gpt-4", id="model id"),
        pytest.param("al-pha:gpt-4", "Alpha:gpt-4", id="the provider folded"),
        pytest.param("Alpha:GPT-4", "Alpha:gpt-4", id="the model in another case"),
        pytest.param("Alpha:gem", "Alpha:gpt-5", id="the provider's alias"),
        pytest.param("Alpha:gpt-5", "Alpha:gpt-5", id="no plugin's alias"),
        pytest.param("Alpha:", "Alpha:gpt-4", id="no model"),
        pytest.param("Beta:case", "Beta:case", id="exactly"),
        pytest.param("Open:any:7b/x", "Open:any:7b/x", id="an open list"),
        pytest.param("Open:LISTED", "Open:listed", id="an open list's own model"),
        pytest.param("Gamma:gpt-4", "Gamma:gpt-4", id="not working, but named"),
        pytest.param("Alpha", "Alpha:gpt-4", id="provider"),
        pytest.param("al pha", "Alpha:gpt-4", id="provider folded"),
        pytest.param("Bare", "Bare", id="provider without models"),
        pytest.param("gem", "Alpha:gpt-5", id="alias of one provider"),
        pytest.param("small", "Delta:small", id="model of one provider"),
        pytest.param("SMALL", "Delta:small", id="model in another case"),
        pytest.param("Case", "Beta:Case", id="model exactly"),
        pytest.param("quick", "Delta:small", id="plugin's alias"),
        pytest.param("gpt-5", "Delta:small", id="plugin's alias before models"),
        pytest.param("deep", "Delta:small", id="alias of an alias"),
    ],
)
def test_a_name_means_a_target(name: str, target: str) -> None:
    found = resolver().explain(name)

    assert names(found) == [target]
    assert found.name == name
    assert found.route is None


@pytest.mark.parametrize(
    ("aliases", "name", "target"),
    [
        pytest.param({"fast": "Alpha:gpt-4"}, "fast", "Alpha:gpt-4", id="model id"),
        pytest.param({"fast": "x", "x": "Alpha"}, "fast", "Alpha:gpt-4", id="alias"),
        pytest.param({"quick": "Alpha"}, "quick", "Alpha:gpt-4", id="before plugins'"),
        pytest.param({"small": "Alpha"}, "small", "Alpha:gpt-4", id="before models"),
        pytest.param({"Delta": "Alpha"}, "Delta", "Alpha:gpt-4", id="before providers"),
        pytest.param(
            {"Alpha:gpt-4": "Delta:small"},
            "Alpha:gpt-4",
            "Delta:small",
            id="before ids",
        ),
        pytest.param({"fast": "deep"}, "fast", "Delta:small", id="plugin's alias"),
    ],
)
def test_the_configurations_aliases_go_first(
    aliases: dict[str, str], name: str, target: str
) -> None:
    assert names(resolver(aliases=aliases).explain(name)) == [target]


def test_an_alias_is_matched_exactly() -> None:
    with pytest.raises(UnknownModelError):
        resolver(aliases={"fast": "Alpha"}).explain("FAST")


def test_every_step_is_told() -> None:
    found = resolver(aliases={"fast": "deep"}).explain("fast")

    assert found.steps == (
        "'fast' is an alias of the configuration for 'deep'",
        "'deep' is a plugin's alias for 'quick'",
        "'quick' is a plugin's alias for 'small'",
        "'small' is a model of 1 provider",
    )
    assert reasons(found) == ["no other serves it"]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param("Gem", "Gem:gem-9", id="the provider, as it is written"),
        pytest.param("gem", "Alpha:gpt-5", id="the model, as it is written"),
        pytest.param("GEM", "Alpha:gpt-5", id="neither"),
        pytest.param("small", "Delta:small", id="both"),
    ],
)
def test_a_provider_is_named_before_a_model_in_another_case(
    name: str, target: str
) -> None:
    plugins = [*PLUGINS, plugin(info("Gem", "gem-9"), info("small", "x"), name="Gems")]

    assert names(resolver(plugins).explain(name)) == [target]


@pytest.mark.parametrize(
    ("name", "step", "reason"),
    [
        (
            "Alpha:gem",
            "'Alpha:gem' names provider 'Alpha' and model 'gpt-5'",
            "it was named",
        ),
        (
            "Alpha",
            "'Alpha' is a provider; its default model is 'gpt-4'",
            "it was named",
        ),
        ("Bare", "'Bare' is a provider; it names no default model", "it was named"),
    ],
)
def test_who_was_named_is_told(name: str, step: str, reason: str) -> None:
    found = resolver().explain(name)

    assert found.steps == (step,)
    assert reasons(found) == [reason]


def test_targets_of_one_name_stand_in_order() -> None:
    found = resolver(keys=["Alpha"]).explain("gpt-4")

    assert found.steps == ("'gpt-4' is a model of 4 providers",)
    assert [str(place) for place in found.places] == [
        "Alpha:gpt-4 (its key is at hand)",
        "Delta:gpt-4 (an engine in this process)",
        "Gamma:gpt-4 (it says of itself that it does not work)",
        "Beta:GPT-4 (it needs a key, and there is none)",
    ]


def test_how_many_serve_a_model_is_told() -> None:
    plugins = [plugin(info("A", "one", "two")), plugin(info("B", "two"))]

    assert resolver(plugins).explain("one").steps == ("'one' is a model of 1 provider",)
    assert resolver(plugins).explain("two").steps == (
        "'two' is a model of 2 providers",
    )


def test_a_key_at_hand_goes_before_services_that_need_none() -> None:
    found = resolver(keys=["Beta"]).explain("gpt-4")

    assert names(found)[:3] == ["Beta:GPT-4", "Alpha:gpt-4", "Delta:gpt-4"]
    assert reasons(found)[:2] == ["its key is at hand", "it needs no key"]


def test_a_key_at_hand_does_not_make_a_provider_work() -> None:
    found = resolver(keys=["Gamma"]).explain("gpt-4")

    assert names(found)[-2:] == ["Gamma:gpt-4", "Beta:GPT-4"]


def test_targets_that_are_alike_stand_by_name() -> None:
    plugins = [plugin(info(name, "m")) for name in ("b", "C", "a")]

    assert names(resolver(plugins).explain("m")) == ["a:m", "b:m", "C:m"]


def test_the_configurations_order_goes_before_all_else() -> None:
    found = resolver(keys=["Alpha"], order=["gam-ma", "Beta", "Absent"]).explain(
        "gpt-4"
    )

    assert [str(place) for place in found.places] == [
        "Gamma:gpt-4 (number 1 of the configuration's order)",
        "Beta:GPT-4 (number 2 of the configuration's order)",
        "Alpha:gpt-4 (its key is at hand)",
        "Delta:gpt-4 (an engine in this process)",
    ]


def test_with_unnamed_keys_and_engines_are_asked() -> None:
    found = resolver(keys=["Alpha", "Gamma"]).explain()

    assert found.name is None
    assert names(found) == ["Alpha:gpt-4", "Delta:gpt-4", "Gamma:gpt-4"]
    assert found.steps == (
        "no model was named: engines in this process, and services with a key",
    )


def test_with_unnamed_the_reason_is_told_of_a_lone_target_too() -> None:
    assert reasons(resolver().explain()) == ["an engine in this process"]


def test_with_unnamed_a_key_for_other_ends_is_no_wish_to_ask() -> None:
    rows = plugin(info("Hub", "m", key_variable="HUB", shared_key=True))

    found = resolver([rows], keys=["Hub"])

    assert found.explain().places == ()
    assert names(found.explain("Hub")) == ["Hub:m"]
    assert reasons(resolver([rows, *PLUGINS], keys=["Hub"]).explain()) == [
        "an engine in this process"
    ]


@pytest.mark.parametrize(
    "hub",
    [
        ProviderConfig(options={"api_key": Secret("k")}),
        ProviderConfig(key_variable="HUB"),
    ],
)
def test_with_unnamed_a_key_that_was_configured_is_one(
    hub: ProviderConfig,
) -> None:
    rows = plugin(info("Hub", "m", key_variable="HUB", shared_key=True))
    config = Config(providers={"Hub": hub})

    found = Resolver(Registry([rows], config), config, lambda _: True).explain()

    assert names(found) == ["Hub:m"]


def test_with_unnamed_and_nobody_to_ask_there_are_no_targets() -> None:
    found = resolver([plugin(info("Free", "m"))]).explain()

    assert found.places == ()


def test_with_unnamed_no_model_is_chosen_of_an_open_list() -> None:
    rows = plugin(info("Any", open_models=True), info("None"))

    assert names(resolver([rows], keys=["Any", "None"]).explain()) == ["None"]


def test_with_unnamed_the_default_route_holds() -> None:
    found = resolver(routes={"default": ["Gamma", "Alpha"]}).explain()

    assert names(found) == ["Gamma:gpt-4", "Alpha:gpt-4"]
    assert found.route == "default"


def test_an_alias_of_that_name_is_no_default_route() -> None:
    found = resolver(aliases={"default": "Alpha"}).explain()

    assert names(found) == ["Delta:gpt-4"]


def test_a_route_has_its_targets_in_the_order_given() -> None:
    found = resolver(routes={"mine": ["Delta:small", "gem", "Beta:case"]}).explain(
        "mine"
    )

    assert names(found) == ["Delta:small", "Alpha:gpt-5", "Beta:case"]
    assert found.route == "mine"
    assert found.steps[0] == "'mine' is a route of the configuration"
    assert len(found.steps) == 4


def test_a_route_may_name_routes_aliases_and_models_of_many() -> None:
    found = resolver(
        routes={"mine": ["inner", "fast", "gpt-4"], "inner": ["Delta", "Beta:case"]},
        aliases={"fast": "Beta:case"},
    ).explain("mine")

    assert names(found) == [
        "Delta:gpt-4",
        "Beta:case",
        "Alpha:gpt-4",
        "Gamma:gpt-4",
        "Beta:GPT-4",
    ]
    assert found.route == "mine"


def test_an_alias_may_name_a_route() -> None:
    found = resolver(aliases={"fast": "mine"}, routes={"mine": ["Delta"]}).explain(
        "fast"
    )

    assert found.route == "mine"
    assert names(found) == ["Delta:gpt-4"]


@pytest.mark.parametrize(
    ("aliases", "routes", "name", "circle"),
    [
        ({"a": "a"}, {}, "a", "a -> a"),
        ({"a": "b", "b": "c", "c": "b"}, {}, "a", "b -> c -> b"),
        ({"a": "r"}, {"r": ["Alpha", "a"]}, "a", "a -> r -> a"),
        ({}, {"r": ["s"], "s": ["r"]}, "s", "s -> r -> s"),
        ({"quick": "deep"}, {}, "deep", "deep -> quick -> deep"),
    ],
)
def test_a_circle_is_refused_with_its_path(
    aliases: dict[str, str], routes: dict[str, list[str]], name: str, circle: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolver(aliases=aliases, routes=routes).explain(name)

    assert str(caught.value) == f"{FILE}: aliases and routes go in a circle: {circle}"


def test_a_circle_of_plugins_alone_does_not_blame_the_file() -> None:
    plugins = [
        plugin(name="A", aliases={"a": "b"}),
        plugin(name="B", aliases={"b": "a"}),
    ]

    with pytest.raises(ConfigError) as caught:
        resolver(plugins, aliases={"other": "x"}).explain("a")

    assert str(caught.value) == "aliases and routes go in a circle: a -> b -> a"


def test_a_circle_without_a_file_names_none() -> None:
    with pytest.raises(
        ConfigError, match=r"^aliases and routes go in a circle: a -> a$"
    ):
        resolver(aliases={"a": "a"}, path=None).explain("a")


def test_a_name_that_stands_twice_is_no_circle() -> None:
    found = resolver(
        routes={"mine": ["fast", "other"]}, aliases={"fast": "Delta", "other": "fast"}
    ).explain("mine")

    assert names(found) == ["Delta:gpt-4"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gtp-4", "unknown model 'gtp-4'; did you mean 'gpt-4' or 'GPT-4'?"),
        ("Alhpa", "unknown model 'Alhpa'; did you mean 'Alpha'?"),
        ("fsat-one", "unknown model 'fsat-one'; did you mean 'fast-one'?"),
        ("my-rout", "unknown model 'my-rout'; did you mean 'my-route'?"),
        ("quikc", "unknown model 'quikc'; did you mean 'quick'?"),
        ("zzzzz", "unknown model 'zzzzz'"),
        (
            "Alhpa:gpt-4",
            "unknown model 'Alhpa:gpt-4'; did you mean 'Alpha:gpt-4'?",
        ),
        (
            "zzz:gpt-5",
            "unknown model 'zzz:gpt-5'; did you mean 'gpt-5'?",
        ),
        (
            "Alpha:gtp-5",
            "provider 'Alpha' has no model 'gtp-5'; did you mean 'Alpha:gpt-5'?",
        ),
        (
            "Beta:CASE",
            "provider 'Beta' has no model 'CASE'; did you mean 'Beta:Case' or "
            "'Beta:case'?",
        ),
        ("Bare:x", "provider 'Bare' has no model 'x'"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, message: str) -> None:
    known = resolver(aliases={"fast-one": "Alpha"}, routes={"my-route": ["Alpha"]})

    with pytest.raises(UnknownModelError) as caught:
        known.explain(name)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine", "unknown model 'zzzzz'; 'mine' names it"),
        ("other", "provider 'Bare' has no model 'x'; 'inner' names it"),
        (
            "typed",
            "provider 'Alpha' has no model 'gtp-5'; 'typed' names it; did you mean "
            "'Alpha:gpt-5'?",
        ),
    ],
)
def test_an_unknown_name_in_the_configuration_is_told_with_who_names_it(
    name: str, message: str
) -> None:
    known = resolver(
        aliases={"other": "inner", "typed": "Alpha:gtp-5"},
        routes={"mine": ["Alpha", "zzzzz"], "inner": ["Bare:x"]},
    )

    with pytest.raises(UnknownModelError) as caught:
        known.explain(name)

    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["", " ", 5, b"gpt-5"])
def test_what_can_be_no_name_is_refused(name: Any) -> None:
    with pytest.raises(ArgumentError, match="is not a model's name"):
        resolver().explain(name)


def test_plugins_set_aside_are_told_where_a_name_is_unknown() -> None:
    with pytest.raises(UnknownModelError) as caught:
        resolver(set_aside=["Broken", "Torn"]).explain("zzzzz")

    assert str(caught.value) == (
        "unknown model 'zzzzz'; these plugins are set aside, see `turnout plugins`: "
        "'Broken', 'Torn'"
    )


def test_an_open_list_is_not_asked_for_a_bare_name() -> None:
    with pytest.raises(UnknownModelError):
        resolver().explain("any:7b")


def test_targets_are_values() -> None:
    assert resolver().explain("small").targets == (Target("Delta", "small"),)
