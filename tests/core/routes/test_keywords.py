"""Type checkers know the same keywords that a program may use."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import turnout
from turnout._app import App
from turnout._config import Config
from turnout.provider import ProviderOptions
from turnout.routes._keywords import PolicyKeywords, ProviderKeywords
from turnout.types import Secret


def _types_of_options() -> list[type[ProviderOptions]]:
    """Return the option classes of all providers of turnout."""
    entries = App(Config(), own_only=True).load_all().providers.values()
    classes: list[Any] = [entry.info.provider_class for entry in entries]
    return sorted({cls.options_type for cls in classes}, key=lambda cls: cls.__name__)


WRITTEN: dict[object, object] = {
    Path | None: str | PathLike[str] | None,
    Secret | None: str | Secret | None,
    tuple[str, ...]: Sequence[str],
}
"""Types that an option accepts besides its own type."""


def test_providers_have_the_keywords_of_get_provider() -> None:
    known = typing.get_type_hints(ProviderKeywords)
    found: dict[str, object] = {}
    for cls in [ProviderOptions, *_types_of_options()]:
        found |= typing.get_type_hints(cls)

    assert known.keys() == found.keys()
    for name, hint in found.items():
        # The types of some options are loaded only when they are used.
        assert hint == object | None or known[name] == WRITTEN.get(hint, hint), name


def test_a_policy_has_the_keywords_of_fallback() -> None:
    assert typing.get_type_hints(PolicyKeywords) == typing.get_type_hints(
        turnout.Policy
    )
