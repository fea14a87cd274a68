"""What `models`, `providers`, `resolve` and `plugins` list."""

from __future__ import annotations

import json
import re

import pytest

import turnout as package
from tests.core.site import OWN_NAMES

from .conftest import CommandLine

OWN = f"turnout {package.__version__}"
FEW = ("FlowGpt", "Local", "OpenAI")
ONLY_SCRIPTED = '[plugins]\nallow = ["Scripted", "Extra", "Faulty", "Missing"]\n'


def few_of(output: str) -> list[str]:
    """Return the rows but for most of turnout's own, without their columns."""
    rows = [line.split() for line in output.splitlines()]
    left_out = {*OWN_NAMES}.difference(FEW)
    return [" ".join(row) for row in rows if row[0] not in left_out]


@pytest.fixture(autouse=True)
def no_others(inside: CommandLine) -> None:
    inside.configure(ONLY_SCRIPTED)


def test_models_are_found_by_their_names_and_aliases(inside: CommandLine) -> None:
    by_name, by_alias = inside("models", "HO-1"), inside("models", "parr")

    assert by_name.stdout == by_alias.stdout
    assert by_name.stdout == "Echo:echo-1  4096  images, files  parrot\n"


def test_models_are_in_columns(inside: CommandLine) -> None:
    inside.install("Scripted", "Extra")

    done = inside("models", "--provider", "echo")

    assert done.stdout.splitlines() == [
        "Echo:echo-1  4096  images, files  parrot",
        "Echo:echo-2  -     images, files",
        "Echo:echo-3  -     images, files",
    ]
    assert done.stderr == (
        "models that are not listed can be asked for as well: Echo\n"
    )


def test_a_terminal_has_heads_above_the_columns(inside: CommandLine) -> None:
    with inside.terminal("models", "torn") as terminal:
        assert terminal.end() == 0

    heads, row = terminal.screen.splitlines()[:2]
    assert heads == "MODEL        CONTEXT  ABILITIES  ALIASES"
    assert row == "Torn:torn-1  -        -"


def test_models_can_be_json(inside: CommandLine) -> None:
    done = inside("models", "echo-1", "--json")

    assert json.loads(done.stdout) == [
        {
            "id": "Echo:echo-1",
            "provider": "Echo",
            "model": "echo-1",
            "default": True,
            "context_window": 4096,
            "max_output_tokens": None,
            "abilities": [
                "history",
                "system",
                "temperature",
                "max_tokens",
                "images",
                "files",
            ],
            "aliases": ["parrot"],
            "prefill": "none",
            "source": "",
        }
    ]


@pytest.mark.parametrize(
    "arguments", [("--live", "echo"), ("--live", "--provider", "echo")]
)
def test_a_provider_is_asked_which_models_it_has_now(
    inside: CommandLine, arguments: tuple[str, ...]
) -> None:
    done = inside("models", *arguments)

    assert done.stdout.splitlines() == [
        "Echo:echo-1    4096  images, files  parrot",
        "Echo:echo-new  -     images, files",
    ]
    assert done.stderr == ""


def test_the_models_that_there_are_now_can_be_searched(inside: CommandLine) -> None:
    done = inside("models", "new", "--live", "Echo")

    assert done.stdout == "Echo:echo-new  -  images, files\n"


def test_all_that_are_ready_are_asked_which_models_they_have(
    inside: CommandLine,
) -> None:
    done = inside("models", "--live")

    found = {line.split()[0] for line in done.stdout.splitlines()}
    assert {"Echo:echo-new", "Torn:torn-1"} <= found
    # Those that lack something are not asked, and those that fail are told of.
    assert not {name.partition(":")[0] for name in found} & {"Bare", "Down", "Keyed"}
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "Down: cannot reach down.example: its name is not known",
        "provider 'Endless' raised RuntimeError while it listed its models; that is a "
        "fault of its plugin",
    ]


def test_a_provider_that_cannot_tell_its_models_is_an_error(
    inside: CommandLine,
) -> None:
    done = inside("models", "--live", "Down")

    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("Error: cannot reach down.example: ")


def test_a_query_that_finds_nothing_is_told(inside: CommandLine) -> None:
    done = inside("models", "gpt-99")

    assert (done.stdout, done.returncode) == ("", 0)
    assert done.stderr.startswith("no model's name has 'gpt-99' in it\n")


def test_no_models_at_all_is_told(inside: CommandLine) -> None:
    inside.configure("[plugins]\nallow = []\n")

    done = inside("models", "--json")

    assert (done.stdout, done.stderr) == ("[]\n", "there are no models\n")


def test_an_unknown_provider_is_told_with_its_like(inside: CommandLine) -> None:
    done = inside("models", "--provider", "rhic")

    assert done.returncode == 1
    assert done.stderr == ("Error: unknown provider 'rhic'; did you mean 'Rich'?\n")


def test_providers_say_whether_they_can_be_asked(inside: CommandLine) -> None:
    inside.configure('[providers.Torn]\nbase_uri = "x"\n')
    inside.install("Scripted", "Missing")

    done = inside("providers")

    rows = [re.split(" {2,}", line, maxsplit=4) for line in done.stdout.splitlines()]
    found = {name: (state, why) for name, state, _, _, why in rows}
    assert {row[0]: row[3] for row in rows}["Echo"] == "images, files"
    assert found["Echo"] == ("ready", "it needs no key")
    assert found["Engine"] == ("ready", "it runs in this process")
    assert found["Bare"] == ("unavailable", "the engine is not here; type `fetch it`")
    assert found["Keyed"] == ("needs key", "it needs a key; set KEYED_KEY")
    assert found["FlowGpt"] == ("not working", "its plugin says that it does not work")
    assert found["Mute"] == (
        "broken",
        "it cannot say what it lacks: RuntimeError: nobody asked",
    )
    assert found["Torn"][0] == "broken"
    assert "unknown option 'base_uri'; did you mean 'base_url'?" in found["Torn"][1]
    assert done.stderr == "set aside, see `turnout plugins`: 'Missing'\n"


def test_a_provider_can_what_some_of_its_models_can(inside: CommandLine) -> None:
    inside.configure('[plugins]\nallow = ["Anthropic", "Scripted"]\n')

    table, as_json = inside("providers"), inside("providers", "--json")

    told = {line.split()[0]: line for line in table.stdout.splitlines()}
    # Whatever an open list has besides can do less than the models that are known.
    assert "  tools, images, files, schema, reasoning  " in told["Anthropic"]
    # Its only model says for itself what it can do.
    assert "  tools  " in told["Picky"]
    can = {row["name"]: row["abilities"] for row in json.loads(as_json.stdout)}
    assert can["Picky"] == ["history", "system", "tools"]
    assert {"response_format", "reasoning"} < set(can["Anthropic"])


def test_a_long_reason_is_broken_into_lines_on_a_terminal(inside: CommandLine) -> None:
    inside.environment["COLUMNS"] = "80"

    with inside.terminal("providers") as terminal:
        assert terminal.end() == 0

    lines = terminal.screen.splitlines()
    assert lines[:4] == [
        "PROVIDER  STATE        DEFAULT MODEL  ABILITIES      WHY",
        "Bare      unavailable  bare-1         -              the engine is not here;",
        "                                                     type `fetch it`",
        "Down      ready        down-1         -              it needs no key",
    ]


def test_no_providers_at_all_is_told(inside: CommandLine) -> None:
    inside.configure("[plugins]\nallow = []\n")

    done = inside("providers")

    assert (done.stdout, done.returncode) == ("", 0)
    assert done.stderr == "there are no providers; `turnout plugins` says why\n"


def test_a_provider_with_its_key_is_ready(inside: CommandLine) -> None:
    inside.environment["KEYED_KEY"] = "sesame"

    done = inside("providers", "--json")

    (keyed,) = [row for row in json.loads(done.stdout) if row["name"] == "Keyed"]
    assert keyed == {
        "name": "Keyed",
        "state": "ready",
        "reason": "its key is in KEYED_KEY",
        "default_model": "keyed-1",
        "abilities": ["history", "system"],
        "in_process": False,
        "key_variable": "KEYED_KEY",
        "url": None,
        "distribution": "turnout-scripted",
        "version": "1.2",
    }
    assert "sesame" not in done.stdout


def test_resolve_explains_a_name(inside: CommandLine) -> None:
    done = inside("resolve", "parrot")

    assert done.stdout == (
        "'parrot' is a model of 1 provider\n1. Echo:echo-1 (no other serves it)\n"
    )


def test_resolve_explains_what_no_name_means(inside: CommandLine) -> None:
    done = inside("resolve")

    assert "1. Bare:bare-1 (an engine in this process)\n" in done.stdout
    assert done.stderr == ""


def test_resolve_says_that_no_target_matches(inside: CommandLine) -> None:
    inside.configure("[plugins]\nallow = []\n")

    done = inside("resolve")

    assert done.returncode == 0
    assert done.stderr.startswith("no target matches; `turnout providers` ")


def test_plugins_say_what_they_give(inside: CommandLine) -> None:
    inside.configure("")
    inside.install("Extra", "Listener", "Missing", "Faulty")

    done = inside("plugins")

    assert done.returncode == 0
    assert few_of(done.stdout) == [
        "Extra turnout-scripted 1.2 models: 1; aliases: polly; commands",
        f"FlowGpt {OWN} provider FlowGpt",
        "Listener turnout-scripted 1.2 changes requests; hears of attempts",
        f"Local {OWN} provider Local; commands",
        f"OpenAI {OWN} provider OpenAI",
        "Missing turnout-scripted 1.2 set aside: plugin 'Missing' cannot be "
        "imported: ModuleNotFoundError: No module named 'turnout_scripted_missing'",
        "Faulty turnout-scripted 1.2 set aside: plugin 'Faulty' raised in "
        "turnout_commands: RuntimeError: no commands today",
    ]


def test_a_plugin_that_gives_nothing_is_listed_as_are_those_kept_out(
    inside: CommandLine,
) -> None:
    inside.install("Empty")
    inside.configure('[plugins]\nallow = ["Empty"]\n')

    done = inside("plugins")

    assert few_of(done.stdout) == [
        "Empty turnout-scripted 1.2 nothing",
        *(f"{name} {OWN} kept out" for name in FEW),
    ]


def test_a_broken_configuration_leaves_turnouts_own(inside: CommandLine) -> None:
    path = inside.configure("order = 3\n")

    done = inside("plugins")

    assert done.returncode == 1
    rows = [line.split(None, 3) for line in few_of(done.stdout)]
    assert [(row[0], row[3].partition(" ")[0]) for row in rows] == [
        ("FlowGpt", "provider"),
        ("Local", "provider"),
        ("OpenAI", "provider"),
        ("Scripted", "kept"),
    ]
    note, error = done.stderr.splitlines()
    assert note == (
        "the configuration is broken: only turnout's own plugins were loaded"
    )
    assert error.startswith(f"Error: {path}: order: ")
