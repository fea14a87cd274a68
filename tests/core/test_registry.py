"""What is known: whose a name is, and which names there are."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.samples import info, plugin
from turnout._config import Config, ProviderConfig
from turnout._plugins import Plugin, PluginRules
from turnout._registry import ProviderEntry, Registry
from turnout.errors import ConfigError
from turnout.types import ModelInfo, Target

FILE = Path("/etc/turnout.toml")


def registry(*plugins: Plugin, **config: object) -> Registry:
    return Registry(plugins, Config(path=FILE, **config))  # type: ignore[arg-type]


def entry(found: ProviderEntry | None) -> ProviderEntry:
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["Flow Gpt", "flow-gpt", "FLOWGPT", "flow_gpt"])
def test_a_provider_is_found_whatever_its_case_and_hyphens(name: str) -> None:
    known = registry(plugin(info("Flow Gpt", "a")))

    assert entry(known.provider(name)).info.name == "Flow Gpt"


def test_an_unknown_provider_is_none() -> None:
    assert registry(plugin(info("A"))).provider("B") is None


def test_providers_are_in_the_order_of_their_names() -> None:
    known = registry(plugin(info("b"), info("C"), info("A"), name="Many"))

    assert list(known.providers) == ["A", "b", "C"]


def test_a_model_is_served_by_all_that_list_it() -> None:
    known = registry(
        plugin(info("A", "gpt-4", "other")),
        plugin(info("B", "GPT-4")),
        plugin(info("C", "x", aliases={"gpt-4": "x"})),
        plugin(info("D", "gpt-5")),
        plugin(info("E", open_models=True)),
    )

    assert known.serving("gpt-4") == [
        Target("A", "gpt-4"),
        Target("B", "GPT-4"),
        Target("C", "x"),
    ]
    assert known.serving("gpt-6") == []


def test_a_provider_where_a_name_has_two_meanings_is_left_out() -> None:
    known = registry(plugin(info("A", "Big", "big")), plugin(info("B", "BIG")))

    assert known.serving("bIg") == [Target("B", "BIG")]
    assert known.serving("Big") == [Target("A", "Big"), Target("B", "BIG")]


def test_plugins_aliases_are_known_and_the_first_by_name_wins() -> None:
    known = registry(
        plugin(name="A", aliases={"fast": "x", "a": "y"}),
        plugin(name="B", aliases={"fast": "z"}),
    )

    assert known.aliases == {"fast": "x", "a": "y"}


def test_models_are_added_to_a_provider_of_another_plugin() -> None:
    known = registry(
        plugin(name="Adds", models=[ModelInfo(name="new", provider="hello")]),
        plugin(info("Hello", "old")),
    )

    added = entry(known.provider("Hello"))

    assert list(added.catalog.models) == ["old", "new"]
    assert added.info.first_model == "old"


def test_a_model_that_is_added_replaces_what_the_provider_says_of_it() -> None:
    first = ModelInfo(name="old", provider="Hello", context_window=1)
    second = ModelInfo(name="old", provider="Hello", context_window=2)
    known = registry(
        plugin(name="Adds", models=[first]),
        plugin(name="Later", models=[second]),
        plugin(info("Hello", "old", "other")),
    )

    added = entry(known.provider("Hello"))

    assert added.catalog.info_of("old") == first
    assert added.info.first_model == "old"


def test_a_model_for_a_provider_that_is_not_there_is_no_mistake() -> None:
    model = ModelInfo(name="new", provider="Absent")

    assert registry(plugin(name="Adds", models=[model])).providers == {}


ONE = plugin(info("Twin", "a"), name="Alpha", distribution="dist-a")
OTHER = plugin(info("twin", "b"), name="Beta", distribution="dist-b")
NAMED = plugin(info("Twin", "n"), name="Twin", distribution="dist-n")
OWN = plugin(info("Twin", "o"), name="Omega", distribution="turnout")


@pytest.mark.parametrize(
    ("plugins", "choose", "model"),
    [
        pytest.param([ONE], {}, "a", id="one"),
        pytest.param([ONE, OTHER], {}, None, id="two"),
        pytest.param([ONE, OTHER, NAMED], {}, "n", id="its entry point bears the name"),
        pytest.param([ONE, OTHER, NAMED, OWN], {}, "o", id="turnout's own goes first"),
        pytest.param([ONE, OTHER], {"Twin": "dist-b"}, "b", id="the choice"),
        pytest.param(
            [ONE, NAMED, OWN],
            {"tw-in": "Dist_A"},
            "a",
            id="the choice, however written",
        ),
        pytest.param(
            [ONE, OWN], {"Twin": "dist-x"}, None, id="the choice is not there"
        ),
        pytest.param(
            [OWN], {"Twin": "dist-a"}, None, id="nor where one alone claims it"
        ),
        pytest.param([ONE, OWN], {"Other": "dist-a"}, "o", id="another's choice"),
    ],
)
def test_a_name_that_several_claim_is_one_plugins_or_nobodys(
    plugins: list[Plugin], choose: dict[str, str], model: str | None
) -> None:
    known = registry(*plugins, plugins=PluginRules(choose=choose))
    found = known.provider("Twin")

    assert (found.info.first_model if found else None) == model
    assert ("twin" in known.contested) == (model is None)
    assert len(known.conflicts) == len(plugins) - (model is not None)


def test_a_claim_that_lost_is_told_with_both_distributions() -> None:
    known = registry(ONE, OWN)

    (lost,) = known.conflicts

    assert (lost.name, lost.distribution, lost.version) == ("Alpha", "dist-a", "1.0")
    assert str(lost.error) == (
        "provider 'Twin' is claimed by dist-a 1.0 and turnout 1.0; that of turnout 1.0 "
        'is used; to choose, put "Twin" = "dist-a" under [plugins.choose] into '
        "turnout.toml"
    )


def test_a_name_that_nobody_got_is_told_with_both_distributions() -> None:
    known = registry(ONE, OTHER, plugins=PluginRules(choose={"twin": "dist-x"}))

    assert str(known.contested["twin"]) == (
        "provider 'twin' is claimed by dist-a 1.0 and dist-b 1.0; none is used, since "
        'plugins.choose names \'dist-x\'; to choose, put "twin" = "dist-b" under '
        "[plugins.choose] into turnout.toml"
    )


def test_a_plugin_that_brings_a_provider_twice_claims_it_twice() -> None:
    known = registry(plugin(info("Twin"), info("Twin"), name="Alpha"))

    assert known.provider("Twin") is None
    assert len(known.conflicts) == 2


def test_options_of_the_configuration_are_the_providers_whose_table_it_is() -> None:
    table = ProviderConfig(key_variable="MY_KEY", options={"proxy": "http://p"})
    known = registry(
        plugin(info("Hello", "a", key_variable="HELLO_KEY")),
        plugin(info("Other", key_variable="OTHER_KEY")),
        providers={"hel-lo": table},
    )

    hello, other = entry(known.provider("Hello")), entry(known.provider("Other"))

    assert hello.options == {"proxy": "http://p"}
    assert hello.info.key_variable == "MY_KEY"
    assert hello.info.name == "Hello"
    assert other.options == {}
    assert other.info.key_variable == "OTHER_KEY"


def test_options_are_not_shown() -> None:
    table = ProviderConfig(options={"proxy": "http://me:canary@p"})
    known = registry(plugin(info("Hello")), providers={"Hello": table})

    assert "canary" not in repr(known.provider("Hello"))
    assert "canary" not in repr(table)


BASE = plugin(
    info(
        "OpenAI",
        "gpt-4",
        key_variable="OPENAI_API_KEY",
        needs_key=True,
        url="http://o",
        options={"base_url": "http://openai/v1"},
    )
)


def test_the_configuration_makes_another_instance() -> None:
    own = ProviderConfig(options={"proxy": "http://p", "api_key": "base"})
    table = ProviderConfig(plugin="openai", options={"api_key": "mine"})
    known = registry(BASE, providers={"OpenAI": own, "groq": table})

    instance = entry(known.provider("Groq"))

    assert instance.info.name == "groq"
    assert instance.plugin is BASE
    assert instance.catalog.find("gpt-4") == "gpt-4"
    assert instance.options == {"proxy": "http://p", "api_key": "mine"}
    assert instance.info.key_variable == "OPENAI_API_KEY"
    assert list(known.providers) == ["groq", "OpenAI"]


def test_an_instance_at_another_address_does_not_get_the_providers_key() -> None:
    own = ProviderConfig(options={"proxy": "http://p", "api_key": "base"})
    table = ProviderConfig(plugin="OpenAI", options={"base_url": "http://groq"})
    known = registry(BASE, providers={"OpenAI": own, "groq": table})

    instance = entry(known.provider("groq"))

    assert instance.options == {"proxy": "http://p", "base_url": "http://groq"}
    assert instance.info.key_variable is None
    assert not instance.info.needs_key
    assert instance.catalog.find("llama-3") == "llama-3"


def test_an_instance_at_the_providers_own_address_has_its_key() -> None:
    table = ProviderConfig(plugin="OpenAI", options={"base_url": "http://openai/v1/"})
    known = registry(BASE, providers={"mine": table})

    instance = entry(known.provider("mine"))

    assert instance.info.key_variable == "OPENAI_API_KEY"
    assert instance.info.needs_key


def test_the_key_of_a_providers_mirror_is_not_sent_to_the_providers_own_address() -> (
    None
):
    mirror = ProviderConfig(
        key_variable="MIRROR_KEY",
        options={"base_url": "http://mirror", "headers": {"X-Token": "t"}},
    )
    table = ProviderConfig(plugin="OpenAI", options={"base_url": "http://openai/v1"})
    known = registry(BASE, providers={"OpenAI": mirror, "mine": table})

    instance = entry(known.provider("mine"))

    assert instance.info.key_variable == "OPENAI_API_KEY"
    assert instance.options == {"base_url": "http://openai/v1"}


def test_an_instance_at_the_address_of_the_mirror_has_the_mirrors_key() -> None:
    mirror = ProviderConfig(
        key_variable="MIRROR_KEY", options={"base_url": "http://mirror/"}
    )
    table = ProviderConfig(plugin="OpenAI", options={"base_url": "http://mirror"})
    known = registry(BASE, providers={"OpenAI": mirror, "mine": table})

    assert entry(known.provider("mine")).info.key_variable == "MIRROR_KEY"


def test_an_instance_of_a_provider_without_an_address_needs_a_key() -> None:
    base = plugin(info("Azure", key_variable="AZURE_KEY", needs_key=True))
    table = ProviderConfig(plugin="Azure", options={"base_url": "http://mine"})
    known = registry(base, providers={"mine": table})

    instance = entry(known.provider("mine"))

    assert instance.info.needs_key
    assert instance.info.key_variable is None


def test_an_instance_at_another_address_gets_the_key_of_its_own() -> None:
    table = ProviderConfig(
        plugin="OpenAI", key_variable="GROQ_KEY", options={"base_url": "http://groq"}
    )
    known = registry(BASE, providers={"groq": table})

    assert entry(known.provider("groq")).info.key_variable == "GROQ_KEY"


def test_a_provider_at_another_address_keeps_its_key() -> None:
    tables = {
        "OpenAI": ProviderConfig(plugin="OpenAI", options={"base_url": "http://mirror"})
    }
    known = registry(BASE, providers=tables)

    assert entry(known.provider("OpenAI")).info.key_variable == "OPENAI_API_KEY"


def test_an_instance_may_not_take_a_providers_name() -> None:
    with pytest.raises(ConfigError) as caught:
        registry(
            BASE,
            plugin(info("Local")),
            providers={"local": ProviderConfig(plugin="OpenAI")},
        )

    assert str(caught.value) == (
        f"{FILE}: providers.local: there is a provider of that name already; take "
        "another"
    )


@pytest.mark.parametrize(
    ("tables", "absent"),
    [
        ({}, None),
        ({"OpenAI": ProviderConfig()}, None),
        ({"groq": ProviderConfig(plugin="open-ai")}, None),
        ({"OpenIA": ProviderConfig()}, ("OpenIA", "OpenIA")),
        ({"groq": ProviderConfig(plugin="OpenIA")}, ("groq", "OpenIA")),
        (
            {
                "groq": ProviderConfig(plugin="OpenAI"),
                "other": ProviderConfig(plugin="groq"),
            },
            ("other", "groq"),
        ),
        ({"Twin": ProviderConfig()}, None),
    ],
)
def test_a_table_about_a_provider_that_is_not_there_is_found(
    tables: dict[str, ProviderConfig], absent: tuple[str, str] | None
) -> None:
    assert registry(BASE, ONE, OTHER, providers=tables).absent == absent


def test_an_absent_provider_is_told_with_the_nearest() -> None:
    error = registry(BASE).missing("groq", "OpenIA")

    assert str(error) == (
        f"{FILE}: providers.groq: there is no provider 'OpenIA'; install its plugin, "
        "or correct the name; did you mean 'OpenAI'?"
    )


def test_names_of_all_kinds_are_suggested() -> None:
    known = registry(
        plugin(info("Provider", "model-x", aliases={"nickname": "model-x"})),
        plugin(name="Other", aliases={"plugin-alias": "x"}),
        aliases={"config-alias": "x"},
        routes={"route-name": None},
    )

    for name in ("Provider", "model-x", "nickname", "plugin-alias", "config-alias"):
        assert known.suggester.nearest(f"{name}y")[0] == name
    assert known.suggester.nearest("route-nam")[0] == "route-name"


def many() -> list[Plugin]:
    return [
        plugin(
            info(
                f"Vendor {number:03}",
                *(f"family-{number:03}.{model}-chat" for model in range(49)),
                "shared",
            )
        )
        for number in range(100)
    ]


def median_seconds(call: Callable[[], object], times: int = 9) -> float:
    taken: list[float] = []
    for _ in range(times):
        began = time.process_time()
        call()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def test_a_hundred_providers_with_five_thousand_models_are_at_hand() -> None:
    known = registry(*many())

    assert len(known.providers) == 100
    assert len(known.serving("shared")) == 100
    assert known.serving("family-042.7-chat") == [
        Target("Vendor 042", "family-042.7-chat")
    ]
    assert "family-042.7-chat" in known.suggester.nearest("familly-042.7-chat")


# Ten times what bench/names.py holds them to: a slow machine is no mistake, and what
# looks at every name takes more.


def test_a_registry_of_many_is_built_soon() -> None:
    plugins = many()

    assert median_seconds(lambda: registry(*plugins).serving("shared")) < 0.5


def test_a_name_among_many_is_found_soon() -> None:
    known = registry(*many())
    names = [f"family-{number:03}.7-chat" for number in range(100)]

    def find() -> None:
        for name in names:
            known.serving(name)

    assert median_seconds(find) / len(names) < 200e-6


def test_names_near_one_of_many_are_found_soon() -> None:
    suggester = registry(*many()).suggester
    suggester.nearest("builds the index")

    assert median_seconds(lambda: suggester.nearest("familly-042.7-chat")) < 20e-3
