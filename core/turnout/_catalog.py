"""The models of one provider, by all of their names."""

from __future__ import annotations

from turnout._names import did_you_mean, nearest, without_marks
from turnout.errors import UnknownModelError, UnsupportedError
from turnout.types import ChatRequest, ModelInfo, ProviderInfo, Target

__all__ = ["Catalog"]

_FEW = 20
"""How many models a message tells at most."""


class Catalog:
    """Look models up as a provider's own names and aliases say.

    A name is looked for among the aliases, then among the models, exactly; then in
    both without regard to case. Where the provider's list is open, a name that is
    found nowhere is a model's name as it stands.
    """

    __slots__ = ("_aliases", "_default", "_folded", "_models", "info")

    def __init__(self, info: ProviderInfo) -> None:
        self.info = info
        self._default = info.first_model
        # Most models are a name and no more: what is known of one is made of it when
        # it is asked for.
        self._models: dict[str, ModelInfo | None] = {}
        self._aliases = dict(info.aliases)
        for model in info.models:
            if isinstance(model, str):
                self._models[model] = None
                continue
            self._models[model.name] = model
            for alias in model.aliases:
                self._aliases.setdefault(alias, model.name)
        # None where names that differ in case alone mean different models.
        self._folded: dict[str, str | None] = {}
        for name in self._models:
            self._fold(name, self._aliases.get(name, name))
        for alias, means in self._aliases.items():
            self._fold(alias, means)

    def _fold(self, name: str, means: str) -> None:
        if self._folded.setdefault(name.casefold(), means) != means:
            self._folded[name.casefold()] = None

    @property
    def models(self) -> dict[str, ModelInfo]:
        """The models, by their own names."""
        return {model: self.info_of(model) for model in self._models}

    @property
    def aliases(self) -> dict[str, str]:
        """The provider's own aliases, each with the model that it means."""
        return self._aliases

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of every model."""
        return (*self._models, *self._aliases)

    @property
    def folded_names(self) -> tuple[str, ...]:
        """Every name without regard to case, each once."""
        return tuple(self._folded)

    def listed(self, name: str) -> str | None:
        """Return the listed model that `name` means, or None where it means none."""
        found = self._aliases.get(name)
        if found is not None:
            return found
        return name if name in self._models else self._folded.get(name.casefold())

    def find(self, name: str) -> str | None:
        """Return the model that `name` means, or None where it means none."""
        found = self.listed(name)
        return name if found is None and self.info.open_models else found

    def model(self, name: str) -> str:
        """Return the model that `name` means; the default one for an empty name.

        Raises:
            UnknownModelError: It means none; the message has the nearest names.
        """
        if not name:
            return self._default
        found = self.find(name)
        if found is not None:
            return found
        raise UnknownModelError(self.unknown(name))

    def meant(self, name: str) -> str | None:
        """Return the listed model that a name is mistyped for, if there is one."""
        if self.listed(name) is not None:
            return None
        wanted = without_marks(name)
        alike = (one for one in self.names if without_marks(one) == wanted)
        return next(alike, None)

    def unknown(self, name: str, prefix: str = "", where: str = "") -> str:
        """Return the message of an unknown name, with the nearest names or all.

        Args:
            name: Which means no model.
            prefix: What stands before the names that it may mean.
            where: The clause that tells where the name stands.
        """
        near = [f"{prefix}{one}" for one in nearest(name, self.names)]
        models = ", ".join(self._models) if len(self._models) <= _FEW else ""
        rest = f"; there are {models}" if models else ""
        return (
            f"provider {self.info.name!r} has no model {name!r}{where}"
            f"{did_you_mean(near) or rest}"
        )

    def info_of(self, model: str) -> ModelInfo:
        """Return what is known of a model; little where the list is open."""
        known = self._models.get(model)
        # A provider without a default model may be asked for none.
        return known or ModelInfo(name=model or "default", prefill=self.info.prefill)

    def context_window(self, model: str) -> int | None:
        """Return how many tokens a model takes; None where that is not known."""
        info = self._models.get(model)
        return None if info is None else info.context_window

    def refusal(self, request: ChatRequest) -> UnsupportedError | None:
        """Return why the provider cannot be asked this; None where it can."""
        info = self._models.get(request.model)
        own = None if info is None else info.capabilities
        unmet = request.unmet(self.info.capabilities if own is None else own)
        if not unmet:
            return None
        return UnsupportedError(
            f"{Target(self.info.name, request.model)} does not support "
            f"{', '.join(unmet)}; leave that out or ask another target",
            provider=self.info.name,
            model=request.model,
        )
