"""The description of a service with OpenAI's protocol, and of its differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from turnout.types import Capabilities, ModelInfo, Prefill, ProviderInfo
from turnout_openai._protocol import Decoder

if TYPE_CHECKING:
    from turnout.http import StatusRule
    from turnout.provider import Provider

__all__ = ["COMPATIBLE", "OPENAI", "USUAL", "MaxTokensField", "Vendor"]

MaxTokensField: TypeAlias = Literal["max_completion_tokens", "max_tokens"]

USUAL = Capabilities(
    temperature=True,
    max_tokens=True,
    top_p=True,
    stop=True,
    seed=True,
    tools=True,
    images=True,
    native_tools=True,
    extra_fields=True,
    response_format=True,
)
"""The capabilities of most services; whether a model has them depends on the model."""


# Rows are not compared or printed, and every program that uses one waits for this.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Vendor:
    """A service with OpenAI's chat completions, as a row of data.

    Only `name` is required. The defaults are what most services do. `info(OpenAI)` is
    the provider that the row describes, for the hook `turnout_providers`.
    """

    name: str
    """The provider's name; the entry point of its plugin has the same one."""
    base_url: str | None = None
    """The address that `/chat/completions` is appended to.

    None if each customer has their own address: then the option `base_url` is required.
    """
    form: str = ""
    """The form of such an address, for the error message if it is missing."""
    hosts: tuple[str, ...] = ()
    """The hosts that belong to the service, with all that are under them.

    Only the rows of turnout are found by their hosts, see the option `vendor`.
    """
    key_variable: str | None = None
    """The environment variable that holds the key."""
    shared_key: bool = False
    """Whether that variable is set for other services too.

    If True, the variable alone does not select this service: it has to be named.
    """
    needs_key: bool = True
    """Whether a request without a key is refused before it is sent."""
    url: str | None = None
    """The address of the service's documentation."""
    prices_id: str | None = None
    """The id of the service in genai-prices; None if it has no prices there."""
    source: str = ""
    """The source of the row's facts, and the date on which it was read."""
    models: tuple[str | ModelInfo, ...] = ()
    """Models, the first of which is the default one. Any other name may be used too."""
    capabilities: Capabilities = USUAL
    """The capabilities of a model that does not declare its own.

    Anything else is refused before the request is sent.
    """
    prefill: Prefill = "none"
    """How models that are not listed continue the beginning of an answer."""
    prefill_path: str | None = None
    """The path for such a request at `base_url`; None means the usual path."""
    max_tokens_field: MaxTokensField = "max_tokens"
    """The name of the request's field for `max_tokens`."""
    seed_field: str = "seed"
    """The name of the request's field for `seed`."""
    short_ids: bool = False
    """Whether ids of tool calls must have nine letters and digits."""
    asks_usage: bool = True
    """Whether a stream's usage is requested by `stream_options`.

    False for a service that refuses that field, or that always sends usage.
    """
    reasoning_in_output: bool = True
    """Whether `completion_tokens` includes the tokens of reasoning, as OpenAI's does.

    If False, the output is `total_tokens` without `prompt_tokens`: xAI sends the
    reasoning apart in `reasoning_tokens`, and Google sends no count of it at all.
    """
    developer_role: bool = False
    """Whether it takes messages of the role `developer`."""
    reads_reasoning: bool = False
    """Whether it reads `reasoning` of assistant messages, where it sends its own.

    If False, that field is not sent back: Groq refuses it for models that do not reason
    (vercel/ai pull request 8057). What comes as `reasoning_content` or
    `reasoning_details` is sent back to any service that sent it.
    """
    empty_reasoning: str | None = None
    """`reasoning_content` of an assistant message that has none.

    For a service that refuses a conversation with tool calls without that field. None
    leaves it out.
    """
    unsigned_call: Mapping[str, object] | None = None
    """Fields of the first call of an answer that another service gave.

    For a service that refuses a call without its own signature.
    """
    extra: Mapping[str, object] = field(default_factory=dict[str, object])
    """Additional fields of each request. The request's own `extra` overrides them."""
    key_header: str = "Authorization"
    """The header that holds the key."""
    key_prefix: str = "Bearer "
    """The prefix of the key in the header's value."""
    models_path: str | None = "/models"
    """The path of the list of models; None if the service has no such list."""
    decoder: type[Decoder] = Decoder
    """Reads the answers; a subclass of `Decoder` for a service that needs one."""
    status_rules: tuple[StatusRule, ...] = ()
    """The service's own meanings of errors, before the general ones."""

    def info(self, provider_class: type[Provider]) -> ProviderInfo:
        """Return the provider that the row describes, for `turnout_providers`.

        Args:
            provider_class: `OpenAI`, or a subclass of it.
        """
        from turnout_openai._info import VendorInfo

        return VendorInfo(
            name=self.name,
            models=self.models,
            open_models=True,
            url=self.url,
            key_variable=self.key_variable,
            shared_key=self.shared_key,
            needs_key=self.needs_key,
            prices_id=self.prices_id,
            capabilities=self.capabilities,
            prefill=self.prefill,
            provider_class=provider_class,
            options={"base_url": self.base_url},
            vendor=self,
        )


OPENAI = Vendor(
    name="OpenAI",
    base_url="https://api.openai.com/v1",
    hosts=("openai.com",),
    # Its newer models refuse the older name.
    max_tokens_field="max_completion_tokens",
    developer_role=True,
)

COMPATIBLE = Vendor(name="any other")
"""An unknown server with OpenAI's protocol."""
