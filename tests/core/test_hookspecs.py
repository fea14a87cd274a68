"""The hooks, and the manual that they are."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pluggy
import pytest

from turnout import hookspecs

HOOKS: dict[str, Callable[..., Any]] = {
    name: value
    for name, value in vars(hookspecs).items()
    if name.startswith("turnout_")
}


def sections(hook: Callable[..., Any]) -> dict[str, str]:
    """Return what a hook's docstring says under each of its headings."""
    text = inspect.getdoc(hook) or ""
    found = re.findall(r"^(\w+): (.+(?:\n    .+)*)", text, re.MULTILINE)
    return {heading: " ".join(body.split()) for heading, body in found}


def test_these_are_the_hooks() -> None:
    assert set(HOOKS) == {
        "turnout_aliases",
        "turnout_attempt_ended",
        "turnout_attempt_started",
        "turnout_commands",
        "turnout_models",
        "turnout_order_targets",
        "turnout_providers",
        "turnout_rewrite_request",
    }


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_a_hook_says_when_it_is_asked_what_none_means_and_who_wins(
    hook: Callable[..., Any],
) -> None:
    said = sections(hook)

    assert list(said) == ["Asked", "None", "Several", "Raising", "Since"]
    assert all(body.endswith(".") for body in said.values())
    assert re.fullmatch(r"\d+\.\d+\.", said["Since"])


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_a_hooks_first_line_says_what_it_is_for(hook: Callable[..., Any]) -> None:
    first = (inspect.getdoc(hook) or "").splitlines()[0]

    assert first.endswith(".")


def test_pluggy_knows_every_hook() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT)

    manager.add_hookspecs(hookspecs)

    assert {name for name in HOOKS if hasattr(manager.hook, name)} == set(HOOKS)


def test_only_the_order_of_targets_is_the_first_answer() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)

    first = {
        name for name in HOOKS if getattr(manager.hook, name).spec.opts["firstresult"]
    }

    assert first == {"turnout_order_targets"}


def test_hooks_have_few_arguments() -> None:
    assert all(len(inspect.signature(hook).parameters) <= 3 for hook in HOOKS.values())


def test_the_marker_of_implementations_is_in_the_public_face() -> None:
    import turnout

    assert turnout.hookimpl is hookspecs.hookimpl
    assert (
        hookspecs.hookimpl.project_name == hookspecs.hookspec.project_name == "turnout"
    )
