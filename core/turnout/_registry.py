"""What is known: providers, their models, and the aliases of plugins.

Made of what plugins declare and the configuration says, once for each set of
loaded plugins; it reads nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from itertools import chain
from typing import TypeAlias, cast

from turnout._catalog import Catalog
from turnout._config import Config, ProviderConfig
from turnout._frozen import frozen
from turnout._names import Suggester, did_you_mean, fold, nearest
from turnout._options import own_address
from turnout._plugins import OWN, Plugin, SetAside
from turnout.errors import ConfigError, PluginError
from turnout.provider import Provider
from turnout.types import ModelInfo, ProviderInfo, Target

__all__ = ["ProviderEntry", "Registry"]


@frozen
class ProviderEntry:
    """A provider that can be asked for by name."""

    info: ProviderInfo
    """With the models that plugins and the name that the configuration gave it."""
    plugin: Plugin
    catalog: Catalog
    options: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """From the configuration."""


_Claim: TypeAlias = tuple[ProviderInfo, Plugin]
"""A provider, and the plugin that brings it."""


class Registry:
    """Everything that can be asked for, by its names.

    Args:
        plugins: The plugins that are loaded, by name.
        config: The configuration.

    Raises:
        ConfigError: The configuration gives an instance the name of a provider.
    """

    def __init__(self, plugins: Sequence[Plugin], config: Config) -> None:
        self.conflicts: list[SetAside] = []
        """The claims to a name that lost, each with an error that tells of both."""
        self.contested: dict[str, PluginError] = {}
        """Folded names that several plugins claim and none gets."""
        self.aliases: dict[str, str] = {}
        """Those of plugins, each with what it means."""
        self._config = config
        self._by_fold: dict[str, ProviderEntry] = {}
        # As the plugins declare them, whatever the configuration says.
        self._declared: dict[str, ProviderInfo] = {}
        models = _added_models(plugins)
        for info, plugin in self._owners(plugins):
            self._add(_with_models(info, models.get(fold(info.name), ())), plugin)
        self._plain = dict(self._by_fold)
        self._add_instances()
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
        """Return who lists a model of a name or has it as an alias.

        Each provider is asked as its catalog does: exactly, then without regard to
        case.
        """
        found: list[Target] = []
        for entry in self._by_model.get(name.casefold(), ()):
            model = entry.catalog.listed(name)
            if model is not None:
                found.append(Target(entry.info.name, model))
        return found

    @cached_property
    def absent(self) -> tuple[str, str] | None:
        """A table of the configuration about a provider that is not there, and whom.

        Where every plugin is loaded, that is a mistake.
        """
        known = self._plain.keys() | self.contested.keys()
        for name, table in self._config.providers.items():
            wanted = table.plugin or name
            if fold(wanted) not in known:
                return name, wanted
        return None

    def missing(self, table: str, wanted: str) -> ConfigError:
        """Return the error for a table about a provider that is not there."""
        return ConfigError(
            f"{self._config.path}: providers.{table}: there is no provider {wanted!r}"
            "; install its plugin, or correct the name"
            f"{did_you_mean(nearest(wanted, self.providers))}"
        )

    @cached_property
    def suggester(self) -> Suggester:
        """Finds the known names that are most like an unknown one."""
        entries = self.providers.values()
        return Suggester(
            chain(
                (entry.info.name for entry in entries),
                self._config.aliases,
                self._config.routes,
                self.aliases,
                chain.from_iterable(entry.catalog.names for entry in entries),
            )
        )

    @cached_property
    def _by_model(self) -> dict[str, list[ProviderEntry]]:
        found: dict[str, list[ProviderEntry]] = {}
        for entry in self.providers.values():
            for name in entry.catalog.folded_names:
                found.setdefault(name, []).append(entry)
        return found

    def _owners(self, plugins: Sequence[Plugin]) -> list[_Claim]:
        """Return each provider once, with the plugin that it is taken from."""
        claims: dict[str, list[_Claim]] = {}
        for plugin in plugins:
            for info in plugin.providers:
                claims.setdefault(fold(info.name), []).append((info, plugin))
        chosen = self._config.plugins.choose
        choices = {fold(name): choice for name, choice in chosen.items()}
        owners: list[_Claim] = []
        for name, claimants in claims.items():
            choice = choices.get(name)
            owner = _owner(name, claimants, choice)
            if owner is not None:
                owners.append(owner)
            for claim in claimants:
                if claim is not owner:
                    self._refuse(claim, claimants, owner, choice)
        return owners

    def _refuse(
        self,
        claim: _Claim,
        claimants: Sequence[_Claim],
        owner: _Claim | None,
        choice: str | None,
    ) -> None:
        info, plugin = claim
        names = " and ".join(str(claimant) for _, claimant in claimants)
        outcome = "none is used" if owner is None else f"that of {owner[1]} is used"
        if choice is not None:
            outcome += f", since plugins.choose names {choice!r}"
        error = PluginError(
            f"provider {info.name!r} is claimed by {names}; {outcome}; to choose, put "
            f'"{info.name}" = "{plugin.distribution}" under [plugins.choose] into '
            "turnout.toml"
        )
        if owner is None:
            self.contested[fold(info.name)] = error
        self.conflicts.append(SetAside.of(plugin, error))

    def _add(self, info: ProviderInfo, plugin: Plugin) -> None:
        self._declared[fold(info.name)] = info
        found = self._config.table_of(info.name)
        if found is None:
            self._put(info, plugin, {})
        else:
            self._put(_configured(info, found[1]), plugin, found[1].options)

    def _add_instances(self) -> None:
        """Add the instances that the configuration makes of providers."""
        for name, table in self._config.providers.items():
            if table.plugin is None:
                continue
            base = self._plain.get(fold(table.plugin))
            if base is None:
                continue  # Its plugin is not loaded, or it is `absent`.
            renamed = fold(name) != fold(table.plugin)
            if renamed and fold(name) in self._plain:
                raise ConfigError(
                    f"{self._config.path}: providers.{name}: there is a provider of "
                    "that name already; take another"
                )
            info, options = replace(base.info, name=name), dict(base.options)
            if renamed and _moves(base, table):
                # A key is for the address that it was given for, and for no other.
                options.pop("api_key", None)
                options.pop("headers", None)
                declared = self._declared[fold(table.plugin)]
                info = _elsewhere(replace(declared, name=name), table)
            options.update(table.options)
            self._put(_configured(info, table), base.plugin, options)

    def _put(
        self, info: ProviderInfo, plugin: Plugin, options: Mapping[str, object]
    ) -> None:
        self._by_fold[fold(info.name)] = ProviderEntry(
            info=info, plugin=plugin, catalog=Catalog(info), options=options
        )


def _owner(name: str, claimants: Sequence[_Claim], choice: str | None) -> _Claim | None:
    """Return whose a name is; None where that cannot be told.

    The configuration's choice holds, even where the one that it chose is not there.
    Else turnout's own goes first, so that installing a package never replaces a
    provider that comes with turnout; then the plugin whose entry point bears the
    name, which is the one that is found by it.
    """
    if choice is not None:
        wanted = fold(choice)
        rules = [[fold(plugin.distribution) == wanted for _, plugin in claimants]]
    elif len(claimants) == 1:
        return claimants[0]
    else:
        rules = [
            [plugin.distribution == OWN for _, plugin in claimants],
            [fold(plugin.name) == name for _, plugin in claimants],
        ]
    for by_rule in rules:
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


def _moves(base: ProviderEntry, table: ProviderConfig) -> bool:
    """Return whether an instance asks another address than what it is made from."""
    if "base_url" not in table.options:
        return False
    asked = base.options.get("base_url", _own_address(base.info))
    return _address(table) != str(asked).rstrip("/")


def _elsewhere(info: ProviderInfo, table: ProviderConfig) -> ProviderInfo:
    """Return an instance's own info, at the address that its table gives."""
    own = _own_address(info)
    if own == _address(table):
        return info
    # Each customer has an address of their own, and the service needs a key at each.
    needs_key = info.needs_key and own is None
    # Nothing is known of the models there.
    return replace(info, key_variable=None, needs_key=needs_key, open_models=True)


def _address(table: ProviderConfig) -> str:
    return str(table.options["base_url"]).rstrip("/")


def _own_address(info: ProviderInfo) -> str | None:
    cls = cast("type[Provider]", info.provider_class)
    return own_address(cls.options_type, info)


def _configured(info: ProviderInfo, config: ProviderConfig) -> ProviderInfo:
    if config.key_variable is None:
        return info
    return replace(info, key_variable=config.key_variable, shared_key=False)
