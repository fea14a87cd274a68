"""Find plugins, load those that are wanted, and keep a broken one from hurting.

An entry point is known by its name before anything of it is imported, so that one
provider can be loaded without the others. pluggy's own loader is not used, as it
lets one plugin's error end the program.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import pluggy

from turnout import hookspecs
from turnout._names import fold
from turnout.errors import PluginError
from turnout.provider import Provider
from turnout.types import ModelInfo, ProviderInfo

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "OWN", "Plugin", "PluginHost", "PluginRules", "SetAside"]

GROUP = "turnout"
"""The group of entry points."""

OWN = "turnout"
"""The distribution that brings turnout itself and its first providers."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A plugin that is not used, or not for a name that it claims, and why."""

    name: str
    distribution: str
    version: str
    error: PluginError


@dataclass(frozen=True, slots=True, kw_only=True)
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
        self._plugins: dict[str, Plugin] = {}
        self._set_aside: list[SetAside] = []
        self._tried: set[EntryPoint] = set()
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)

    @cached_property
    def entry_points(self) -> tuple[EntryPoint, ...]:
        """What is installed and may be loaded, by name."""
        from importlib.metadata import entry_points

        found = sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value))
        return tuple(entry for entry in found if self._may_load(entry))

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins that are loaded, by name."""
        return tuple(self._plugins[key] for key in sorted(self._plugins))

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """The plugins that were to be loaded and are not used."""
        return tuple(self._set_aside)

    def load(self, name: str) -> bool:
        """Load the plugins whose entry points bear a name; tell whether there are any.

        Args:
            name: As a user wrote it.
        """
        exact = [entry for entry in self.entry_points if entry.name == name]
        folded = fold(name)
        wanted = exact or [e for e in self.entry_points if fold(e.name) == folded]
        for entry in wanted:
            self._load(entry)
        return bool(wanted)

    def load_all(self) -> None:
        """Load every plugin."""
        for entry in self.entry_points:
            self._load(entry)

    def implementations(self, hook: str) -> list[tuple[Plugin, Callable[..., Any]]]:
        """Return who implements a hook, by name, each to be called on its own.

        Each takes the specification's arguments as keywords.
        """
        caller = getattr(self._manager.hook, hook)
        found = sorted(caller.get_hookimpls(), key=lambda impl: impl.plugin_name)
        return [
            (self._plugins[impl.plugin_name], _accepting(impl))
            for impl in found
            if impl.plugin_name in self._plugins
        ]

    def add_commands(self, cli: object) -> None:
        """Let the plugins add commands; one that raises is set aside."""
        for plugin, add in self.implementations("turnout_commands"):
            try:
                add(cli=cli)
            except Exception as error:  # noqa: BLE001 whatever a plugin raises
                failure = _raised(plugin.name, "turnout_commands", error)
                self._put_aside(
                    plugin.name, plugin.distribution, plugin.version, failure
                )

    def _may_load(self, entry: EntryPoint) -> bool:
        rules = self.rules
        if self._own_only and _distribution(entry)[0] != OWN:
            return False
        name = fold(entry.name)
        if name in map(fold, rules.deny):
            return False
        return rules.allow is None or name in map(fold, rules.allow)

    def _load(self, entry: EntryPoint) -> None:
        if entry in self._tried:
            return
        self._tried.add(entry)
        distribution, version = _distribution(entry)
        plugin = Plugin(name=entry.name, distribution=distribution, version=version)
        key = (
            entry.name if entry.name not in self._plugins else f"{entry.name} {plugin}"
        )
        try:
            module = _imported(entry)
            _check_api(entry.name, module)
            self._manager.register(module, name=key)
            self._check_hooks(key, entry.name)
            # Known from here on, so that `implementations` has it.
            self._plugins[key] = plugin
            self._plugins[key] = self._declared(key, plugin)
        except PluginError as error:
            self._unload(key)
            self._put_aside(entry.name, distribution, version, error)
        except pluggy.PluginValidationError as error:
            self._unload(key)
            failure = PluginError(f"plugin {entry.name!r} was refused: {error}")
            self._put_aside(entry.name, distribution, version, failure)
        except ValueError as error:  # The same object is registered already.
            failure = PluginError(f"plugin {entry.name!r} was refused: {error}")
            self._put_aside(entry.name, distribution, version, failure)

    def _declared(self, key: str, plugin: Plugin) -> Plugin:
        """Return the plugin with what its hooks declare."""

        def ask(hook: str) -> Any:
            for owner, call in self.implementations(hook):
                if owner is self._plugins[key]:
                    try:
                        return call()
                    except Exception as error:
                        raise _raised(plugin.name, hook, error) from error
            return None

        return replace(
            plugin,
            providers=tuple(
                _provider_info(plugin.name, item)
                for item in _listed(plugin.name, ask("turnout_providers"))
            ),
            models=tuple(
                _checked_model(plugin.name, item)
                for item in _listed(plugin.name, ask("turnout_models"))
            ),
            aliases=_checked_aliases(plugin.name, ask("turnout_aliases")),
        )

    def _check_hooks(self, key: str, name: str) -> None:
        """Refuse hooks that would never do what their author meant."""
        for caller in (
            self._manager.get_hookcallers(self._manager.get_plugin(key)) or ()
        ):
            if not caller.has_spec():
                raise PluginError(
                    f"plugin {name!r} implements {caller.name}, which is no hook; the "
                    f"hooks are {', '.join(_hooks())}"
                )
            for impl in caller.get_hookimpls():
                if impl.plugin_name != key:
                    continue
                function = impl.function
                if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(
                    function
                ):
                    raise PluginError(
                        f"plugin {name!r} has an `async def` {caller.name}, which "
                        "nobody would await; a hook is a plain function"
                    )
                if impl.wrapper or impl.hookwrapper:
                    raise PluginError(
                        f"plugin {name!r} wraps {caller.name}; plugins are asked one "
                        "by one, so that there is nothing to wrap"
                    )

    def _unload(self, key: str) -> None:
        self._plugins.pop(key, None)
        if self._manager.has_plugin(key):
            self._manager.unregister(name=key)

    def _put_aside(
        self, name: str, distribution: str, version: str, error: PluginError
    ) -> None:
        self._set_aside.append(
            SetAside(name=name, distribution=distribution, version=version, error=error)
        )


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the distribution that brings an entry point."""
    distribution = entry.dist
    if distribution is None:
        return "?", "?"
    return distribution.name, distribution.version


def _imported(entry: EntryPoint) -> object:
    try:
        return cast("object", entry.load())
    except Exception as error:
        raise PluginError(
            f"plugin {entry.name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _raised(name: str, hook: str, error: Exception) -> PluginError:
    failure = PluginError(
        f"plugin {name!r} raised in {hook}: {type(error).__name__}: {error}"
    )
    failure.__cause__ = error
    return failure


def _check_api(name: str, module: object) -> None:
    """Refuse a plugin that was written for other versions of the interface."""
    match getattr(module, "turnout_api", None):
        case None:
            return
        case (int() as first, int() as last):
            pass
        case declared:
            raise PluginError(
                f"plugin {name!r} says turnout_api = {declared!r}; it is the first and "
                "the last version that it was written for, as in (1, 1)"
            )
    if not first <= hookspecs.API_VERSION <= last:
        raise PluginError(
            f"plugin {name!r} was written for versions {first} to {last} of turnout's "
            f"plugin API; this turnout has version {hookspecs.API_VERSION}"
        )


def _hooks() -> list[str]:
    return sorted(name for name in vars(hookspecs) if name.startswith("turnout_"))


def _accepting(impl: pluggy.HookImpl) -> Callable[..., Any]:
    """Return an implementation that is given only the arguments that it takes."""
    function, names = impl.function, impl.argnames

    def call(**arguments: object) -> Any:
        return function(*(arguments[name] for name in names))

    return call


def _listed(name: str, answer: object) -> Iterable[object]:
    if answer is None:
        return ()
    kind = type(answer).__name__
    if not isinstance(answer, Iterable) or isinstance(answer, str | Mapping):
        raise PluginError(f"plugin {name!r} gave a {kind} where a list is expected")
    return cast("Iterable[object]", answer)


def _provider_info(name: str, item: object) -> ProviderInfo:
    """Return what a plugin gave for a provider as a row that has its class."""
    if isinstance(item, type) and issubclass(item, Provider):
        info = getattr(item, "info", None)
        if isinstance(info, ProviderInfo):
            return replace(info, provider_class=item)
        raise PluginError(f"plugin {name!r}: {item.__name__} has no `info`")
    if isinstance(item, ProviderInfo):
        if item.provider_class is not None and issubclass(
            item.provider_class, Provider
        ):
            return item
        raise PluginError(f"plugin {name!r}: {item.name!r} has no provider_class")
    raise PluginError(
        f"plugin {name!r} gave {item!r} for a provider; it is a Provider's class or a "
        "ProviderInfo"
    )


def _checked_model(name: str, item: object) -> ModelInfo:
    if isinstance(item, ModelInfo) and item.provider:
        return item
    raise PluginError(
        f"plugin {name!r} gave {item!r} for a model; it is a ModelInfo that names its "
        "provider"
    )


def _checked_aliases(name: str, answer: object) -> Mapping[str, str]:
    if answer is None:
        return {}
    if isinstance(answer, Mapping):
        aliases = cast("Mapping[object, object]", answer)
        if all(isinstance(item, str) for pair in aliases.items() for item in pair):
            return dict(cast("Mapping[str, str]", aliases))
    raise PluginError(f"plugin {name!r} gave aliases that are no mapping of texts")
