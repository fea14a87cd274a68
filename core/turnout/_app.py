"""The process's own turnout: its configuration, its plugins, and what they make.

The public functions of `turnout` stand on one `App`, made at the first call and kept,
since plugins are a matter of the process. Whoever wants another makes an `App`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import cast

from turnout._config import Config, find_config, read_config
from turnout._environment import variable
from turnout._hooks import PluginHooks
from turnout._names import did_you_mean, fold, nearest
from turnout._plugins import PluginHost, SetAside
from turnout._registry import ProviderEntry, Registry
from turnout._resolve import Explanation, Resolver
from turnout.errors import PluginError, UnknownProviderError
from turnout.fallback import Route
from turnout.provider import BoundTarget, Provider

__all__ = ["App", "current_app"]


class App:
    """A configuration with the plugins that it lets in.

    Args:
        config: None means the file that is found.

    Raises:
        ConfigError: The configuration is wrong.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config = read_config(find_config()) if config is None else config
        disabled = variable("TURNOUT_DISABLE_PLUGINS") not in {None, "0"}
        self.host = PluginHost(self.config.plugins, own_only=disabled)
        self._registry: Registry | None = None
        self._hooks: PluginHooks | None = None
        self._known = -1

    @property
    def registry(self) -> Registry:
        """What the plugins declare that are loaded by now."""
        self._refresh()
        assert self._registry is not None
        return self._registry

    @property
    def hooks(self) -> PluginHooks:
        """What the plugins that are loaded by now say to requests."""
        self._refresh()
        assert self._hooks is not None
        return self._hooks

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Every plugin and claim that is not used, with its error."""
        return (*self.host.set_aside, *self.registry.conflicts)

    def load_all(self) -> Registry:
        """Load every plugin and return what they declare."""
        self.host.load_all()
        return self.registry

    def provider(self, name: str, options: Mapping[str, object]) -> Provider:
        """Return a provider by name; see `turnout.get_provider`."""
        return self._made(self._entry(name), options)

    def route(self, targets: tuple[object, ...], policy: Mapping[str, object]) -> Route:
        """Return a route over targets in any form; see `turnout.fallback`."""
        made: dict[str, Provider] = {}
        bound: dict[tuple[int, str], BoundTarget] = {}
        for target in targets:
            for one in self._bound(target, made):
                bound.setdefault((id(one.provider), one.model), one)
        return Route(tuple(bound.values()), policy, order=self.hooks.ordering)

    def route_for(self, name: str | None) -> Route:
        """Return the route that a name means: the configuration's, or whoever it is."""
        found = self.explain(name)
        policy = self.config.routes[found.route].policy if found.route else None
        made: dict[str, Provider] = {}
        targets = tuple(
            BoundTarget(self._once(target.provider, made), target.model)
            for target in found.targets
        )
        return Route(targets, policy, order=self.hooks.ordering)

    def explain(self, name: str | None) -> Explanation:
        """Return whom a name means; see `turnout.explain`."""
        self.load_all()
        return self._resolver.explain(name)

    @property
    def _resolver(self) -> Resolver:
        return Resolver(
            self.registry,
            self.config,
            self.key_at_hand,
            [aside.name for aside in self.set_aside],
        )

    def key_at_hand(self, entry: ProviderEntry) -> bool:
        """Tell whether a provider's key is there."""
        name = entry.info.key_variable
        return "api_key" in entry.options or (
            name is not None and variable(name) is not None
        )

    def _refresh(self) -> None:
        for name in self.config.plugins.always:
            self.host.load(name)
        plugins = self.host.plugins
        if len(plugins) != self._known or self._registry is None:
            self._known = len(plugins)
            self._registry = Registry(plugins, self.config)
            self._hooks = PluginHooks(self.host)

    def _entry(self, name: str) -> ProviderEntry:
        """Return a provider, loading as few plugins as will do."""
        wanted = next(
            (
                table.plugin
                for own, table in self.config.providers.items()
                if table.plugin is not None and fold(own) == fold(name)
            ),
            name,
        )
        if fold(wanted) not in map(fold, self.config.plugins.choose):
            self.host.load(wanted)
            entry = self.registry.provider(name)
            if entry is not None:
                return entry
        registry = self.load_all()
        entry = registry.provider(name)
        if entry is not None:
            return entry
        contested = registry.contested.get(fold(name))
        if contested is not None:
            raise contested
        for aside in self.host.set_aside:
            if fold(aside.name) == fold(name):
                raise aside.error
        raise UnknownProviderError(self._unknown(name, registry))

    def _unknown(self, name: str, registry: Registry) -> str:
        known = tuple(registry.providers)
        guesses = did_you_mean(nearest(name, known))
        if not guesses and known:
            guesses = f"; there are {', '.join(known)}"
        aside = ", ".join(repr(one.name) for one in self.set_aside)
        hint = f"; these plugins are set aside, see `turnout plugins`: {aside}"
        return f"unknown provider {name!r}{guesses}{hint if aside else ''}"

    def _made(self, entry: ProviderEntry, options: Mapping[str, object]) -> Provider:
        info = entry.info
        cls = cast("type[Provider]", info.provider_class)
        try:
            provider = cls(info=info, **{**entry.options, **options})
        except TypeError as error:
            raise PluginError(
                f"provider {info.name!r} of {entry.plugin} cannot be made: {error}"
            ) from error
        provider.hooks = self.hooks if self.hooks.watching else None
        return provider

    def _once(self, name: str, made: dict[str, Provider]) -> Provider:
        if name not in made:
            made[name] = self.provider(name, {})
        return made[name]

    def _bound(self, target: object, made: dict[str, Provider]) -> list[BoundTarget]:
        if isinstance(target, BoundTarget):
            return [target]
        if isinstance(target, Provider):
            return [target.target()]
        found = self.explain(cast("str", target))
        return [
            BoundTarget(self._once(one.provider, made), one.model)
            for one in found.targets
        ]


@cache
def current_app() -> App:
    """Return the process's own."""
    return App()
