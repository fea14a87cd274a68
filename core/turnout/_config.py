"""The one reader of the configuration file, `turnout.toml`."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from turnout._environment import variable
from turnout._plugins import PluginRules
from turnout._validation import checked
from turnout.errors import ConfigError
from turnout.types import Secret

__all__ = ["Config", "ProviderConfig", "RouteConfig", "find_config", "read_config"]

_NAME = "turnout.toml"

_VARIABLE = "env:"
"""Before the name of an environment variable, where a key is expected."""

_log = logging.getLogger("turnout")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteConfig:
    """A table of `routes`: whom to ask in which order, and the policy's fields."""

    targets: tuple[str, ...]
    policy: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """A table of `providers`: options of a provider, or another instance of one."""

    plugin: str | None = None
    """The provider that this is an instance of; None means the one of its name."""
    key_variable: str | None = None
    """The environment variable that holds its key: `api_key = "env:NAME"`."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the configuration says; everything works without one."""

    path: Path | None = None
    """The file that was read; None where there is none."""
    order: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    routes: Mapping[str, RouteConfig] = field(default_factory=dict[str, RouteConfig])
    providers: Mapping[str, ProviderConfig] = field(
        default_factory=dict[str, ProviderConfig]
    )
    plugins: PluginRules = field(default_factory=PluginRules)
    exposed: tuple[str, ...] = ()
    """The providers whose keys stand in the file itself while others can read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The file as it stands."""

    order: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    routes: dict[str, dict[str, object]] = field(
        default_factory=dict[str, dict[str, object]]
    )
    providers: dict[str, dict[str, object]] = field(
        default_factory=dict[str, dict[str, object]]
    )
    plugins: dict[str, object] = field(default_factory=dict[str, object])


def find_config() -> Path | None:
    """Return the file to read: TURNOUT_CONFIG's, the working directory's, the user's.

    Raises:
        ConfigError: TURNOUT_CONFIG names a file that is not there.
    """
    named = variable("TURNOUT_CONFIG")
    if named is not None:
        path = Path(named).expanduser()
        if path.is_file():
            return path
        raise ConfigError(f"TURNOUT_CONFIG names {named!r}, which is no file")
    here = Path(_NAME)
    if here.is_file():
        return here.absolute()
    from platformdirs import user_config_path

    users = user_config_path("turnout") / _NAME
    return users if users.is_file() else None


def read_config(path: Path | None) -> Config:
    """Return what a file says.

    Args:
        path: As `find_config` gives it; None means an empty configuration.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong; the message
            names the file, the key and what is expected there.
    """
    if path is None:
        return Config()
    file = checked(_File, _parsed(path), str(path))
    providers = {
        name: _provider(f"{path}: providers.{name}", table)
        for name, table in file.providers.items()
    }
    return Config(
        path=path,
        order=file.order,
        aliases=file.aliases,
        routes={
            name: _route(f"{path}: routes.{name}", table)
            for name, table in file.routes.items()
        },
        providers=providers,
        plugins=checked(PluginRules, file.plugins, f"{path}: plugins"),
        exposed=_exposed(path, file.providers),
    )


def _parsed(path: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: no valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{path}: cannot be read: {reason}") from None


def _route(where: str, table: dict[str, object]) -> RouteConfig:
    policy = dict(table)
    targets = policy.pop("targets", None)
    if not isinstance(targets, list) or not targets:
        raise ConfigError(f'{where}: targets is a list of names, as in ["A:x", "B"]')
    names = cast("list[object]", targets)
    for name in names:
        if not isinstance(name, str):
            raise ConfigError(f"{where}: targets: {name!r} is no name")
    return RouteConfig(targets=tuple(cast("list[str]", names)), policy=policy)


def _provider(where: str, table: dict[str, object]) -> ProviderConfig:
    options = dict(table)
    plugin = options.pop("plugin", None)
    if plugin is not None and not isinstance(plugin, str):
        raise ConfigError(f"{where}: plugin: {plugin!r} is no name of a provider")
    key = options.get("api_key")
    if not isinstance(key, str):
        return ProviderConfig(plugin=plugin, options=options)
    if key.startswith(_VARIABLE):
        del options["api_key"]
        name = key.removeprefix(_VARIABLE)
        return ProviderConfig(plugin=plugin, key_variable=name, options=options)
    options["api_key"] = Secret(key)
    return ProviderConfig(plugin=plugin, options=options)


def _exposed(path: Path, providers: dict[str, dict[str, object]]) -> tuple[str, ...]:
    names = tuple(
        name
        for name, table in providers.items()
        if not str(table.get("api_key", _VARIABLE)).startswith(_VARIABLE)
    )
    # Elsewhere the bits say nothing of who can read a file.
    if not names or os.name != "posix" or not path.stat().st_mode & 0o077:
        return ()
    _log.warning("%s holds keys and others can read it; run: chmod 600 %s", path, path)
    return names
