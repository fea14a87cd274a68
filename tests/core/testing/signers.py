"""A provider whose key signs each request, and one that forgets to sign."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from turnout.errors import AuthenticationError
from turnout.provider import ProviderOptions
from turnout.service import Token
from turnout.testing import HttpRequest, ProviderContract
from turnout.types import Secret

from .parrots import INFO, Parrot, ParrotContract

if TYPE_CHECKING:
    from turnout.http import UnsignedRequest


@dataclass(frozen=True, kw_only=True)
class SignerOptions(ProviderOptions):
    signing_key: Secret | None = None


class Signer(Parrot):
    info = replace(INFO, name="Signer", key_variable="SIGNER_KEY")
    options_type = SignerOptions
    options: SignerOptions

    def headers(self) -> dict[str, Secret]:
        return {}

    def sign(
        self, request: UnsignedRequest, token: Token | None
    ) -> Mapping[str, str | Secret]:
        variable = self.options.variable("SIGNER_KEY")
        key = self.options.signing_key or (Secret(variable) if variable else None)
        if key is None:
            raise AuthenticationError("set signing_key or SIGNER_KEY")
        return {"X-Signature": signature(key.reveal(), request.body)}


class SignerContract(ParrotContract):
    provider = Signer
    model_list: ClassVar[tuple[bytes, Sequence[str]] | None] = None
    key_options: ClassVar[Mapping[str, object]] = {"signing_key": ProviderContract.key}

    def key_in(self, request: HttpRequest) -> bool:
        return request.header("X-Signature") == signature(self.key, request.body)


class Unsigned(Signer):
    """Does not sign with the key."""

    def sign(
        self, request: UnsignedRequest, token: Token | None
    ) -> Mapping[str, str | Secret]:
        super().sign(request, token)
        return {}


def signature(key: str, body: bytes) -> str:
    return hmac.digest(key.encode(), body, "sha256").hex()
