"""Suggest models and providers for an unknown name.

`_names` compares spellings. Here it is known that other programs write `openai/gpt-4o`,
and that a family such as `claude` is not the name of a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from turnout._names import fold, nearest, without_marks
from turnout._registry import ProviderEntry, Registry

__all__ = ["Rank", "models_meant", "providers_meant"]

Rank = Callable[[ProviderEntry], int]
"""How soon a provider is asked among others; the lowest number first."""

_MOST = 3
"""How many names are suggested at most."""

_MARKS = re.compile(r"[-_.: ]+")
"""What stands between the parts of a model's name."""


def models_meant(name: str, registry: Registry, rank: Rank) -> tuple[str, ...]:
    """Return what to type for a model, best first; empty if it cannot be guessed.

    Args:
        name: As a user wrote it; no target has it.
        registry: What is known.
        rank: Decides between providers that fit alike.
    """
    rest = name.rpartition("/")[2]
    found = (
        [*_of_provider(name, registry, rank)]
        or ("/" not in name and [*_of_family(name, registry, rank)])
        or registry.suggester.nearest(name)
        # Of a provider that is not known, such as `bedrock/claude`.
        or [*_of_family(rest, registry, rank)]
        or providers_meant(name, registry)
    )
    return tuple(dict.fromkeys(found))[:_MOST]


def providers_meant(name: str, registry: Registry) -> tuple[str, ...]:
    """Return the providers whose names are much like a name, or have it in them."""
    known = registry.providers
    akin = (one for one in known if _are_akin(fold(name), fold(one)))
    return tuple(dict.fromkeys((*nearest(name, known), *akin)))[:_MOST]


def _of_provider(name: str, registry: Registry, rank: Rank) -> Iterator[str]:
    """Find `provider/model`, and `provider:model` with the provider mistyped."""
    for mark in "/:":
        left, found, model = name.partition(mark)
        model = model.strip()
        if not found or not left or not model:
            continue
        exact = registry.provider(left)
        names = providers_meant(left, registry) if exact is None else ()
        entries = [registry.providers[one] for one in names]
        for entry in entries if exact is None else [exact]:
            yield from _ids(entry, model)
        if mark == "/":
            # Gateways have models of that form, which they need not list.
            yield from (
                f"{entry.info.name}:{name}"
                for entry in _ranked(registry, rank)
                if entry is not exact and entry.info.open_models and not rank(entry)
                if _is_gateway_to(left, entry)
            )


def _ids(entry: ProviderEntry, model: str) -> Iterator[str]:
    """Find what a provider may be asked for by a model's name."""
    prefix = f"{entry.info.name}:"
    listed = entry.catalog.listed(model) or entry.catalog.meant(model)
    if listed is not None:
        yield prefix + listed
        return
    if entry.info.open_models:
        yield prefix + model
    for one in nearest(model, entry.catalog.names, most=1):
        yield prefix + one


def _of_family(name: str, registry: Registry, rank: Rank) -> Iterator[str]:
    """Find models of a family, one of each provider, and who may serve it."""
    same = [
        f"{entry.info.name}:{model}"
        for entry in _ranked(registry, rank)
        if (model := entry.catalog.meant(name)) is not None
    ]
    if same:
        yield from same
        return
    wanted = without_marks(name)
    letters = wanted.rstrip("0123456789")
    if len(letters) < 3:
        return
    unlisted = [
        f"{entry.info.name}:{name}"
        for entry in registry.providers.values()
        if len(letters) > 3 and letters in fold(entry.info.name)
        if entry.info.open_models and not entry.info.needs_key
        if not entry.catalog.names
    ]
    families: list[tuple[int, int, str]] = []
    for entry in _ranked(registry, rank):
        fits = [one for one in entry.catalog.models if _is_of(wanted, one)]
        if fits and entry.info.working:
            best = (*nearest(name, fits, most=1), entry.info.first_model)[0]
            best = best if best in fits else fits[0]
            families.append((rank(entry), -len(fits), f"{entry.info.name}:{best}"))
    found = [*unlisted, *(one for _, _, one in sorted(families)[:2])]
    yield from found
    if found:
        yield from providers_meant(name, registry)


def _is_gateway_to(maker: str, entry: ProviderEntry) -> bool:
    """Return whether a provider has models that are named `maker/model`.

    One that lists only a model of its own in that form is taken to have all makers'.
    """
    names = entry.catalog.names
    makers = {name.partition("/")[0] for name in names if "/" in name}
    return maker in makers or makers == {fold(entry.info.name)}


def _ranked(registry: Registry, rank: Rank) -> list[ProviderEntry]:
    return sorted(registry.providers.values(), key=rank)


def _is_of(wanted: str, model: str) -> bool:
    """Return whether a part of a model's name begins as a family is called."""
    parts = _MARKS.split(model.rpartition("/")[2].casefold())
    return any("".join(parts[i:]).startswith(wanted) for i in range(len(parts)))


def _are_akin(name: str, known: str) -> bool:
    """Return whether one name begins with the other, as `azure` and `azureopenai`."""
    short, long = sorted((name, known), key=len)
    return len(short) > 3 and long.startswith(short)
