"""The declarations of a provider, tested without a request."""

from __future__ import annotations

import pytest

from turnout._app import current_app
from turnout._face import get_provider
from turnout.errors import ConfigError, UnknownModelError
from turnout.testing._contract._limits import run_clean
from turnout.testing._contract._setting import Setting

__all__ = ["Declarations"]


class Declarations(Setting):
    """Its name, its models and its options."""

    def test_turnout_finds_it_by_its_name(self) -> None:
        """Fails if the package is not installed: `pip install -e .`."""
        if not self.installed:
            self.skip("`installed` is False")

        found = get_provider(self.told.name)

        assert type(found) is self.provider
        assert found.info.name == self.told.name
        assert current_app().host.load(self.told.name), (
            f"no entry point is named {self.told.name!r}; give it the provider's name, "
            "otherwise every plugin is loaded to find it"
        )

    def test_it_has_a_model_to_ask(self) -> None:
        assert self.model_name

    def test_each_of_its_names_means_one_of_its_models(self) -> None:
        catalog = self.make().catalog
        if not catalog.names:
            self.skip(f"{self.told.name} does not name any models")

        for name in catalog.names:
            assert catalog.model(name) in catalog.models or self.told.open_models

    def test_a_model_that_it_does_not_serve_is_an_error(self) -> None:
        if self.told.open_models:
            self.skip(f"{self.told.name} accepts any model (open_models=True)")

        with pytest.raises(UnknownModelError, match="no-such-model"):
            _ = self.make().stream("Hi", model="no-such-model")

    def test_an_option_that_it_does_not_have_is_an_error(self) -> None:
        with pytest.raises(ConfigError, match="no_such_option"):
            self.make(no_such_option=1)

    def test_it_can_be_shown_without_its_key(self) -> None:
        provider = self.make(**self.key_options)

        for name in self.key_options:
            assert getattr(provider.options, name) is not None
        assert self.key not in f"{provider!r} {vars(provider)!r}"

    def test_what_it_lacks_is_told_on_one_line(self) -> None:
        lack = self.make().unavailable()

        assert lack is None or (lack and lack.isprintable())

    def test_models_without_a_live_list_are_those_that_it_declares(self) -> None:
        if self.lists_live:
            self.skip(f"{self.told.name} has its own `list_models`")

        async def main() -> None:
            async with self.answering() as provider:
                listed = await provider.list_models()

                assert [model.name for model in listed] == list(provider.catalog.models)

        run_clean(main)
