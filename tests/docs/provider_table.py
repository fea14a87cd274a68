"""Write the table of providers and abilities from what the providers say of themselves.

    python -m tests.docs.provider_table

It stands in docs/providers/README.md, between two comments; what is around them stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from turnout._app import App
from turnout._config import Config
from turnout.types import Capabilities, ProviderInfo

PAGE = Path(__file__).parents[2] / "docs" / "providers" / "README.md"

_BEGIN = "<!-- Written by `python -m tests.docs.provider_table`. -->\n\n"
_END = "\n<!-- The end of what is written. -->\n"

_ABILITIES = {
    "tools": "Tools",
    "images": "Images",
    "files": "Files",
    "response_format": "Schema",
    "reasoning": "Reasoning",
}

_HEADS = ("Provider", "Key", "Default model", "Other models", *_ABILITIES.values())


def page() -> str:
    """Return the page, with the table as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table(_own_providers())}{_END}{after}"


def table(infos: Iterable[ProviderInfo]) -> str:
    """Return the table for some providers."""
    rows = [_HEADS, ("---",) * len(_HEADS), *map(_row, infos)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _own_providers() -> list[ProviderInfo]:
    # Without a configuration, and without what else is installed here.
    registry = App(Config(), own_only=True).load_all()
    return [entry.info for entry in registry.providers.values()]


def _row(info: ProviderInfo) -> tuple[str, ...]:
    return (
        _linked(info),
        _key(info),
        _code(info.first_model),
        _others(info),
        *(_able(info, name) for name in _ABILITIES),
    )


def _linked(info: ProviderInfo) -> str:
    page = f"{info.name.lower()}.md"
    if PAGE.with_name(page).exists():
        return f"[{info.name}]({page})"
    # Those that speak as another does have one page in common.
    served = "" if info.provider_class is None else info.provider_class.__module__
    if served.startswith("turnout_openai."):
        return f"[{info.name}](openai-compatible.md)"
    return info.name


def _code(name: str | None) -> str:
    return f"`{name}`" if name else ""


def _key(info: ProviderInfo) -> str:
    if info.key_variable is None or info.needs_key:
        return _code(info.key_variable)
    return f"{_code(info.key_variable)}, where it needs one"


def _others(info: ProviderInfo) -> str:
    if info.open_models:
        return "any"
    return str(len(info.models) - 1) if len(info.models) > 1 else ""


def _able(info: ProviderInfo, ability: str) -> str:
    """Return whether all models, some or none can do something."""

    def can(capabilities: Capabilities) -> bool:
        return bool(getattr(capabilities, ability))

    own = [model.capabilities for model in info.model_infos]
    able = {can(info.capabilities if each is None else each) for each in own}
    if info.open_models or not able:
        able.add(can(info.capabilities))
    return "some" if len(able) > 1 else "yes" if able == {True} else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
