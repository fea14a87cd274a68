"""Amazon Bedrock: the models of an AWS region, over the Converse protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from turnout import (
    AuthenticationError,
    ChatRequest,
    ConfigError,
    InvalidReplyError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProviderOptions,
    QuotaExceededError,
    RateLimitError,
    Secret,
    ServerError,
)
from turnout.http import StatusRule
from turnout.service import Call, Service, Token
from turnout_bedrock import _body, _sigv4
from turnout_bedrock._models import INFO
from turnout_bedrock._protocol import ConverseDecoder

if TYPE_CHECKING:
    from turnout.http import UnsignedRequest

__all__ = ["AwsToken", "Bedrock", "BedrockOptions"]

_SERVICE = "bedrock"
"""The name that requests are signed with."""

_MODEL = "botocore 1.44.8, service model bedrock-runtime, read 2026-11-30"
_COMMON = "Amazon Bedrock API Reference, Common Errors, read 2026-11-30"

RULES = (
    StatusRule(
        error=AuthenticationError,
        codes={
            "expiredtoken",
            "expiredtokenexception",
            "incompletesignature",
            "incompletesignatureexception",
            "invalidclienttokenid",
            "invalidsignatureexception",
            "missingauthenticationtoken",
            "missingauthenticationtokenexception",
            "signaturedoesnotmatch",
            "unrecognizedclientexception",
        },
        source=_COMMON,
    ),
    StatusRule(
        error=PermissionDeniedError,
        codes={"accessdeniedexception", "notauthorized", "optinrequired"},
        source=_COMMON,
    ),
    StatusRule(
        error=ModelUnavailableError,
        codes={"resourcenotfoundexception"},
        source=_MODEL,
    ),
    StatusRule(
        error=QuotaExceededError,
        codes={"servicequotaexceededexception"},
        source=_MODEL,
    ),
    StatusRule(error=RateLimitError, codes={"throttlingexception"}, source=_MODEL),
    StatusRule(
        error=OverloadedError,
        codes={"modelnotreadyexception", "serviceunavailableexception"},
        source=_MODEL,
    ),
    StatusRule(
        error=InvalidReplyError,
        codes={"malformed_model_output", "malformed_tool_use"},
        source=_MODEL,
    ),
    StatusRule(
        error=ServerError,
        codes={
            "internalserverexception",
            "modelerrorexception",
            "modelstreamerrorexception",
            "modeltimeoutexception",
        },
        source=_MODEL,
    ),
)
"""By `x-amzn-errortype` and by the types of exceptions inside of answers. What a
`ValidationException` is about stands in its words, which turnout's own rules read."""


@dataclass(frozen=True, kw_only=True)
class BedrockOptions(ProviderOptions):
    """The options of `Bedrock`. `api_key` is an API key of Bedrock's own."""

    region: str | None = None
    """As in `us-east-1`; None means `AWS_REGION`, then `AWS_DEFAULT_REGION`."""
    access_key_id: Secret | None = None
    """None means `AWS_ACCESS_KEY_ID`, together with the two below."""
    secret_access_key: Secret | None = None
    session_token: Secret | None = None

    def __post_init__(self) -> None:
        """Find the region and the address.

        Raises:
            ValueError: One key of a pair is missing, or a range is left.
        """
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key belong together")
        region = self.region or self.variable("AWS_REGION")
        region = region or self.variable("AWS_DEFAULT_REGION")
        object.__setattr__(self, "region", region)
        if self.base_url is None and region is not None:
            domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
            address = f"https://bedrock-runtime.{region}.{domain}"
            object.__setattr__(self, "base_url", address)
        super().__post_init__()


@dataclass(frozen=True)
class AwsToken(Token):
    """Keys that expire, for a `credentials` of your own; `value` is the secret key."""

    access_key_id: str = ""
    session_token: Secret | None = None


class Bedrock(Service):
    """Amazon Bedrock.

    The provider is verified against botocore's signer and its reader of event streams,
    and not against the live service.
    """

    info = INFO
    options_type = BedrockOptions
    options: BedrockOptions
    status_rules = RULES

    def call(self, request: ChatRequest) -> Call:
        """Return what is sent for a request.

        Raises:
            UnsupportedError: The protocol cannot say what is asked.
            ConfigError: The region is not known.
        """
        if self.options.base_url is None:
            raise ConfigError(
                "Bedrock: the region is not set; set region or AWS_REGION"
            )
        headers: dict[str, str | Secret] = {
            "Accept": "application/vnd.amazon.eventstream",
            "Content-Type": "application/json",
        }
        body = _body.body(request)
        return Call(_body.path(request.model), body, headers, ConverseDecoder)

    def sign(
        self, request: UnsignedRequest, token: Token | None
    ) -> Mapping[str, str | Secret]:
        """Return the signature of a request, or a key of Bedrock's own.

        Raises:
            AuthenticationError: There is neither a key nor a pair of keys.
            ConfigError: The region is not known.
        """
        if self.brings_credential:
            return {}
        if isinstance(token, AwsToken):
            keys = _sigv4.Keys(token.access_key_id, token.value, token.session_token)
        elif token is not None:
            return super().sign(request, token)
        else:
            found = self._keys()
            if found is None:
                key = self._key()
                return {} if key is None else {"Authorization": key.prefixed("Bearer ")}
            keys = found
        if self.options.region is None:
            raise ConfigError(
                "Bedrock: the region is not set, and a signature needs it; set region "
                "or AWS_REGION"
            )
        return _sigv4.sign(
            request,
            keys,
            region=self.options.region,
            service=_SERVICE,
            now=datetime.now(UTC),
        )

    def _keys(self) -> _sigv4.Keys | None:
        """Return what to sign with; None if there is a key of Bedrock's own.

        Options come first, and then what botocore takes first too: the key.
        """
        options = self.options
        if options.access_key_id is not None and options.secret_access_key is not None:
            access_key_id = options.access_key_id.reveal()
            return _sigv4.Keys(
                access_key_id, options.secret_access_key, options.session_token
            )
        found = options.variable("AWS_ACCESS_KEY_ID")
        secret = options.variable("AWS_SECRET_ACCESS_KEY")
        if self.api_key is not None or found is None or secret is None:
            return None
        session = options.variable("AWS_SESSION_TOKEN")
        token = None if session is None else Secret(session)
        return _sigv4.Keys(found, Secret(secret), token)

    def _key(self) -> Secret | None:
        try:
            return self.key()
        except AuthenticationError as error:
            error.advise(
                "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to sign requests"
            )
            raise
