"""The service's own list of models, if it has one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest

from turnout.errors import AuthenticationError, ProviderError
from turnout.testing._contract._limits import run, run_clean
from turnout.testing._contract._oddities import oddities
from turnout.testing._contract._setting import ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._steps import Script, fin, respond
from turnout.types import ModelInfo

__all__ = ["Lists"]


class Lists(ServiceSetting):
    """The list is read, and a body that is not a list is an error."""

    def test_the_services_list_is_told(self) -> None:
        body, names = self.list_given()

        listed = self._listed(respond(200, body, _JSON))

        assert [model.name for model in listed] == list(names)

    def test_a_list_that_is_none_is_an_error(self) -> None:
        self.list_given()

        for body in (b"", b"null", b'{"canary', b"<!DOCTYPE html>", b"[[1]]"):
            with pytest.raises(ProviderError):
                self._listed(respond(200, body, _JSON))

    def test_an_odd_value_in_a_list_is_an_error_of_the_tree(self) -> None:
        bodies = oddities(self.list_given()[0])

        async def main() -> None:
            scripts = [respond(200, body, _JSON) for body in bodies]
            async with FaultServer(*scripts) as server, self.at(server) as provider:
                for body in bodies:
                    with suppress(ProviderError):  # The value may be unused.
                        listed = await provider.list_models()
                        assert all(_has_a_name(model) for model in listed), body

        run(main())

    def test_a_list_that_is_refused_is_an_error(self) -> None:
        self.list_given()

        with pytest.raises(AuthenticationError):
            self._listed(respond(401, b""))
        with pytest.raises(ProviderError):
            self._listed([fin()])

    def _listed(self, script: Script) -> Sequence[ModelInfo]:
        async def main() -> Sequence[ModelInfo]:
            async with FaultServer(script) as server, self.at(server) as provider:
                return await provider.list_models()

        return run_clean(main)


_JSON = ("Content-Type", "application/json")


def _has_a_name(model: object) -> bool:
    return isinstance(getattr(model, "name", None), str)
