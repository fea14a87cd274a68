"""What `turnout doctor` finds out. It changes nothing."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

from turnout._app import App
from turnout._names import fold
from turnout._registry import ProviderEntry
from turnout._version import VERSION
from turnout.cli._reach import reach
from turnout.errors import ConfigError, TurnoutError
from turnout.provider import Provider
from turnout.types import RequestOptions

__all__ = ["Finding", "Level", "diagnose"]

_PATIENCE = 60.0
"""Seconds that an engine in this process has for one token, loading included."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    """Nothing can be asked because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what to do about it."""

    level: Level
    subject: str
    text: str


async def diagnose(
    app: App, broken: ConfigError | None, *, offline: bool
) -> list[Finding]:
    """Return what is found, in the order in which things depend on each other.

    Args:
        app: With its plugins loaded.
        broken: What is wrong with the configuration, where it cannot be used.
        offline: Whether services are left alone.
    """
    entries = app.registry.providers.values()
    providers = await asyncio.gather(
        *(_provider(app, entry, offline=offline) for entry in entries)
    )
    return [
        _ok("turnout", f"{VERSION} on Python {platform.python_version()}"),
        *_configuration(app, broken),
        *_plugins(app),
        *providers,
        *_outcome(providers),
    ]


def _ok(subject: str, text: str) -> Finding:
    return Finding(level=Level.OK, subject=subject, text=text)


def _warning(subject: str, text: str) -> Finding:
    return Finding(level=Level.WARNING, subject=subject, text=text)


def _error(subject: str, text: str) -> Finding:
    return Finding(level=Level.ERROR, subject=subject, text=text)


def _configuration(app: App, broken: ConfigError | None) -> Iterator[Finding]:
    subject = "configuration"
    config = app.config
    if broken is not None:
        yield _error(subject, f"{broken}; mend it, nothing works until then")
        return
    if config.path is None:
        yield _ok(subject, "there is no turnout.toml, and none is needed")
        return
    yield _ok(subject, f"{config.path} is valid")
    if config.exposed:
        yield _warning(
            "keys",
            f"others can read the keys in {config.path}; run: chmod 600 {config.path}",
        )
    for name, table in config.providers.items():
        if app.registry.provider(table.plugin or name) is None:
            yield _warning(
                f"providers.{name}",
                f"there is no provider {table.plugin or name!r}; install its plugin, "
                "or correct the name",
            )
    known = {fold(name) for name in app.registry.providers}
    for name in config.order:
        if fold(name) not in known:
            yield _warning("order", f"there is no provider {name!r}; correct the name")
    for name in (*config.aliases, *config.routes):
        try:
            app.route_for(name)
        except TurnoutError as error:
            kind = "aliases" if name in config.aliases else "routes"
            yield _warning(f"{kind}.{name}", str(error))


def _plugins(app: App) -> Iterator[Finding]:
    plugins = app.host.plugins
    yield _ok("plugins", ", ".join(plugin.name for plugin in plugins) or "none")
    for one in app.set_aside:
        yield _warning(
            f"plugin {one.name}", f"{one.error}; update or remove {one.distribution}"
        )


async def _provider(app: App, entry: ProviderEntry, *, offline: bool) -> Finding:
    info = entry.info
    try:
        provider = app.provider(info.name, {})
    except TurnoutError as error:
        return _warning(info.name, str(error))
    if info.in_process:
        return await _engine(provider)
    if info.needs_key and not app.key_at_hand(entry):
        # Whether its host can be reached would help nobody.
        return _warning(info.name, f"it needs a key; set {_key(app, entry)}")
    told = ["it needs no key"]
    if app.key_at_hand(entry):
        told = [f"its key is in {_key(app, entry)}"]
    well = info.working
    if not well:
        told.append("its plugin says that it does not work")
    address = provider.options.base_url
    if address is None:
        told.append("it was not tried, as it has no base_url")
    elif not offline:
        reached = await reach(address, provider.options)
        told.append(reached.text)
        well = well and reached.good
    return (_ok if well else _warning)(info.name, "; ".join(told))


def _key(app: App, entry: ProviderEntry) -> str:
    """Return where a provider's key is, or would go; never the key."""
    if "api_key" in entry.options:
        return str(app.config.path)
    return entry.info.key_variable or "api_key in turnout.toml"


async def _engine(provider: Provider) -> Finding:
    """Ask an engine in this process for as little as it gives."""
    name = provider.info.name
    options: RequestOptions = {"deadline": _PATIENCE}
    if provider.info.capabilities.max_tokens:
        options["max_tokens"] = 1
    began = monotonic()
    try:
        async with provider:
            await provider.complete("Hello.", **options)
    except TurnoutError as error:
        return _warning(name, str(error))
    return _ok(name, f"in this process; it answered in {monotonic() - began:.1f} s")


def _outcome(providers: Sequence[Finding]) -> Iterator[Finding]:
    if any(provider.level is Level.OK for provider in providers):
        return
    yield _error(
        "all in all",
        "nobody can be asked; mend one of the above, or type "
        'pip install "turnout[local]" and turnout local pull',
    )
