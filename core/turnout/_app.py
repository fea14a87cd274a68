"""The process's own turnout: its configuration, its plugins, and what they make.

The public functions of `turnout` use one `App` for each process, since plugins are
loaded once in a process. The first call makes it.

The modules of routes are loaded with the first route: most programs ask one provider
and do not need them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, update_wrapper
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, cast

from turnout._config import Config, find_config, read_config, unseen_config
from turnout._environment import variable
from turnout._headers import has_credential
from turnout._hooks import Observation, ObservedHooks, Observers, PluginHooks
from turnout._names import did_you_mean, fold
from turnout._plugins import (
    Plugin,
    PluginHost,
    SetAside,
    aside_clause,
    described,
    is_plugins_fault,
)
from turnout._registry import ProviderEntry, Registry
from turnout._resolve import Resolver, rank
from turnout._suggestions import models_meant, providers_meant
from turnout._validation import checked, kind_of
from turnout.errors import (
    ArgumentError,
    ConfigError,
    PluginError,
    TurnoutError,
    UnknownModelError,
    UnknownProviderError,
    UnsupportedError,
)
from turnout.provider import AttemptHooks, BoundTarget, Provider
from turnout.types import Explanation, Place, Target

if TYPE_CHECKING:
    from turnout.routes import Health, HealthReport, Order, Route
    from turnout.types import TargetOptions

__all__ = ["App", "attempt_hooks", "current_app"]

_OF_REQUESTS = ("turnout._attempt", "turnout.http._client", "turnout.routes._driver")
"""Modules that are imported with the first request."""


class App:
    """A configuration with the plugins that it lets in.

    Args:
        config: None means the file that is found.
        own_only: Whether no other distribution's plugins are let in than turnout's,
            as TURNOUT_DISABLE_PLUGINS has it too.

    Raises:
        ConfigError: The configuration is wrong.
    """

    def __init__(self, config: Config | None = None, *, own_only: bool = False) -> None:
        self._unseen: str | None = None
        """Why a configuration that may be there is not read."""
        if config is None:
            config = read_config(find_config())
            self._unseen = unseen_config() if config.path is None else None
        self.config = config
        self._check_routes()
        self.host = PluginHost(self.config.plugins, own_only=own_only or _own_only())
        self.observers = Observers()
        # What they were made of: the plugins and the observers.
        self._attempt_hooks: (
            tuple[tuple[Plugin, ...], tuple[Observation, ...], AttemptHooks | None]
            | None
        ) = None
        # The registry and the hooks, with the plugins that they were made from.
        self._known: tuple[tuple[Plugin, ...], Registry, PluginHooks] | None = None

    @cached_property
    def target_health(self) -> Health:
        """How targets answered lately, for all routes of the process."""
        from turnout.routes import Health

        return Health()

    @property
    def registry(self) -> Registry:
        """What the plugins declare that are loaded by now."""
        return self._refreshed()[1]

    @property
    def hooks(self) -> PluginHooks:
        """What the plugins that are loaded by now say to requests."""
        return self._refreshed()[2]

    def attempt_hooks(self) -> AttemptHooks | None:
        """Return the hooks and observers of an attempt that begins; None without any.

        It is called for each attempt, whatever made its provider.
        """
        plugins, observations = self.host.plugins, self.observers.all
        known = self._attempt_hooks
        if known is None or known[0] is not plugins or known[1] is not observations:
            hooks = self.hooks
            made: AttemptHooks | None = hooks if hooks.watching else None
            if observations:
                made = ObservedHooks(hooks, observations)
            # Plugins may have been loaded by now: `hooks` loads those of `always`.
            self._attempt_hooks = known = self.host.plugins, observations, made
        return known[2]

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Every plugin and claim that is not used, with its error."""
        return (*self.host.set_aside, *self.registry.conflicts)

    def load_all(self) -> Registry:
        """Load every plugin and return what they declare.

        Raises:
            ConfigError: The configuration is about a provider that is not there,
                though every plugin that is installed is in use.
        """
        self.host.load_all()
        registry = self.registry
        # What is set aside or kept out may be what brings it.
        if self.host.complete and registry.absent is not None:
            raise registry.missing(*registry.absent)
        return registry

    def warm_up(self, names: tuple[str, ...]) -> None:
        """Import what requests need; see `turnout.warm_up`."""
        for module in _OF_REQUESTS:
            import_module(module)
        if not names:
            self.load_all()
        for name in names:
            try:
                self.entry(name)
            except UnknownProviderError:
                self.meaning(name)
        self.attempt_hooks()

    def entry(self, name: str) -> ProviderEntry:
        """Return what is known of a provider, loading as few plugins as will do.

        Raises:
            ArgumentError: It is no text.
            UnknownProviderError: No plugin brings it.
            PluginError: Its plugin is set aside, or several claim the name.
            ConfigError: The configuration's table of that name is wrong.
        """
        if not isinstance(cast("object", name), str):
            raise ArgumentError(f"a provider's name is a text, not {kind_of(name)}")
        table = self.config.table_of(name)
        wanted = name if table is None else table[1].plugin or name
        bearers = self.host.load(wanted)
        self.host.load(name)  # An instance's, for the registry to see if it is taken.
        entry = self.registry.provider(name)
        # Another's claim to the name holds only where all of them are heard.
        if entry is not None and entry.plugin in bearers:
            return entry
        registry = self.load_all()
        entry = registry.provider(name)
        if entry is not None:
            return entry
        self._check_plugin_of(wanted)
        if table is not None and table[1].plugin is not None:
            raise registry.missing(table[0], wanted)
        raise UnknownProviderError(self._unknown(name, registry))

    def provider(self, name: str, options: Mapping[str, object]) -> Provider:
        """Return a provider by name; see `turnout.get_provider`."""
        return self._made(self.entry(name), options)

    def route(self, targets: tuple[object, ...], policy: Mapping[str, object]) -> Route:
        """Return a route over targets in any form; see `turnout.fallback`."""
        made: dict[str, Provider] = {}
        bound: list[BoundTarget] = []
        for target in targets:
            bound += [one for one in self._bound(target, made) if one not in bound]
        return self._route(tuple(bound), policy)

    def route_for(self, name: str | None) -> Route:
        """Return the route that a name means: the configuration's, or whoever it is."""
        found = self.meaning(name)
        if not found.places:
            raise ConfigError(
                "no model was named, and no provider is ready (none has a key or runs "
                "in this process); name a model, or set a key"
            )
        policy = self.config.routes[found.route].policy if found.route else None
        made: dict[str, Provider] = {}
        bound = tuple(self._bound_places(found, made))
        return self._route(bound, policy, found.route or name)

    def _route(
        self,
        targets: tuple[BoundTarget, ...],
        policy: Mapping[str, object] | None,
        name: str | None = None,
    ) -> Route:
        from turnout.routes import Route

        route = Route(targets, policy, health=self.target_health, name=name)
        route.find_health = self.find_health
        route.find_order = self.find_order
        return route

    def find_health(self) -> Health:
        """Return `target_health`; a method, since it can be pickled."""
        return self.target_health

    def find_order(self) -> Order | None:
        """Return the order of the plugins that are loaded by now; None without any."""
        return self.hooks.ordering

    def __deepcopy__(self, memo: object) -> App:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # Routes and providers hold it. In another process they have that process's.
        return current_app, ()

    def health(self) -> tuple[HealthReport, ...]:
        """Return how targets answered lately; see `turnout.health`."""
        return tuple(self.target_health.reports(time.monotonic()))

    def explain(self, name: str | None) -> Explanation:
        """Return which targets a name means, and which are passed over now."""
        found = self.meaning(name)
        made: dict[str, Provider] = {}
        places = tuple(self._placed_now(place, made) for place in found.places)
        return replace(found, places=places)

    def meaning(self, name: str | None) -> Explanation:
        """Return the targets that a name means, whatever their health.

        Raises:
            UnknownModelError: No target has the name.
            PluginError: The plugin of that name is set aside.
            ConfigError: Aliases form a cycle, or the configuration is wrong.
        """
        self.load_all()
        try:
            return self._resolver.explain(name)
        except UnknownModelError:
            self._check_plugin_of((name or "").partition(":")[0])
            raise

    def _check_plugin_of(self, name: str) -> None:
        """Raise the error of a plugin that is set aside, if it has this name."""
        wanted = fold(name)
        aside = (one.error for one in self.host.set_aside if fold(one.name) == wanted)
        error = self.registry.contested.get(wanted) or next(aside, None)
        if error is not None:
            # A new one, since raising adds to an error's traceback each time.
            raise PluginError(*error.args) from error.__cause__

    def suggestions(self, name: str) -> tuple[str, ...]:
        """Return targets that an unknown name may mean, best first."""
        return models_meant(name, self.load_all(), self._rank)

    def _placed_now(self, place: Place, made: dict[str, Provider]) -> Place:
        from turnout.routes import status

        try:
            provider = self._once(place.target.provider, made)
        except TurnoutError as error:
            return replace(place, passed_over=str(error))
        bound = BoundTarget(provider, place.target.model)
        reason = status(bound, self.target_health, time.monotonic())
        return replace(place, passed_over=reason)

    def _check_routes(self) -> None:
        """Refuse what the configuration says of routes where it is wrong."""
        if self.config.routes:
            from turnout.routes import Policy

            for name, route in self.config.routes.items():
                checked(Policy, route.policy, f"{self.config.path}: routes.{name}")

    @property
    def _resolver(self) -> Resolver:
        return Resolver(
            self.registry,
            self.config,
            self.key_at_hand,
            self._aside,
        )

    def key_at_hand(self, entry: ProviderEntry) -> bool:
        """Return whether a provider has a key, or a header in place of it."""
        name, options = entry.info.key_variable, entry.options
        if "api_key" in options or has_credential(options.get("headers")):
            return True
        return name is not None and variable(name) is not None

    def _refreshed(self) -> tuple[tuple[Plugin, ...], Registry, PluginHooks]:
        for name in self.config.plugins.always:
            self.host.load(name)
        known, plugins = self._known, self.host.plugins
        if known is None or known[0] is not plugins:
            registry, hooks = Registry(plugins, self.config), PluginHooks(self.host)
            self._known = known = plugins, registry, hooks
        return known

    def _unknown(self, name: str, registry: Registry) -> str:
        if self.host.keeps_out(name):
            by = "TURNOUT_DISABLE_PLUGINS" if _own_only() else "the configuration"
            advice = f"; its plugin is installed, and kept out by {by}"
            return f"unknown provider {name!r}{advice}{self._aside()}"
        advice = self._model_named(name, registry) or self._entry_point_named(name)
        if advice:
            return f"unknown provider {name!r}: {advice}"
        names = providers_meant(name, registry)
        models = models_meant(name, registry, self._rank)
        models = tuple(one for one in models if one not in names)[:2]
        guess = did_you_mean(names or models)
        if names and models:
            guess = f"{guess[:-1]}, or the model {' or '.join(map(repr, models))}?"
        elif models:
            guess = guess.replace("mean ", "mean the model ", 1)
        elif not names and registry.providers:
            advice = f"; known: {', '.join(registry.providers)}"
        return f"unknown provider {name!r}{advice}{self._aside()}{guess}"

    def _model_named(self, name: str, registry: Registry) -> str:
        """Return what to write if a model is named in place of a provider."""
        if name in self.config.aliases or name in self.config.routes:
            kind = "an alias" if name in self.config.aliases else "a route"
            return f'it is {kind}; write turnout.stream(..., model="{name}")'
        kind, found = "a model", registry.serving(name)
        found.sort(key=lambda one: self._rank(registry.providers[one.provider]))
        if not found:
            kind, found = "a provider with a model", self._written(name, registry)
        if not found:
            return ""
        from shlex import quote

        first, *others = found[:3]
        also = "".join(f" or {str(one)!r}" for one in others)
        return (
            f'it is {kind}; write get_provider("{first.provider}").stream(..., model='
            f'"{first.model}"), turnout.stream(..., model="{first}") or `turnout chat '
            f"-m {quote(str(first))}`{also.replace(' or ', '; it may also be ', 1)}"
        )

    def _entry_point_named(self, name: str) -> str:
        """Return what to write if an entry point's name is not its provider's."""
        for plugin in self.host.plugins:
            if fold(plugin.name) == fold(name) and plugin.providers:
                names = " and ".join(repr(info.name) for info in plugin.providers)
                return (
                    f"it is the entry point of {plugin}, which has the provider "
                    f"{names}; ask for that name, or give the entry point the "
                    "provider's name"
                )
        return ""

    def _written(self, name: str, registry: Registry) -> list[Target]:
        """Return the targets that `provider:model` or `provider/model` may mean."""
        left, _, model = name.replace("/", ":", 1).partition(":")
        if registry.provider(left) is None or not model.strip():
            return []
        meant = models_meant(f"{left}/{model}", registry, self._rank)
        return [Target(*one.split(":", 1)) for one in meant]

    def _rank(self, entry: ProviderEntry) -> int:
        return rank(entry, self.key_at_hand)

    def _aside(self) -> str:
        """Return the clause of a message about what may be missing, and why."""
        clause = aside_clause([one.name for one in self.set_aside])
        if self._unseen is not None:
            clause += f"; {self._unseen}"
        if not self.host.has_own:
            clause += (
                "; turnout's own plugins are not found, as its metadata is missing; "
                "reinstall it, or see docs/frozen.md if this is a frozen program"
            )
        return clause

    def _made(self, entry: ProviderEntry, options: Mapping[str, object]) -> Provider:
        info = entry.info
        cls = cast("type[Provider]", info.provider_class)
        try:
            provider = cls(info=info, **{**entry.options, **options})
        except ConfigError:
            self._check_options(entry, cls)
            raise
        except BaseException as error:  # Whatever a plugin's class raises.
            if not is_plugins_fault(error):
                raise
            advice = ""
            # The call itself failed, and no line of the class was run.
            traceback = error.__traceback__
            if isinstance(error, TypeError) and traceback and not traceback.tb_next:
                advice = (
                    "; write it as `def __init__(self, **options)`, and begin it with "
                    "super().__init__(**options)"
                )
            raise PluginError(
                f"provider {info.name!r} of {entry.plugin} cannot be made: "
                f"{described(error)}{advice}"
            ) from error
        if "options" not in vars(provider):
            try:
                _ = provider.catalog  # Raises, and says what to write.
            except PluginError as error:
                where = f"provider {info.name!r} of {entry.plugin}"
                raise PluginError(f"{where}: {error}") from None
        table = self.config.table_of(info.name)
        if table is not None and table[1].key_variable is not None:
            provider.key_is_named = True
        return provider

    def _check_options(self, entry: ProviderEntry, cls: type[Provider]) -> None:
        """Refuse a provider's options in the configuration by the file's name."""
        if entry.options:
            where = f"{self.config.path}: providers.{entry.info.name}"
            checked(cls.options_type, {**entry.info.options, **entry.options}, where)

    def _once(self, name: str, made: dict[str, Provider]) -> Provider:
        if name not in made:
            made[name] = self.provider(name, {})
        return made[name]

    def _bound(self, target: object, made: dict[str, Provider]) -> list[BoundTarget]:
        if isinstance(target, BoundTarget):
            return [target]
        if isinstance(target, Provider):
            return [target.target()]
        if not isinstance(target, str):
            raise ArgumentError(
                f'a target is a name, a provider or provider.target("model"), not '
                f"{kind_of(target)}"
            )
        return self._bound_places(self.meaning(target), made)

    def _bound_places(
        self, found: Explanation, made: dict[str, Provider]
    ) -> list[BoundTarget]:
        return [self._bound_place(place, found, made) for place in found.places]

    def _bound_place(
        self, place: Place, found: Explanation, made: dict[str, Provider]
    ) -> BoundTarget:
        provider, model = self._once(place.target.provider, made), place.target.model
        if place.options:
            try:
                return provider.target(model, **cast("TargetOptions", place.options))
            except UnsupportedError as error:
                # If the name means several targets, some others may support it.
                if sum(one.options is place.options for one in found.places) == 1:
                    where = f"{self.config.path}: routes.{found.route}"
                    raise ConfigError(f"{where}: {error}") from None
        return BoundTarget(provider, model, place.options)


def _own_only() -> bool:
    return variable("TURNOUT_DISABLE_PLUGINS") not in {None, "0"}


class _Once:
    """Call a function once, and return its result at each call.

    Unlike `functools.cache` it gives threads that call it at the same time one result.

    Args:
        make: A function of a module, by whose name this can be pickled.
    """

    def __init__(self, make: Callable[[], App]) -> None:
        self._make = make
        self._made: App | None = None
        self._lock = RLock()
        update_wrapper(self, make)

    def __call__(self) -> App:
        made = self._made
        return self._first() if made is None else made

    def _first(self) -> App:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def cache_clear(self) -> None:
        """Forget the result, so that the next call makes another."""
        self._made = None

    def __reduce__(self) -> str:
        return self._make.__name__


@_Once
def current_app() -> App:
    """Return the app of the process."""
    return App()


def attempt_hooks() -> AttemptHooks | None:
    """Return the hooks and observers of an attempt that begins in this process."""
    return current_app().attempt_hooks()
