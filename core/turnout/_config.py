"""Find and read the configuration file, `turnout.toml`."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from stat import S_ISREG
from typing import cast

from turnout._environment import FromEnvironment, SecretReference, variable
from turnout._frozen import frozen
from turnout._keyring import FromKeyring
from turnout._names import fold, nearest
from turnout._plugins import PluginRules
from turnout._validation import checked, hidden, shown
from turnout.errors import ArgumentError, ConfigError
from turnout.types import Secret

__all__ = [
    "CliConfig",
    "Config",
    "ProviderConfig",
    "RouteConfig",
    "find_config",
    "read_config",
    "unseen_config",
    "users_config",
]

_NAME = "turnout.toml"

_KEYS = {"api_key", "base_url", "headers"}
"""The options of a provider that hold keys, or may hold one by mistake."""

_PATHS = ("ca_file", "client_certificate", "client_key")
"""The options of a provider that name files, relative to the configuration's folder."""

_log = logging.getLogger("turnout")


@frozen
class RouteConfig:
    """A table of `routes`: its targets in their order, and the policy's fields."""

    targets: tuple[str, ...]
    options: Mapping[int, Mapping[str, object]] = field(
        default_factory=dict[int, Mapping[str, object]], repr=False
    )
    """Options of requests to a target, by its position among the targets."""
    policy: Mapping[str, object] = field(default_factory=dict[str, object])


@frozen
class ProviderConfig:
    """A table of `providers`: options of a provider, or another instance of one."""

    plugin: str | None = None
    """The provider that this is an instance of; None means the one of the same name."""
    key_variable: str | None = None
    """The environment variable that holds its key: `api_key = "env:NAME"`."""
    # Not in the repr, as a proxy's address may have a password.
    options: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)


@frozen
class CliConfig:
    """The table `cli`: options of the command line."""

    log: bool = True
    """Whether `turnout chat` stores its conversations."""


@frozen
class Config:
    """The content of the configuration file, which is optional."""

    path: Path | None = None
    """The file that was read; None without one."""
    order: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    routes: Mapping[str, RouteConfig] = field(default_factory=dict[str, RouteConfig])
    providers: Mapping[str, ProviderConfig] = field(
        default_factory=dict[str, ProviderConfig]
    )
    plugins: PluginRules = field(default_factory=PluginRules)
    cli: CliConfig = field(default_factory=CliConfig)
    exposed: tuple[str, ...] = ()
    """The providers with a key in the file itself, if other users can read it."""

    def table_of(self, provider: str) -> tuple[str, ProviderConfig] | None:
        """Return the name of a provider as the file has it, and its table."""
        for name, table in self.providers.items():
            if fold(name) == fold(provider):
                return name, table
        return None


@frozen
class _File:
    """The top level of the file, before its tables are checked."""

    order: tuple[str, ...] = ()
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    routes: dict[str, dict[str, object]] = field(
        default_factory=dict[str, dict[str, object]]
    )
    providers: dict[str, dict[str, object]] = field(
        default_factory=dict[str, dict[str, object]]
    )
    plugins: dict[str, object] = field(default_factory=dict[str, object])
    cli: dict[str, object] = field(default_factory=dict[str, object])


def find_config() -> Path | None:
    """Return the file to read: TURNOUT_CONFIG's, the working directory's, the user's.

    Raises:
        ConfigError: TURNOUT_CONFIG does not name a file that can be read.
    """
    named = variable("TURNOUT_CONFIG")
    if named is not None:
        fault = _fault_of_named(named)
        if fault is None:
            return Path(named).expanduser()
        raise ConfigError(f"TURNOUT_CONFIG names {named!r}, {fault}")
    here = Path(_NAME)
    if _is_file(here):
        return here.absolute()
    users = users_config()
    return users if users is not None and _is_file(users) else None


def _fault_of_named(named: str) -> str | None:
    try:
        found = Path(named).expanduser().stat()
    except RuntimeError:
        return "whose home directory is not known; write the full path"
    except (FileNotFoundError, NotADirectoryError):
        return "which is not a file; correct it"
    except OSError as error:
        return f"which cannot be read: {error.strerror}"
    return None if S_ISREG(found.st_mode) else "which is not a file; correct it"


def _is_file(path: Path) -> bool:
    """Return whether a file exists; False if its folder cannot be read."""
    try:
        return path.is_file()
    except OSError:  # See `unseen_config`.
        return False


def users_config() -> Path | None:
    """Return the path of the user's own file, which may not exist.

    None without a home directory, as for a user without an entry in passwd.
    """
    from platformdirs import user_config_path

    try:
        return user_config_path("turnout", appauthor=False) / _NAME
    except RuntimeError:
        return None


def unseen_config() -> str | None:
    """Return why a configuration that may exist is not read; None if none exists.

    turnout works without a configuration in a folder that it may not read.
    """
    for path in filter(None, (Path(_NAME), users_config())):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            pass  # It does not exist.
        except OSError as error:
            place = path if path.is_absolute() else f"{_NAME} in the working directory"
            return f"{place} cannot be read: {error.strerror}"
    return None


def read_config(path: Path | None) -> Config:
    """Return the configuration in a file.

    Args:
        path: As `find_config` returns it; None means an empty configuration.

    Raises:
        ConfigError: The file cannot be read, or a value in it is wrong; the message
            names the file, the key and what is expected there.
    """
    if path is None:
        return Config()
    try:
        return _read(path)
    except RecursionError:
        message = f"{path}: arrays or tables are nested too deeply; flatten them"
    # Outside the handler: its frames hold the file's text, which may have keys.
    raise ConfigError(message)


def _read(path: Path) -> Config:
    file = checked(_File, _parsed(path), str(path))
    _check_names(path, file.providers)
    _check_routes(path, file)
    return Config(
        path=path,
        order=file.order,
        aliases=file.aliases,
        routes={
            name: _route(f"{path}: routes.{name}", table)
            for name, table in file.routes.items()
        },
        providers={
            name: _provider(f"{path}: providers.{name}", _with_paths(path, table))
            for name, table in file.providers.items()
        },
        plugins=checked(PluginRules, file.plugins, f"{path}: plugins"),
        cli=checked(CliConfig, file.cli, f"{path}: cli"),
        exposed=_exposed(path, file.providers),
    )


def _parsed(path: Path) -> dict[str, object]:
    import tomllib

    try:
        # Some editors begin a file with a byte order mark.
        return _without_keys(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        message = f"{path}: cannot be read: {reason}"
    except ValueError as error:  # int() raises it too, for too many digits.
        message = f"{path}: is not valid TOML: {error}"
    # Outside the handlers: their frames hold the file's text, which may have keys.
    raise ConfigError(message)


def _without_keys(file: dict[str, object]) -> dict[str, object]:
    """Return the file with its keys as `Secret`, so that no error shows them."""
    for table in _tables(file.get("providers")):
        table.update(cast("dict[str, object]", _with_references(table)))
        for name in _KEYS & table.keys():
            table.update(hidden({name: table[name]}))
    return file


def _with_references(value: object) -> object:
    """Return a value with each string such as `env:NAME` as a `SecretReference`."""
    if isinstance(value, str):
        for reference in (FromEnvironment, FromKeyring):
            if value.startswith(reference.PREFIX):
                return reference(value)
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        return {name: _with_references(item) for name, item in table.items()}
    if isinstance(value, list):
        return [_with_references(item) for item in cast("list[object]", value)]
    return value


def _tables(value: object) -> list[dict[str, object]]:
    """Return the tables in a table that is not checked yet."""
    if not isinstance(value, dict):
        return []
    values = cast("dict[str, object]", value).values()
    return [cast("dict[str, object]", v) for v in values if isinstance(v, dict)]


def _check_names(path: Path, providers: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in providers:
        if ":" in name or not fold(name) or not name.isprintable():
            raise ConfigError(
                f"{path}: providers: {name!r} is not a valid name of a provider; use "
                "printable characters, and no colon"
            )
        other = seen.setdefault(fold(name), name)
        if other != name:
            raise ConfigError(
                f"{path}: providers.{name}: the same name as providers.{other}, as "
                "case, `-`, `_` and spaces are ignored; merge the two tables"
            )


def _check_routes(path: Path, file: _File) -> None:
    """Refuse a route with the name of an alias or a provider that the file defines.

    The route would hide it. A route may have the name of a provider that the file does
    not define: so a route replaces a provider.
    """
    instances = {fold(n) for n, table in file.providers.items() if "plugin" in table}
    for name in file.routes:
        taken = "an alias" if name in file.aliases else ""
        if fold(name) in instances:
            taken = "a provider"
        if taken:
            raise ConfigError(
                f"{path}: routes.{name}: {taken} has the same name; use another"
            )


def _route(where: str, table: dict[str, object]) -> RouteConfig:
    policy = dict(table)
    given = policy.pop("targets", None)
    if given is None:
        meant = nearest("targets", policy, most=1)
        if meant:
            raise ConfigError(
                f"{where}: unknown option {meant[0]!r}; did you mean 'targets'?"
            )
    if not isinstance(given, list) or not given:
        raise ConfigError(
            f'{where}: targets is missing or not a list of names; write ["A:x", "B"]'
        )
    names: list[str] = []
    options: dict[int, Mapping[str, object]] = {}
    for index, target in enumerate(cast("list[object]", given)):
        name, own = _target(f"{where}: targets[{index}]", target)
        names.append(name)
        if own:
            options[index] = own
    return RouteConfig(targets=tuple(names), options=options, policy=policy)


def _target(where: str, value: object) -> tuple[str, Mapping[str, object]]:
    """Return the name of a target, and the options of requests to it."""
    table: dict[str, object] = {"target": value}
    if isinstance(value, dict):
        table = dict(cast("dict[str, object]", value))
    if "target" not in table:
        raise ConfigError(
            f'{where}: target is missing; add it, as in {{ target = "A:x" }}'
        )
    name = table.pop("target")
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{where}: {shown(name)} is not the name of a target")
    if table:
        from turnout._target_options import checked_options

        try:
            checked_options(table)
        except ArgumentError as error:
            raise ConfigError(f"{where}: {error}") from None
    return name, table


def _with_paths(path: Path, table: dict[str, object]) -> dict[str, object]:
    """Return a provider's table with its paths resolved from the file's folder."""
    paths: dict[str, object] = {}
    for name in _PATHS:
        value = table.get(name)
        if isinstance(value, str) and value and not value.startswith("~"):
            paths[name] = str(path.absolute().parent / value)
    return table | paths


def _provider(where: str, table: dict[str, object]) -> ProviderConfig:
    options = dict(table)
    plugin = options.pop("plugin", None)
    if plugin is not None and (not isinstance(plugin, str) or not plugin):
        raise ConfigError(
            f"{where}: plugin: {shown(plugin)} is not the name of a provider"
        )
    key = options.get("api_key")
    given = isinstance(key, Secret) and key.reveal().strip()
    name = key.name if isinstance(key, SecretReference) else ""
    if key is None or given or (name and isinstance(key, FromKeyring)):
        return ProviderConfig(plugin=plugin, options=options)
    if not name:
        raise ConfigError(
            f'{where}: api_key is not a key; set the key, or "env:NAME" for the '
            "environment variable that has it"
        )
    del options["api_key"]
    return ProviderConfig(plugin=plugin, key_variable=name, options=options)


def _exposed(path: Path, providers: dict[str, dict[str, object]]) -> tuple[str, ...]:
    names = tuple(name for name, table in providers.items() if _holds_key(table))
    # On other systems the mode does not say who can read a file.
    if not names or os.name != "posix" or not path.stat().st_mode & 0o077:
        return ()
    _log.warning(
        "%s has keys and other users can read it; run: chmod 600 %s", path, path
    )
    return names


def _holds_key(table: dict[str, object]) -> bool:
    headers = table.get("headers")
    values = [table.get("api_key")]
    if isinstance(headers, dict):
        values += cast("dict[str, object]", headers).values()
    return any(isinstance(value, Secret) for value in values)
