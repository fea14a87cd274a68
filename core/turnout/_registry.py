"""What is known: providers, their models, and the aliases of plugins.

Made of what plugins declare and the configuration says, once for each set of
loaded plugins; it reads nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from turnout._catalog import Catalog
from turnout._config import Config, ProviderConfig
from turnout._names import Suggester, fold
from turnout._plugins import OWN, Plugin, SetAside
from turnout.errors import ConfigError, PluginError
from turnout.types import ModelInfo, ProviderInfo, Target

__all__ = ["ProviderEntry", "Registry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEntry:
    """A provider that can be asked for by name."""

    info: ProviderInfo
    """With the models that plugins and the name that the configuration gave it."""
    plugin: Plugin
    catalog: Catalog
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """From the configuration."""


class Registry:
    """Everything that can be asked for, by its names.

    Args:
        plugins: The plugins that are loaded, by name.
        config: The configuration.

    Raises:
        ConfigError: The configuration is about a provider that is not there, where
            all plugins are loaded.
    """

    def __init__(self, plugins: Sequence[Plugin], config: Config) -> None:
        self.conflicts: list[SetAside] = []
        """The claims to a name that lost, each with an error that tells of both."""
        self.contested: dict[str, PluginError] = {}
        """The names that nobody got, folded."""
        self._by_fold: dict[str, ProviderEntry] = {}
        self.aliases: dict[str, str] = {}
        """Those of plugins, each with what it means."""
        owners = self._owners(plugins, config)
        models = _added_models(plugins)
        for info, plugin in owners:
            self._add(info, plugin, config.providers.get(info.name), models)
        self._add_instances(config)
        for plugin in plugins:
            for alias, meaning in plugin.aliases.items():
                self.aliases.setdefault(alias, meaning)

    @cached_property
    def providers(self) -> dict[str, ProviderEntry]:
        """The providers, by name, in the order of their names."""
        entries = sorted(self._by_fold.values(), key=lambda e: e.info.name.casefold())
        return {entry.info.name: entry for entry in entries}

    def provider(self, name: str) -> ProviderEntry | None:
        """Return a provider: exactly, or without regard to case, `-`, `_`, spaces."""
        return self._by_fold.get(fold(name))

    def serving(self, name: str) -> list[Target]:
        """Return who serves a model of a name or has it as an alias."""
        return self._models.get(name) or self._folded_models.get(name.casefold(), [])

    @cached_property
    def suggester(self) -> Suggester:
        """Finds the names nearest to one that nobody bears."""
        return Suggester(
            chain(
                (entry.info.name for entry in self._by_fold.values()),
                self.aliases,
                self._models,
            )
        )

    @cached_property
    def _models(self) -> dict[str, list[Target]]:
        found: dict[str, list[Target]] = {}
        for entry in self.providers.values():
            for name, model in _names(entry.catalog):
                found.setdefault(name, []).append(Target(entry.info.name, model))
        return found

    @cached_property
    def _folded_models(self) -> dict[str, list[Target]]:
        found: dict[str, list[Target]] = {}
        for name, targets in self._models.items():
            others = found.setdefault(name.casefold(), [])
            others += [target for target in targets if target not in others]
        return found

    def _owners(
        self, plugins: Sequence[Plugin], config: Config
    ) -> list[tuple[ProviderInfo, Plugin]]:
        """Return each provider once, with the plugin that it is taken from."""
        claims: dict[str, list[tuple[ProviderInfo, Plugin]]] = {}
        for plugin in plugins:
            for info in plugin.providers:
                claims.setdefault(fold(info.name), []).append((info, plugin))
        chosen = {fold(name): dist for name, dist in config.plugins.choose.items()}
        owners: list[tuple[ProviderInfo, Plugin]] = []
        for name, claimants in claims.items():
            owner = _owner(name, claimants, chosen.get(name))
            if owner is not None:
                owners.append(owner)
            losers = [claim for claim in claimants if claim is not owner]
            for info, plugin in losers:
                self._refuse(info, plugin, claimants, owner)
        return owners

    def _refuse(
        self,
        info: ProviderInfo,
        plugin: Plugin,
        claimants: Sequence[tuple[ProviderInfo, Plugin]],
        owner: tuple[ProviderInfo, Plugin] | None,
    ) -> None:
        names = " and ".join(str(claimant) for _, claimant in claimants)
        outcome = "none is used" if owner is None else f"that of {owner[1]} is used"
        error = PluginError(
            f"provider {info.name!r} is claimed by {names}; {outcome}; to choose, put "
            f'{info.name} = "{plugin.distribution}" under [plugins.choose] into '
            "turnout.toml"
        )
        if owner is None:
            self.contested[fold(info.name)] = error
        self.conflicts.append(
            SetAside(
                name=plugin.name,
                distribution=plugin.distribution,
                version=plugin.version,
                error=error,
            )
        )

    def _add(
        self,
        info: ProviderInfo,
        plugin: Plugin,
        config: ProviderConfig | None,
        models: Mapping[str, Sequence[ModelInfo]],
    ) -> None:
        info = _with_models(info, models.get(fold(info.name), ()))
        if config is not None and config.plugin is None:
            self._put(_configured(info, config), plugin, config.options)
        else:
            self._put(info, plugin, {})

    def _add_instances(self, config: Config) -> None:
        """Add the instances that the configuration makes of providers."""
        for name, table in config.providers.items():
            if table.plugin is None:
                continue
            base = self.provider(table.plugin)
            if base is None:
                continue  # Its plugin is not loaded, or `check` will say so.
            if self.provider(name) is not None and fold(name) != fold(table.plugin):
                raise ConfigError(
                    f"{config.path}: providers.{name}: there is a provider of that "
                    "name already; take another"
                )
            info = _configured(replace(base.info, name=name), table)
            self._put(info, base.plugin, {**base.options, **table.options})

    def _put(
        self, info: ProviderInfo, plugin: Plugin, options: Mapping[str, object]
    ) -> None:
        self._by_fold[fold(info.name)] = ProviderEntry(
            info=info, plugin=plugin, catalog=Catalog(info), options=options
        )


def _owner(
    name: str,
    claimants: Sequence[tuple[ProviderInfo, Plugin]],
    chosen: str | None,
) -> tuple[ProviderInfo, Plugin] | None:
    """Return whose a name is; None where that cannot be told.

    The configuration's choice goes first; then turnout's own, so that installing a
    package never replaces a provider that comes with turnout; then the plugin whose
    entry point bears the name, which is the one that is found by it.
    """
    if len(claimants) == 1:
        return claimants[0]
    marks = [
        (
            plugin.distribution == chosen,
            plugin.distribution == OWN,
            fold(plugin.name) == name,
        )
        for _, plugin in claimants
    ]
    for by_rule in zip(*marks, strict=True):
        if sum(by_rule) == 1:
            return claimants[by_rule.index(True)]
    return None


def _added_models(plugins: Iterable[Plugin]) -> dict[str, list[ModelInfo]]:
    """Return the models that plugins add, by their providers' folded names."""
    added: dict[str, dict[str, ModelInfo]] = {}
    for plugin in plugins:
        for model in plugin.models:
            added.setdefault(fold(model.provider), {}).setdefault(model.name, model)
    return {provider: list(models.values()) for provider, models in added.items()}


def _with_models(info: ProviderInfo, added: Sequence[ModelInfo]) -> ProviderInfo:
    if not added:
        return info
    models = {model.name: model for model in (*info.model_infos, *added)}
    # The order stays, since the first model is the default one.
    return replace(info, models=tuple(models.values()))


def _configured(info: ProviderInfo, config: ProviderConfig) -> ProviderInfo:
    if config.key_variable is None:
        return info
    return replace(info, key_variable=config.key_variable)


def _names(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield every name of every model of a provider, with the model."""
    for model in catalog.models:
        yield model, model
    for alias, model in catalog.aliases.items():
        if alias not in catalog.models:
            yield alias, model
