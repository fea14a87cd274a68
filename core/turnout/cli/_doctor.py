"""`turnout doctor`: what is wrong, and what to do. It changes nothing."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from time import monotonic

import click

from turnout._app import App
from turnout._config import Config, unseen_config, users_config
from turnout._frozen import frozen
from turnout._names import did_you_mean, fold, followed, nearest
from turnout._plugins import described, is_plugins_fault
from turnout._version import VERSION
from turnout.cli._output import write_table
from turnout.cli._plugins import partial_app
from turnout.cli._reach import reach
from turnout.cli._readiness import Readiness, readiness
from turnout.errors import ConfigError, TurnoutError
from turnout.provider import Provider
from turnout.types import ProviderInfo, RequestOptions

__all__ = ["doctor"]

_PATIENCE = 60.0
"""Seconds that an engine in this process has for one token, loading included."""


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Do not try to reach any service.")
@click.pass_context
def doctor(context: click.Context, offline: bool) -> None:
    """Look at the configuration, the keys, the plugins and the providers.

    Each service's host is connected to, and an engine in this process is asked for
    one token; no prompt and no key goes over the network.

    The exit status is 1 if no provider can be asked.
    """
    app, broken = partial_app()
    findings = _diagnose(app, broken, offline=offline)
    rows = [(str(found.level), found.subject, found.text) for found in findings]
    write_table(("LEVEL", "SUBJECT", "FINDING"), rows)
    if any(found.level is _Level.ERROR for found in findings):
        context.exit(1)


class _Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    """Nothing can be asked because of it."""


@frozen
class _Finding:
    """One thing that was looked at, and what to do about it."""

    level: _Level
    subject: str
    text: str


def _diagnose(app: App, broken: ConfigError | None, *, offline: bool) -> list[_Finding]:
    """Return what is found, in the order in which things depend on each other.

    Args:
        app: With its plugins loaded.
        broken: What is wrong with the configuration, where it cannot be used.
        offline: Whether services are left alone.
    """
    # Before the event loop runs, as it looks for files.
    known = [(e.info, readiness(app, e)) for e in app.registry.providers.values()]
    providers = asyncio.run(_providers(known, offline=offline))
    return [
        _ok("turnout", f"{VERSION} on Python {platform.python_version()}"),
        *_configuration(app.config, broken),
        *_names(app),
        *_plugins(app),
        *providers,
        *_outcome(providers),
    ]


def _ok(subject: str, text: str) -> _Finding:
    return _Finding(level=_Level.OK, subject=subject, text=text)


def _warning(subject: str, text: str) -> _Finding:
    return _Finding(level=_Level.WARNING, subject=subject, text=text)


def _error(subject: str, text: str) -> _Finding:
    return _Finding(level=_Level.ERROR, subject=subject, text=text)


def _configuration(config: Config, broken: ConfigError | None) -> Iterator[_Finding]:
    subject = "configuration"
    if broken is not None:
        advice = "fix it, nothing works until then"
        yield _error(subject, followed(str(broken), advice))
    elif config.path is None:
        unseen, place = unseen_config(), users_config()
        yours = f"yours would be {place}" if place else "you have no home directory"
        if unseen is not None:
            yield _warning(subject, f"{unseen}; none is used")
        else:
            yield _ok(subject, f"there is none, and none is needed; {yours}")
    else:
        yield _ok(subject, f"{config.path} is used")
    if config.exposed:
        advice = f"type `chmod 600 {config.path}`"
        yield _warning("keys", f"others can read the keys in {config.path}; {advice}")


def _names(app: App) -> Iterator[_Finding]:
    """Find the names in the configuration that mean nobody."""
    config = app.config
    for name, table in config.providers.items():
        if app.registry.provider(table.plugin or name) is None:
            yield _warning(
                f"providers.{name}",
                f"there is no provider {table.plugin or name!r}; install its plugin, "
                "or correct the name",
            )
    known = {fold(name): name for name in app.registry.providers}
    for name in config.order:
        if fold(name) not in known:
            guess = did_you_mean(nearest(name, known.values()))
            yield _warning(
                "order", f"there is no provider {name!r}; correct the name{guess}"
            )
    for name in (*config.aliases, *config.routes):
        try:
            app.route_for(name)
        except TurnoutError as error:
            kind = "aliases" if name in config.aliases else "routes"
            yield _warning(f"{kind}.{name}", str(error))


def _plugins(app: App) -> Iterator[_Finding]:
    plugins = app.host.plugins
    yield _ok("plugins", ", ".join(plugin.name for plugin in plugins) or "none")
    for one in app.set_aside:
        advice = f"update or remove {one.distribution}"
        yield _warning(f"plugin {one.name}", followed(str(one.error), advice))
    for one in app.host.broken_packages():
        yield _warning(f"package {one.name}", str(one.error))


async def _providers(
    known: Iterable[tuple[ProviderInfo, Readiness]], *, offline: bool
) -> list[_Finding]:
    return await asyncio.gather(
        *(_provider(info, found, offline=offline) for info, found in known)
    )


async def _provider(info: ProviderInfo, found: Readiness, *, offline: bool) -> _Finding:
    name, provider = info.name, found.provider
    # Whether a host can be reached would help nobody who cannot ask it.
    if provider is None or found.state in {"needs key", "unavailable"}:
        return _warning(name, found.reason)
    if info.in_process:
        return await _engine(provider)
    told, well = [found.reason], found.state == "ready"
    address = provider.options.base_url
    if address is None:
        told.append("it was not tried, as it has no base_url")
    elif not offline:
        reached = await reach(address, provider.options)
        told.append(reached.text)
        well = well and reached.good
    return (_ok if well else _warning)(name, "; ".join(told))


async def _engine(provider: Provider) -> _Finding:
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
    except BaseException as error:
        if not is_plugins_fault(error):
            raise
        return _warning(name, f"its plugin raised {described(error)}")
    return _ok(name, f"in this process; it answered in {monotonic() - began:.1f} s")


def _outcome(providers: Sequence[_Finding]) -> Iterator[_Finding]:
    if any(provider.level is _Level.OK for provider in providers):
        return
    yield _error(
        "summary",
        "nothing can be asked; fix one of the above, or install a provider's plugin",
    )
