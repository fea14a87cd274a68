"""Contracts of providers that can do as little as possible."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar

from turnout.provider import Provider
from turnout.service import Call
from turnout.testing import EngineContract, WireAnswer, json_lines
from turnout.types import Capabilities, ChatRequest, ProviderInfo

from .parrots import INFO, Decoder, Parrot, ParrotContract

_NOTHING = Capabilities(history=False, system=False)


class EndlessDecoder(Decoder):
    ends_with_body = True


class Chick(Parrot):
    """Has no key, no list and no capabilities; its answers have no last word."""

    info = ProviderInfo(
        name="Chick", open_models=True, capabilities=_NOTHING, options=INFO.options
    )
    list_models = Provider.list_models

    def call(self, request: ChatRequest) -> Call:
        return super().call(request)._replace(decoder=EndlessDecoder)


class TestChick(ParrotContract):
    provider = Chick
    model = "any"
    errors = ()
    model_list = None
    hints = ()
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                (json_lines({"text": "Peep, "}), "Peep, "),
                (json_lines({"text": "peep."}), "peep."),
            ),
        ),
    )
    left_out: ClassVar[Mapping[str, str]] = {
        "test_a_redirect_is_not_followed[308]": "Chick's proxy follows it",
        "test_a_refusal_is_asked_for_once": "Chick's proxy asks again",
    }


class Egg(Provider):
    info = ProviderInfo(name="Egg", open_models=True, capabilities=_NOTHING)

    async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
        yield "Crack"


class TestEgg(EngineContract):
    provider = Egg
    installed = False
    model = "any"


class Nest(Egg):
    """Claims what an answer of one word cannot show."""

    info = ProviderInfo(
        name="Nest",
        models=("nest-1",),
        capabilities=Capabilities(max_tokens=True, stop=True),
    )


class TestNest(EngineContract):
    provider = Nest
    installed = False
    lacks = ("history",)
