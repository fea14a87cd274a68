"""`turnout doctor`: what is wrong, and what to do. It changes nothing."""

from __future__ import annotations

import asyncio
import platform
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from itertools import chain
from urllib.parse import urlsplit

import click

from turnout._app import App
from turnout._config import Config, unseen_config, users_config
from turnout._frozen import frozen
from turnout._names import did_you_mean, fold, followed, nearest
from turnout._registry import ProviderEntry
from turnout._version import VERSION
from turnout.cli._check import Checked, check_engine, check_service
from turnout.cli._log import Log, LogError
from turnout.cli._log_recorder import secrets_of
from turnout.cli._output import write_table
from turnout.cli._plugins import partial_app
from turnout.cli._readiness import Readiness, readiness
from turnout.errors import ConfigError, TurnoutError
from turnout.http._redaction import redacted
from turnout.types import ProviderInfo

__all__ = ["doctor"]

_WELL_KNOWN = "OPENAI_API_KEY"
"""The variable that is named as an example."""


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Send nothing to any service.")
@click.pass_context
def doctor(context: click.Context, offline: bool) -> None:
    """Look at the configuration, the keys, the plugins and the providers.

    What is wrong comes first, then what is configured. The last line is a summary,
    with what to do.

    A service that has a key, or that needs none, is asked for its list of models. That
    costs nothing and checks the key; some services list their models to anyone. The
    host of a service without such a list is connected to. An engine in this process is
    asked for one token. No prompt goes over the network, and no key is shown.

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
    NOTE = "-"
    """Not configured, which is well."""


_ORDER = (_Level.ERROR, _Level.WARNING, _Level.OK, _Level.NOTE)


@frozen
class _Finding:
    """One thing that was looked at, and what to do about it."""

    level: _Level
    subject: str
    text: str
    fix: str = ""
    """What to set or to type, for the summary; empty means that the text says it."""
    usable: bool = False
    """Whether it is a provider that can be asked."""


def _diagnose(app: App, broken: ConfigError | None, *, offline: bool) -> list[_Finding]:
    """Return what is found, what is wrong first, and a summary.

    Args:
        app: With its plugins loaded.
        broken: What is wrong with the configuration, where it cannot be used.
        offline: Whether services are left alone.
    """
    # Before the event loop runs, as it looks for files.
    known = [
        (entry, readiness(app, entry)) for entry in app.registry.providers.values()
    ]
    providers = asyncio.run(_providers(app, known, offline=offline))
    found = [
        _ok("turnout", f"{VERSION} on Python {platform.python_version()}"),
        *_configuration(app.config, broken),
        *_names(app),
        *_plugins(app),
        _conversations(app),
        *providers,
    ]
    found.sort(key=lambda each: _ORDER.index(each.level))
    return [*found, _summary(found)]


def _ok(subject: str, text: str) -> _Finding:
    return _Finding(level=_Level.OK, subject=subject, text=text)


def _warning(subject: str, text: str, fix: str = "") -> _Finding:
    return _Finding(level=_Level.WARNING, subject=subject, text=text, fix=fix)


def _error(subject: str, text: str, fix: str = "") -> _Finding:
    return _Finding(level=_Level.ERROR, subject=subject, text=text, fix=fix)


def _configuration(config: Config, broken: ConfigError | None) -> Iterator[_Finding]:
    subject = "configuration"
    if broken is not None:
        advice = "fix it, nothing works until then"
        fix = "correct the configuration"
        yield _error(subject, followed(str(broken), advice), fix)
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
        text = f"others can read the keys in {config.path}; {advice}"
        yield _warning("keys", text, advice)


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
    others = [plugin.name for plugin in plugins if plugin.distribution != "turnout"]
    own = len(plugins) - len(others)
    names = [*others, *([f"{own} of turnout's own"] if own else [])]
    yield _ok("plugins", ", ".join(names) or "none")
    for one in app.set_aside:
        advice = f"update or remove {one.distribution}"
        text = followed(str(one.error), advice)
        yield _warning(f"plugin {one.name}", text, advice)
    for one in app.host.broken_packages():
        yield _warning(f"package {one.name}", str(one.error))


def _conversations(app: App) -> _Finding:
    subject = "conversations"
    if not app.config.cli.log:
        return _ok(subject, f"not kept: cli.log is false in {app.config.path}")
    log = Log()
    try:
        count = len(log.summaries())
    except LogError as error:
        return _warning(subject, f"not kept: {error}")
    return _ok(subject, f"{count} kept in {log.path}")


async def _providers(
    app: App, known: Sequence[tuple[ProviderEntry, Readiness]], *, offline: bool
) -> list[_Finding]:
    """Return a finding for each provider that is configured or can be asked.

    The others are listed in one line for each reason.
    """
    ready = {fold(entry.info.name) for entry, state in known if state.state == "ready"}
    named = _named(app, ready)
    configured = [_is_configured(app, entry, named) for entry, _ in known]
    checks = (_checked(each, offline=offline) for _, each in known)
    found: list[_Finding] = []
    rest: dict[str, list[ProviderInfo]] = {}
    for (entry, state), own, checked in zip(
        known, configured, await asyncio.gather(*checks), strict=True
    ):
        info = entry.info
        why = "" if own else _rest(info, state, checked, offline=offline)
        if why:
            rest.setdefault(why, []).append(info)
            continue
        found.append(
            _Finding(
                level=_Level.OK if checked.good else _Level.WARNING,
                subject=info.name,
                text=redacted(checked.text, secrets_of([entry])),
                fix=_fix(entry, state, checked),
                usable=checked.usable,
            )
        )
    for why, infos in rest.items():
        names = ", ".join(info.name for info in infos)
        subject, text, fix = names, why, _advised(why)
        if why in _GROUPS:
            words = why if len(infos) > 1 else _GROUPS[why]
            subject, text = "not configured", f"{len(infos)} {words}: {names}"
        if why == _WITHOUT_KEY:
            variable = _variable(app, infos)
            text, fix = f"{text}; set e.g. {variable}", f"set {variable}"
        found.append(_Finding(level=_Level.NOTE, subject=subject, text=text, fix=fix))
    return found


_WITHOUT_KEY = "services without a key"
_NOT_RUNNING = "servers on this machine that do not run"
_NOT_TRIED = "servers on this machine, which were not tried"
_NOT_WORKING = "that do not work, as their plugins say"
_GROUPS = {
    _WITHOUT_KEY: "service without a key",
    _NOT_RUNNING: "server on this machine, which does not run",
    _NOT_TRIED: "server on this machine, which was not tried",
    _NOT_WORKING: "that does not work, according to its plugin",
}
"""The groups of providers that are not configured, and the words for one alone."""


def _rest(
    info: ProviderInfo, found: Readiness, checked: Checked, *, offline: bool
) -> str:
    """Return why a provider that is not configured is only listed; empty if it is not.

    One of `_GROUPS`, or what the provider itself lacks.
    """
    if found.state == "needs key":
        return _WITHOUT_KEY
    if found.state == "not working":
        return _NOT_WORKING
    if found.state == "unavailable":
        return found.reason
    address = found.provider and found.provider.options.base_url
    if found.state == "ready" and address and _is_local(address):
        if offline:
            return _NOT_TRIED
        if not checked.usable:
            return _NOT_RUNNING
    return ""


def _is_local(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _named(app: App, ready: Collection[str]) -> set[str]:
    """Return the providers that the configuration names in `order`, aliases, routes.

    A model that several providers have names those that are ready, if any is: the
    others are not needed.
    """
    config = app.config
    names = {fold(name) for name in config.order}
    routes = (route.targets for route in config.routes.values())
    for name in (*config.aliases, *chain.from_iterable(routes)):
        with suppress(TurnoutError):  # Reported with the names.
            places = app.meaning(name).places
            providers = {fold(place.target.provider) for place in places}
            names.update(providers.intersection(ready) or providers)
    return names


def _is_configured(app: App, entry: ProviderEntry, named: Collection[str]) -> bool:
    """Return whether the user set a provider up: by a key, a table or a plugin."""
    name = entry.info.name
    return (
        app.key_at_hand(entry)
        or app.config.table_of(name) is not None
        or fold(name) in named
        or (
            entry.plugin.distribution != "turnout"
            and fold(name) not in _with_instances(app)
        )
    )


def _with_instances(app: App) -> set[str]:
    """Return the providers of which the configuration has another instance."""
    tables = app.config.providers.values()
    return {fold(table.plugin) for table in tables if table.plugin}


def _variable(app: App, infos: Sequence[ProviderInfo]) -> str:
    """Return the environment variable that people are most likely to have.

    It is not that of a provider of which the configuration has another instance.
    """
    others = _with_instances(app)
    infos = [info for info in infos if fold(info.name) not in others] or infos
    variables = [info.key_variable for info in infos if info.key_variable]
    known = [name for name in variables if name == _WELL_KNOWN]
    return (known or variables or ["api_key in turnout.toml"])[0]


async def _checked(found: Readiness, *, offline: bool) -> Checked:
    provider = found.provider
    if provider is None or found.state in {"needs key", "unavailable"}:
        return Checked(text=found.reason, good=False, usable=False)
    if provider.info.in_process:
        return await check_engine(provider)
    if found.state != "ready":
        return Checked(text=found.reason, good=False, usable=False)
    if offline:
        return Checked(text=found.reason)
    key = provider.api_key is not None or provider.brings_credential
    checked = await check_service(provider, has_key=key)
    return replace(checked, text=f"{found.reason}; {checked.text}")


def _fix(entry: ProviderEntry, found: Readiness, checked: Checked) -> str:
    """Return what to set or to type for a provider; empty if that is not known.

    It is never taken from the message of a service.
    """
    info = entry.info
    if checked.refused:
        _, known, place = found.reason.partition("its key is in ")
        if known:
            return f"correct the key of {info.name} in {place}"
        return f"set {info.key_variable or f'api_key of {info.name} in turnout.toml'}"
    if found.state in {"needs key", "unavailable"}:
        advice = _advised(found.reason)
        return advice.replace("api_key in", f"api_key of {info.name} in", 1)
    return ""


def _advised(reason: str) -> str:
    """Return the advice at the end of a reason; empty if it has none."""
    match = _ADVICE.search(reason)
    return match[1] if match else ""


_ADVICE = re.compile(r"; (set .*|type .*`)")


def _summary(findings: Sequence[_Finding]) -> _Finding:
    """Return how many providers can be asked, and what to do.

    Args:
        findings: All others, what is wrong first.
    """
    wrong = [one for one in findings if one.level in {_Level.ERROR, _Level.WARNING}]
    usable = sum(one.usable for one in findings)
    fixes = [one.fix or f"see {one.subject} above" for one in wrong]
    if usable and not any(one.level is _Level.ERROR for one in wrong):
        can = f"{usable} provider{'s' * (usable != 1)} can be asked"
        make = _warning if wrong else _ok
    else:
        can, make = "nothing can be asked", _error
        if not wrong:
            notes = [one.fix for one in findings if one.fix]
            fixes = [", or ".join(notes) or "install or allow a provider's plugin"]
    fixes = list(dict.fromkeys(fixes))
    more = len(fixes) - _MOST_FIXES
    if more > 0:
        fixes[_MOST_FIXES:] = [f"{more} more above"]
    return make(
        "summary", "; ".join([can, *fixes] if fixes else [can, "nothing is wrong"])
    )


_MOST_FIXES = 4
"""How many fixes the summary has."""
