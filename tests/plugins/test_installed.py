"""Packages with plugins, built and installed as a user's are, most of them broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.core.site import OWN_NAMES
from tests.plugins.conftest import HELLO, PACKAGES
from tests.plugins.scratch import Scratch

ALL = """
app = current_app()
registry = app.load_all()
tell({
    "plugins": [[p.name, p.distribution, p.version] for p in app.host.plugins],
    "set_aside": [
        [a.name, a.distribution, a.version, str(a.error)] for a in app.set_aside
    ],
    "providers": {n: e.plugin.distribution for n, e in registry.providers.items()},
    "aliases": registry.aliases,
    "contested": sorted(registry.contested),
})
"""


def test_the_two_folders_have_all_packages_and_the_twins_apart(
    sites: tuple[Path, Path],
) -> None:
    early, late = ({path.stem for path in site.glob("turnout_*")} for site in sites)

    modules = {name for name in early | late if not name.endswith(("1.2.3", "1.0.0"))}
    assert modules == {"turnout_hello", *(path.name for path in PACKAGES.iterdir())}
    assert ("turnout_twin_a" in early) != ("turnout_twin_b" in early)
    assert ("turnout_twin_a" in late) != ("turnout_twin_b" in late)


def test_a_provider_works_with_all_broken_ones_installed(scratch: Scratch) -> None:
    run = scratch.run(
        "provider = get_provider('FlowGpt')\n"
        "tell([provider.info.name, type(provider).__module__, provider.target().model])"
    )

    assert run.told == ["FlowGpt", "turnout_flowgpt._provider", "gpt-3.5-turbo"]
    # The other package whose entry point bears the name; no other is looked at.
    assert run.imported == ["turnout_named_flowgpt"]
    assert run.logged == []


def test_a_package_answers_and_no_other_is_imported(scratch: Scratch) -> None:
    run = scratch.run(
        "import sys\n"
        "reply = turnout.run(get_provider('hello').complete('Ada'))\n"
        "tell([reply.text, str(reply.target), 'turnout_flowgpt' in sys.modules])"
    )

    assert run.told == ["Hello, Ada", "Hello:hello-1", False]
    assert run.imported == []


@pytest.mark.ci
def test_the_tutorials_package_passes_its_own_tests(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, scratch.sites)))
    monkeypatch.setenv("PLUGIN_IMPORTS", str(scratch.folder / "imports"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    done = subprocess.run(
        [*command, f"--rootdir={scratch.folder}", str(HELLO / "tests")],
        cwd=scratch.folder,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "22 passed, 12 skipped" in done.stdout


CULPRITS = [
    (
        "BrokenImport",
        "turnout-broken-import",
        "plugin 'BrokenImport' cannot be imported: RuntimeError: its library is not "
        "installed",
    ),
    (
        "Innocent",
        "turnout-claims-flowgpt",
        "provider 'FlowGpt' is claimed by turnout VERSION and turnout-named-flowgpt "
        "1.2.3 and turnout-claims-flowgpt 1.2.3; that of turnout VERSION is used; to "
        'choose, put "FlowGpt" = "turnout-claims-flowgpt" under [plugins.choose] into '
        "turnout.toml",
    ),
    (
        "FlowGpt",
        "turnout-named-flowgpt",
        "provider 'flow-gpt' is claimed by turnout VERSION and turnout-named-flowgpt "
        "1.2.3 and turnout-claims-flowgpt 1.2.3; that of turnout VERSION is used; to "
        'choose, put "flow-gpt" = "turnout-named-flowgpt" under [plugins.choose] into '
        "turnout.toml",
    ),
    (
        "Future",
        "turnout-future-api",
        "plugin 'Future' was written for versions 1000 to 1001 of turnout's plugin "
        "API; this turnout has version 1",
    ),
    (
        "Raising",
        "turnout-raising-hook",
        "plugin 'Raising' raised in turnout_aliases: LookupError: its file of aliases "
        "is gone",
    ),
    (
        "Asynchronous",
        "turnout-async-hook",
        "plugin 'Asynchronous' has an `async def` turnout_providers, which nobody "
        "would await; a hook is a plain function",
    ),
    (
        "Misspelt",
        "turnout-misspelt-hook",
        "plugin 'Misspelt' implements 'turnout_provider', which is no hook; did you "
        "mean 'turnout_providers'?",
    ),
    (
        "Castor",
        "turnout-twin-a",
        "provider 'Twin' is claimed by turnout-twin-a 1.2.3 and turnout-twin-b 1.2.3; "
        'none is used; to choose, put "Twin" = "turnout-twin-a" under [plugins.choose] '
        "into turnout.toml",
    ),
    (
        "Pollux",
        "turnout-twin-b",
        "provider 'Twin' is claimed by turnout-twin-a 1.2.3 and turnout-twin-b 1.2.3; "
        'none is used; to choose, put "Twin" = "turnout-twin-b" under [plugins.choose] '
        "into turnout.toml",
    ),
]


@pytest.fixture(scope="module")
def found(
    sites: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return what there is with every plugin loaded."""
    told: dict[str, Any] = Scratch(sites, tmp_path_factory.mktemp("all")).run(ALL).told
    return told


@pytest.mark.parametrize(("name", "distribution", "message"), CULPRITS)
def test_a_culprit_is_set_aside_with_its_package_and_error(
    found: dict[str, Any], name: str, distribution: str, message: str
) -> None:
    from turnout import __version__

    (error,) = [
        error
        for name_, distribution_, version, error in found["set_aside"]
        if [name_, distribution_, version] == [name, distribution, "1.2.3"]
    ]

    assert error == message.replace("VERSION", __version__)


def test_nothing_else_is_set_aside(found: dict[str, Any]) -> None:
    aside = sorted((name, dist) for name, dist, *_ in found["set_aside"])

    assert aside == sorted((name, dist) for name, dist, _ in CULPRITS)


def test_everything_else_works(found: dict[str, Any]) -> None:
    assert found["providers"] == {
        **dict.fromkeys(OWN_NAMES, "turnout"),
        "Ara": "turnout-vendor",
        "Compatible": "turnout-rows",
        "Hello": "turnout-hello",
        "Macaw": "turnout-vendor",
        "One": "turnout-rows",
        "Two": "turnout-rows",
    }
    assert found["aliases"] == {"everyday": "Hello:newest"}
    assert found["contested"] == ["twin"]


def test_the_order_of_installation_does_not_matter(
    found: dict[str, Any], mirrored: Scratch
) -> None:
    assert mirrored.run(ALL).told == found


def test_a_contested_name_is_refused_with_both_packages(scratch: Scratch) -> None:
    run = scratch.run(
        "try: get_provider('Twin')\nexcept PluginError as error: tell(str(error))"
    )

    assert run.told == CULPRITS[-1][2]


@pytest.mark.parametrize(("choice", "model"), [("a", "castor-1"), ("b", "pollux-1")])
def test_the_configuration_chooses_between_two_packages(
    scratch: Scratch, mirrored: Scratch, choice: str, model: str
) -> None:
    config = f"[plugins.choose]\nTwin = 'turnout-twin-{choice}'"
    program = "tell(str(get_provider('Twin').target().target))"

    assert scratch.run(program, config=config).told == f"Twin:{model}"
    assert mirrored.run(program, config=config).told == f"Twin:{model}"


def test_the_configuration_may_choose_another_package_than_turnouts_own(
    scratch: Scratch,
) -> None:
    run = scratch.run(
        "tell(turnout.run(get_provider('FlowGpt').complete('Hi')).text)",
        config="[plugins.choose]\nFlowGpt = 'turnout-claims-flowgpt'",
    )

    assert run.told == "turnout_claims_flowgpt"


def test_only_what_is_allowed_is_imported(scratch: Scratch) -> None:
    run = scratch.run(ALL, config="[plugins]\nallow = ['hello', 'Castor']")

    assert run.told["providers"] == {"Hello": "turnout-hello", "Twin": "turnout-twin-a"}
    assert run.told["set_aside"] == []
    assert run.imported == ["turnout_twin_a"]


def test_what_is_denied_is_not_imported(scratch: Scratch) -> None:
    run = scratch.run(ALL, config="[plugins]\ndeny = ['Pollux', 'broken-import']")

    assert run.told["providers"]["Twin"] == "turnout-twin-a"
    assert not {"turnout_twin_b", "turnout_broken_import"} & set(run.imported)


def test_what_is_always_wanted_is_loaded_beside_what_is_asked_for(
    scratch: Scratch,
) -> None:
    run = scratch.run(
        "get_provider('Hello')\ntell([p.name for p in current_app().host.plugins])",
        config="[plugins]\nalways = ['Everything']",
    )

    assert run.told == ["Everything", "Hello"]
    assert run.imported == ["turnout_everything"]


def test_one_variable_keeps_all_packages_out(scratch: Scratch) -> None:
    run = scratch.run(ALL, TURNOUT_DISABLE_PLUGINS="1")

    assert run.told["providers"] == dict.fromkeys(OWN_NAMES, "turnout")
    assert run.told["set_aside"] == []
    assert run.imported == []


EVERYTHING = "[plugins]\nallow = ['Hello', 'Everything', 'Rows']"


def test_models_and_aliases_are_added_to_another_packages_provider(
    scratch: Scratch,
) -> None:
    run = scratch.run(
        "names = 'everyday', 'hello:NEWEST', 'hello-2'\n"
        "tell([str(explain(name).targets[0]) for name in names])",
        config=EVERYTHING,
    )

    assert run.told == ["Hello:hello-2"] * 3


def test_a_service_that_is_like_another_is_a_row(scratch: Scratch) -> None:
    run = scratch.run(
        "async def main():\n"
        "    tell([(await get_provider(name).complete('Hi')).text\n"
        "          for name in ('Compatible', 'One', 'two')])\n"
        "turnout.run(main())",
        config=EVERYTHING,
    )

    assert run.told == [
        "Compatible compatible-1 None",
        "One one-1 https://one.example",
        "Two two-1 https://two.example",
    ]


VENDOR = """
async def main():
    from turnout.testing import FaultServer, respond
    from turnout_openai import OpenAI
    answer = b'{"id": "1", "flock": 3, "choices": [{"message": {"content": "Aark"}}]}'
    head = "Content-Type", "application/json"
    loud = b'{"error": {"code": "too_loud"}}'
    async with FaultServer(respond(200, answer, head), respond(400, loud)) as server:
        macaw = get_provider("macaw", base_url=server.url, api_key="k")
        reply = await macaw.complete("Hi", max_tokens=9)
        try:
            await macaw.complete("Hi")
        except OverloadedError as error:
            refused = type(error).__name__
    (first, second) = server.http_requests
    tell({
        "class": type(macaw) is OpenAI,
        "text": reply.text,
        "details": reply.details["flock"],
        "key": first.values("X-Macaw-Key"),
        "body": json.loads(first.body),
        "refused": refused,
    })
turnout.run(main())
"""


def test_a_row_of_another_package_is_asked_as_it_says(scratch: Scratch) -> None:
    run = scratch.run(VENDOR)

    assert run.told == {
        "class": True,
        "text": "Aark",
        "details": 3,
        "key": ["k"],
        "body": {
            "model": "macaw-1",
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": True,
            "sing": True,
            "max_completion_tokens": 9,
        },
        "refused": "OverloadedError",
    }
    assert run.imported == ["turnout_vendor"]


ROUTE = """
chat = fallback("one-1", "Hello")
reply = turnout.run(chat.complete("Hi"))
import sys
seen = getattr(sys.modules.get("turnout_everything"), "SEEN", [])
tell([reply.text, [str(a.target) for a in reply.attempts], seen])
"""


def test_without_those_hooks_a_route_is_as_it_was_written(scratch: Scratch) -> None:
    run = scratch.run(ROUTE, config="[plugins]\nallow = ['Hello', 'Rows']")

    assert run.told == ["One one-1 https://one.example", ["One:one-1"], []]


def test_hooks_order_targets_rewrite_requests_and_hear_of_attempts(
    scratch: Scratch,
) -> None:
    run = scratch.run(ROUTE, config=EVERYTHING)

    assert run.told == [
        "Two one-1 https://two.example",
        ["Two:one-1"],
        ["Two:one-1 running", "Two:one-1 complete"],
    ]


def test_a_rewritten_request_is_what_is_sent(scratch: Scratch) -> None:
    run = scratch.run(
        "tell(turnout.run(fallback('Hello').complete('Ada')).text)", config=EVERYTHING
    )

    assert run.told == "Hello, Ada by Hello:hello-1"


def test_hooks_that_raise_break_no_request(scratch: Scratch) -> None:
    run = scratch.run(
        ROUTE.replace("one-1", "Two:one-1"),
        config="[plugins]\nallow = ['Hello', 'Rows', 'Unruly']",
    )

    assert run.told[:2] == ["Two one-1 https://two.example", ["Two:one-1"]]
    # The place in its code follows each line.
    logged = [line for line in run.logged if not line.startswith("  ")]
    assert logged == ["plugin 'Unruly' raised RuntimeError in a hook"] * 4


def test_commands_are_added_beside_those_that_cannot_be(scratch: Scratch) -> None:
    assert scratch.turnout("everything") == "everything is fine\n"


def test_the_command_line_shows_every_culprit(scratch: Scratch) -> None:
    shown = scratch.turnout("plugins")

    for name, distribution, _ in CULPRITS:
        assert re.search(rf"^{name} +{distribution} 1\.2\.3 +set aside: ", shown, re.M)
