"""Find plugins, load those that are wanted, and keep a broken one from hurting.

An entry point is known by its name before anything of it is imported, so that one
provider can be loaded without the others. pluggy's own loader is not used, as it
lets one plugin's error end the program.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from importlib.machinery import ExtensionFileLoader
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pluggy

from turnout import hookspecs
from turnout._declarations import (
    check_api,
    check_arguments,
    check_hook,
    read_aliases,
    read_models,
    read_providers,
)
from turnout._distributions import (
    BrokenDistribution,
    Installed,
    identity,
    installed,
    unreadable,
)
from turnout._frozen import frozen
from turnout._names import fold
from turnout._version import VERSION
from turnout.errors import PluginError, TurnoutError
from turnout.types import ModelInfo, ProviderInfo

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "GROUP",
    "OWN",
    "Plugin",
    "PluginHost",
    "PluginRules",
    "SetAside",
    "aside_clause",
    "described",
    "is_plugins_fault",
]

T = TypeVar("T")

GROUP = "turnout"
"""The group of entry points."""

OWN = "turnout"
"""The distribution that brings turnout itself and its first providers."""


@frozen
class Plugin:
    """A plugin that is loaded, and what it declared."""

    name: str
    """Of its entry point."""
    distribution: str
    version: str
    providers: tuple[ProviderInfo, ...] = ()
    """Each with its `provider_class`."""
    models: tuple[ModelInfo, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


@frozen
class SetAside:
    """A plugin that is not used, or not for a name that it claims, and why."""

    name: str
    distribution: str
    version: str
    error: PluginError

    @classmethod
    def of(cls, plugin: Plugin, error: PluginError) -> SetAside:
        """Return what is told of a plugin that an error keeps from use."""
        return cls(
            name=plugin.name,
            distribution=plugin.distribution,
            version=plugin.version,
            error=error,
        )


@frozen
class PluginRules:
    """Which plugins are loaded; the configuration's table `plugins`."""

    allow: tuple[str, ...] | None = None
    """By the names of their entry points; None means all that are installed."""
    deny: tuple[str, ...] = ()
    """By name; goes over `allow`."""
    always: tuple[str, ...] = ()
    """By name; loaded whatever is asked for, as observers may need."""
    choose: dict[str, str] = field(default_factory=dict[str, str])
    """For a provider's name that several distributions claim, whose it is."""


class PluginHost:
    """The plugins of one process, or of one test.

    Args:
        rules: Which ones may be loaded.
        own_only: Whether no other distribution's plugins are loaded than turnout's.
    """

    def __init__(self, rules: PluginRules, *, own_only: bool = False) -> None:
        self.rules = rules
        self._own_only = own_only
        self.plugins: tuple[Plugin, ...] = ()
        """The plugins that are loaded, by name; another tuple once there are others."""
        self._plugins: dict[str, Plugin] = {}
        self._set_aside: list[SetAside] = []
        # By the positions of entry points: those of two distributions may be equal.
        self._keys: dict[int, str] = {}
        self._loading: set[int] = set()
        # A second thread waits for what the first one loads; a plugin that asks for
        # another while it is imported does not.
        self._lock = RLock()
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)

    @cached_property
    def installed(self) -> tuple[EntryPoint, ...]:
        """The entry points of all plugins, those that are kept out too, by name."""
        found = self._distributions.entry_points
        return tuple(sorted(found, key=lambda e: (e.name, e.value)))

    @cached_property
    def has_own(self) -> bool:
        """Whether turnout's own plugins are installed."""
        return any(identity(entry.dist)[0] == OWN for entry in self.installed)

    @cached_property
    def _distributions(self) -> Installed:
        return installed(GROUP, (OWN, VERSION))

    @cached_property
    def entry_points(self) -> tuple[EntryPoint, ...]:
        """What is installed and may be loaded, by name."""
        return tuple(entry for entry in self.installed if self._may_load(entry))

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """The plugins that were to be loaded and are not used.

        Also distributions that seem to have plugins, and whose metadata is broken.
        """
        broken = map(_unread, self._distributions.broken)
        return (*broken, *self._set_aside)

    @property
    def complete(self) -> bool:
        """Whether every plugin that is installed is loaded and in use."""
        return not self.set_aside and len(self._keys) == len(self.installed)

    def broken_packages(self) -> list[SetAside]:
        """Return the packages that are not in `set_aside` and are not read as usual.

        Packages of any kind whose metadata is broken, and further installations of
        turnout or of a plugin. Reads the metadata of all packages.
        """
        known = {(one.name, one.version) for one in self._distributions.broken}
        found = [one for one in unreadable() if (one.name, one.version) not in known]
        return [_unread(one) for one in (*self._distributions.unused, *found)]

    @property
    def kept_out(self) -> tuple[Plugin, ...]:
        """The plugins that are installed and may not be loaded, by name."""
        return tuple(_bare(e) for e in self.installed if not self._may_load(e))

    def keeps_out(self, name: str) -> bool:
        """Tell whether a plugin of a name is installed and may not be loaded."""
        return fold(name) in {fold(plugin.name) for plugin in self.kept_out}

    def load(self, name: str) -> list[Plugin]:
        """Load the plugins whose entry points bear a name; return those in use.

        Args:
            name: As a user wrote it.
        """
        positions = self._by_fold.get(fold(name), ())
        for position in positions:
            self._load(position)
        keys = {self._keys.get(position, "") for position in positions}
        return [self._plugins[key] for key in keys if key in self._plugins]

    def load_all(self) -> None:
        """Load every plugin."""
        if len(self._keys) < len(self.entry_points):
            for position in range(len(self.entry_points)):
                self._load(position)

    def implementations(self, hook: str) -> list[tuple[Plugin, Callable[..., Any]]]:
        """Return who implements a hook, each to be called on its own.

        Those marked `tryfirst` come first and those marked `trylast` last, by name
        within each. Each takes the specification's arguments as keywords.
        """
        caller = getattr(self._manager.hook, hook)
        found = sorted(
            caller.get_hookimpls(),
            key=lambda one: (not one.tryfirst, one.trylast, one.plugin_name),
        )
        return [
            (self._plugins[impl.plugin_name], _accepting(impl))
            for impl in found
            if impl.plugin_name in self._plugins
        ]

    def add_commands(self, cli: object) -> None:
        """Let the plugins add commands; a plugin that raises is set aside."""
        for plugin, add in self.implementations("turnout_commands"):
            try:
                add(cli=cli)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 whatever a plugin raises
                key = next(k for k, used in self._plugins.items() if used is plugin)
                failure = _raised(plugin.name, "turnout_commands", error)
                self._put_aside(key, plugin, failure)

    @cached_property
    def _by_fold(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for position, entry in enumerate(self.entry_points):
            found.setdefault(fold(entry.name), []).append(position)
        return found

    def _may_load(self, entry: EntryPoint) -> bool:
        rules = self.rules
        if self._own_only and identity(entry.dist)[0] != OWN:
            return False
        name = fold(entry.name)
        if name in map(fold, rules.deny):
            return False
        return rules.allow is None or name in map(fold, rules.allow)

    def _load(self, position: int) -> None:
        if position in self._keys:
            return
        with self._lock:
            if position in self._loading or position in self._keys:
                return
            self._loading.add(position)
            try:
                self._keys[position] = self._loaded_as(self.entry_points[position])
            finally:
                # Ctrl-C may have come. Then the next call loads the plugin.
                self._loading.discard(position)

    def _loaded_as(self, entry: EntryPoint) -> str:
        """Load a plugin and return the name that it is registered under.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; the plugin is neither loaded nor set
                aside.
        """
        plugin = _bare(entry)
        key = (
            entry.name if entry.name not in self._plugins else f"{entry.name} {plugin}"
        )
        try:
            module = _imported(entry)
            known = self._known_as(module, plugin.distribution)
            if known is not None:
                return known
            check_api(entry.name, module)
            self._check_arguments(entry.name, module)
            self._manager.register(module, name=key)
            self._check_hooks(key, entry.name)
            self._plugins[key] = self._declared(key, plugin)
            self._note()
        except PluginError as error:
            self._put_aside(key, plugin, error)
        except KeyboardInterrupt:
            self._drop(key)
            raise
        except BaseException as error:  # noqa: BLE001 whatever a plugin's module is
            failure = PluginError(
                f"plugin {entry.name!r} was refused: {described(error)}"
            )
            failure.__cause__ = error
            self._put_aside(key, plugin, failure)
        return key

    def _known_as(self, module: object, distribution: str) -> str | None:
        """Return the name under which another entry point has brought a module.

        A distribution that brings several providers may have one for each.
        """
        key = self._manager.get_name(module)
        if key is None or self._plugins[key].distribution != distribution:
            return None
        return key

    def _declared(self, key: str, plugin: Plugin) -> Plugin:
        """Return the plugin with what its hooks declare."""

        def ask(hook: str, read: Callable[[str, object], T]) -> T:
            caller = getattr(self._manager.hook, hook)
            answers = [
                _accepting(impl)
                for impl in caller.get_hookimpls()
                if impl.plugin_name == key
            ]
            try:
                return read(plugin.name, answers[0]() if answers else None)
            except (PluginError, KeyboardInterrupt):
                raise
            except BaseException as error:
                raise _raised(plugin.name, hook, error) from error

        return replace(
            plugin,
            providers=ask("turnout_providers", read_providers),
            models=ask("turnout_models", read_models),
            aliases=ask("turnout_aliases", read_aliases),
        )

    def _check_arguments(self, name: str, module: object) -> None:
        """Refuse hooks with arguments that their specification does not have."""
        for attribute in dir(module):
            options = self._manager.parse_hookimpl_opts(module, attribute)
            hook = options and (options.get("specname") or attribute)
            if hook and hook.startswith("turnout_") and hasattr(hookspecs, hook):
                check_arguments(name, hook, getattr(module, attribute))

    def _check_hooks(self, key: str, name: str) -> None:
        """Refuse hooks that would never do what their author meant."""
        callers = self._manager.get_hookcallers(self._manager.get_plugin(key))
        if not callers:
            raise PluginError(
                f"plugin {name!r} implements no hook; put @hookimpl before each of them"
            )
        for caller in callers:
            for impl in caller.get_hookimpls():
                check_hook(name, caller, impl)

    def _note(self) -> None:
        self.plugins = tuple(self._plugins[key] for key in sorted(self._plugins))

    def _put_aside(self, key: str, plugin: Plugin, error: PluginError) -> None:
        self._drop(key)
        self._set_aside.append(SetAside.of(plugin, error))

    def _drop(self, key: str) -> None:
        self._plugins.pop(key, None)
        self._note()
        if self._manager.has_plugin(key):
            self._manager.unregister(name=key)


def aside_clause(names: Sequence[str]) -> str:
    """Return the clause of a message that names plugins set aside; empty for none."""
    if not names:
        return ""
    listed = ", ".join(map(repr, names))
    return f"; these plugins are set aside, see `turnout plugins`: {listed}"


def _unread(found: BrokenDistribution) -> SetAside:
    """Return what is said of a distribution whose metadata is not used."""
    return SetAside(
        name=found.name,
        distribution=found.name,
        version=found.version,
        error=PluginError(found.reason),
    )


def _bare(entry: EntryPoint) -> Plugin:
    """Return a plugin before it is loaded, with nothing that it declares."""
    distribution, version = identity(entry.dist)
    return Plugin(name=entry.name, distribution=distribution, version=version)


def _imported(entry: EntryPoint) -> object:
    before = set(sys.modules)
    try:
        return cast("object", entry.load())
    except KeyboardInterrupt:
        _forget(sys.modules.keys() - before, entry.module.partition(".")[0])
        raise
    except BaseException as error:
        raise PluginError(
            f"plugin {entry.name!r} cannot be imported: {described(error)}"
        ) from error


def _forget(imported: Collection[str], package: str) -> None:
    """Remove the modules of an interrupted import, so that the next one runs them.

    Python removes only the modules whose code was interrupted. A submodule that was
    finished stays, but the next import of its package would not set it as an attribute.

    Args:
        imported: The modules that were imported before the interruption.
        package: The plugin's package, of which all of them are removed.
    """
    for name in sorted(imported):
        top, parent = name.partition(".")[0], name.rpartition(".")[0]
        if top != package and (not parent or parent in sys.modules):
            continue
        spec = getattr(sys.modules.get(name), "__spec__", None)
        # Many compiled modules can be imported only once in a process.
        if not isinstance(getattr(spec, "loader", None), ExtensionFileLoader):
            sys.modules.pop(name, None)


def described(error: BaseException) -> str:
    """Return the class and the text of what a plugin raised, on one line."""
    name = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 its `__str__` is a plugin's code too
        text = ""
    return f"{name}: {text}" if text else name


def is_plugins_fault(error: BaseException) -> bool:
    """Tell whether what a plugin's code raised is to become a `PluginError`.

    Not so turnout's own errors, Ctrl-C, and what ends a coroutine from outside.
    """
    if isinstance(error, TurnoutError | KeyboardInterrupt | GeneratorExit):
        return False
    asyncio = sys.modules.get("asyncio")  # It takes long to import.
    if asyncio is None or not isinstance(error, asyncio.CancelledError):
        return True
    try:
        task = asyncio.current_task()
    except RuntimeError:  # No event loop runs.
        return True
    return task is None or not task.cancelling()


def _raised(name: str, hook: str, error: BaseException) -> PluginError:
    failure = PluginError(f"plugin {name!r} raised in {hook}: {described(error)}")
    failure.__cause__ = error
    return failure


def _accepting(impl: pluggy.HookImpl) -> Callable[..., Any]:
    """Return an implementation that is given only the arguments that it takes."""
    function, names = impl.function, impl.argnames

    def call(**arguments: object) -> Any:
        return function(*(arguments[name] for name in names))

    return call
