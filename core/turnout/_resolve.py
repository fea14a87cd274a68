"""Resolve a name that a user writes into an ordered list of targets.

Pure: it is given the registry, the configuration and which keys are at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from turnout._config import Config
from turnout._names import did_you_mean, fold
from turnout._registry import ProviderEntry, Registry
from turnout._suggestions import models_meant
from turnout._target_options import layered
from turnout.errors import ConfigError, UnknownModelError
from turnout.types import ChatRequest, Explanation, Place, Target

__all__ = ["Resolver", "rank"]

KeyAtHand = Callable[[ProviderEntry], bool]


# How soon a provider is asked among those that serve a model of the same name. The
# text says why.
_KEY, _FREE, _IN_PROCESS, _NOT_WORKING, _NO_KEY = range(5)
_REASONS = (
    "its key is at hand",
    "it needs no key",
    "an engine in this process",
    "it says of itself that it does not work",
    "it needs a key, and there is none",
)


class Resolver:
    """Resolve names.

    Args:
        registry: What is known.
        config: Its aliases, routes and order.
        key_at_hand: Tells whether a provider's key is there.
        aside: Returns what else an error says, such as which plugins are not used.
    """

    def __init__(
        self,
        registry: Registry,
        config: Config,
        key_at_hand: KeyAtHand,
        aside: Callable[[], str] = str,
    ) -> None:
        self._registry = registry
        self._config = config
        self._key_at_hand = key_at_hand
        self._aside = aside
        self._order = {fold(name): i for i, name in enumerate(config.order)}

    def explain(self, name: str | None = None) -> Explanation:
        """Return what a name means.

        Args:
            name: An alias, a route, a model id, a model or a provider. None means
                that no model was named: then only engines in this process and
                providers that have a key are asked, or the route `default`.

        Raises:
            ArgumentError: The name is no printable text.
            UnknownModelError: No target has the name.
            ConfigError: Aliases or routes go in a circle.
        """
        if name is None:
            return self._unnamed()
        return self._explain(ChatRequest.checked_model(name), ())

    def _explain(self, name: str, path: tuple[str, ...]) -> Explanation:
        if name in path:
            raise ConfigError(self._circle((*path[path.index(name) :], name)))
        meaning = self._config.aliases.get(name)
        if meaning is not None:
            return self._by_alias(name, meaning, "an alias of the configuration", path)
        if name in self._config.routes:
            return self._by_route(name, path)
        found = self._by_model_id(name, path)
        if found is not None:
            return found
        meaning = self._registry.aliases.get(name)
        if meaning is not None:
            return self._by_alias(name, meaning, "a plugin's alias", path)
        return self._by_bare_name(name, path)

    def _by_alias(
        self, name: str, meaning: str, kind: str, path: tuple[str, ...]
    ) -> Explanation:
        found = self._explain(meaning, (*path, name))
        step = f"{name!r} is {kind} for {meaning!r}"
        return Explanation(
            name=name,
            steps=(step, *found.steps),
            places=found.places,
            route=found.route,
        )

    def _by_route(self, name: str, path: tuple[str, ...]) -> Explanation:
        route = self._config.routes[name]
        steps = [f"{name!r} is a route of the configuration"]
        places: list[Place] = []
        for index, part in enumerate(route.targets):
            found = self._explain(part, (*path, name))
            steps += found.steps
            for place in found.places:
                placed = _with_options(place, route.options.get(index, {}))
                if not any(_are_same(placed, other) for other in places):
                    places.append(placed)
        return Explanation(
            name=name, steps=tuple(steps), places=tuple(places), route=name
        )

    def _by_model_id(self, name: str, path: tuple[str, ...]) -> Explanation | None:
        """Understand `Provider:model`; None where no provider stands on the left."""
        left, colon, model = name.partition(":")
        model = model.strip()
        entry = self._registry.provider(left) if colon else None
        if entry is None:
            return None
        found = entry.catalog.find(model) if model else entry.info.first_model
        if found is None:
            prefix = f"{entry.info.name}:"
            raise UnknownModelError(
                entry.catalog.unknown(model, prefix, _named_by(path))
            )
        target = Target(entry.info.name, found)
        place = Place(target=target, reason="it was named")
        step = f"{name!r} names provider {entry.info.name!r} and model {found!r}"
        meant = entry.catalog.meant(found)
        if meant is not None:
            step += f", which is not listed; did you mean {meant!r}?"
        return Explanation(name=name, steps=(step,), places=(place,))

    def _by_bare_name(self, name: str, path: tuple[str, ...]) -> Explanation:
        targets = self._registry.serving(name)
        entry = self._registry.provider(name)
        if entry is not None and entry.info.name == name:
            # `Gemini` is who is called so, though another has a model `gemini`.
            targets = [target for target in targets if self._bears(target, name)]
        if targets:
            count = len(targets)
            step = f"{name!r} is a model of {count} provider{'s' * (count > 1)}"
            if entry is not None and entry.info.name != name:
                step += f"; the provider is written {entry.info.name!r}"
            alone = (Place(target=targets[0], reason="no other serves it"),)
            places = alone if count == 1 else self._placed(targets)
            return Explanation(name=name, steps=(step,), places=places)
        if entry is None:
            raise UnknownModelError(self._unknown(name, path))
        target = Target(entry.info.name, entry.info.first_model)
        default = f"its default model is {target.model!r}"
        if not target.model:
            default = "it names no default model"
        step = f"{name!r} is a provider; {default}"
        place = Place(target=target, reason="it was named")
        return Explanation(name=name, steps=(step,), places=(place,))

    def _bears(self, target: Target, name: str) -> bool:
        """Tell whether a model bears a name exactly."""
        return name in self._registry.providers[target.provider].catalog.names

    def _unnamed(self) -> Explanation:
        if "default" in self._config.routes:
            return self._by_route("default", ())
        # A prompt is never sent to a service that the user neither named nor gave a
        # key for. An open list without a default has no model that was chosen.
        targets = [
            Target(entry.info.name, entry.info.first_model)
            for entry in self._registry.providers.values()
            if (entry.info.first_model or not entry.info.open_models)
            and self._may_be_asked(entry)
        ]
        step = "no model was named: engines in this process, and services with a key"
        return Explanation(name=None, steps=(step,), places=self._placed(targets))

    def _may_be_asked(self, entry: ProviderEntry) -> bool:
        """Return whether a prompt may go there if no model was named."""
        if entry.info.in_process:
            return True
        given = "api_key" in entry.options or not entry.info.shared_key
        return given and self._key_at_hand(entry)

    def _placed(self, targets: Sequence[Target]) -> tuple[Place, ...]:
        """Return targets of one name in the order in which they are asked."""
        ranked: list[tuple[tuple[int, int, str], Place]] = []
        for target in targets:
            entry = self._registry.providers[target.provider]
            position = self._order.get(fold(target.provider))
            rank = self._rank(entry)
            reason = _REASONS[rank]
            if position is None:
                position = len(self._order)
            else:
                reason = f"number {position + 1} of the configuration's order"
            key = (position, rank, target.provider.casefold())
            ranked.append((key, Place(target=target, reason=reason)))
        return tuple(place for _, place in sorted(ranked, key=lambda pair: pair[0]))

    def _rank(self, entry: ProviderEntry) -> int:
        return rank(entry, self._key_at_hand)

    def _circle(self, names: Sequence[str]) -> str:
        config = self._config
        ours = any(name in config.aliases or name in config.routes for name in names)
        where = f"{config.path}: " if ours and config.path is not None else ""
        return f"{where}aliases and routes go in a circle: {' -> '.join(names)}"

    def _unknown(self, name: str, path: tuple[str, ...]) -> str:
        guesses = models_meant(name, self._registry, self._rank)
        guess = did_you_mean(guesses)
        return f"unknown model {name!r}{_named_by(path)}{self._aside()}{guess}"


def rank(entry: ProviderEntry, key_at_hand: KeyAtHand) -> int:
    """Return how soon a provider is asked among those that serve the same model."""
    info = entry.info
    if not info.working:
        return _NOT_WORKING
    if info.in_process:
        return _IN_PROCESS
    if key_at_hand(entry):
        return _KEY
    return _NO_KEY if info.needs_key else _FREE


def _named_by(path: tuple[str, ...]) -> str:
    """Return the clause that tells which alias or route an unknown name stands in."""
    return f"; {path[-1]!r} names it" if path else ""


def _with_options(place: Place, options: Mapping[str, object]) -> Place:
    """Return a place with options over those that an inner route gives it."""
    if not options:
        return place
    if not place.options:
        return replace(place, options=options)
    extra = layered(_extra_of(place.options), _extra_of(options))
    return replace(place, options={**place.options, **options, "extra": extra})


def _extra_of(options: Mapping[str, object]) -> Mapping[str, object]:
    return cast("Mapping[str, object]", options.get("extra", {}))


def _are_same(one: Place, other: Place) -> bool:
    return one.target == other.target and one.options == other.options
