"""The descriptions of providers and models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, fields
from typing import Any, Literal, TypeAlias, cast, get_args

from turnout._frozen import frozen
from turnout.errors import PluginError

__all__ = ["Capabilities", "ModelInfo", "Prefill", "ProviderInfo"]

Prefill: TypeAlias = Literal[
    "none", "trailing", "prefix_flag", "partial_flag", "continue_final"
]
"""How a model is asked to continue the beginning of an answer: not at all, by a last
message with the role `assistant` alone, by `prefix` or `partial` in that message, or by
`continue_final_message` in the request."""


@frozen
class Capabilities:
    """The features that a target supports; a request that needs others is refused.

    Raises:
        PluginError: A field is not True or False.
    """

    history: bool = True
    """Messages before the last one."""
    system: bool = True
    """System messages."""
    temperature: bool = False
    max_tokens: bool = False
    top_p: bool = False
    stop: bool = False
    seed: bool = False
    tools: bool = False
    """Tools, tool calls and tool results."""
    images: bool = False
    audio: bool = False
    """Sounds in messages."""
    video: bool = False
    """Videos in messages."""
    files: bool = False
    native_tools: bool = False
    """Tools of the service's own, and calls that are not of functions."""
    extra_fields: bool = False
    """The fields named `extra` of messages, parts, calls and tools. A provider with
    this capability sends each of these fields, or raises `UnsupportedError`."""
    response_format: bool = False
    """Answers that match a JSON schema."""
    reasoning: bool = False
    """Answers with the model's reasoning."""

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            if type(getattr(self, name)) is not bool:
                value: object = getattr(self, name)
                raise _wrong("Capabilities", name, value, "True or False")


@frozen
class ModelInfo:
    """A model of a provider.

    Raises:
        PluginError: A field has a value of another type, or an unknown value.
    """

    name: str
    """The provider's own name for it."""
    provider: str = ""
    """The provider's name; needed only if a plugin adds it to another's provider."""
    aliases: tuple[str, ...] = ()
    """Other names for it, at this provider only."""
    context_window: int | None = None
    """Tokens of input and output together; None if it is not known."""
    max_output_tokens: int | None = None
    capabilities: Capabilities | None = None
    """The features that it supports; None means those of its provider."""
    prefill: Prefill = "none"
    """How it is asked to continue the beginning of an answer, see `Prefill`."""
    source: str = ""
    """Where these facts are documented, and the date on which they were read."""

    def __post_init__(self) -> None:
        name = cast("object", self.name)
        if not isinstance(name, str) or not name:
            raise PluginError(f"{name!r} cannot name a model; use a str, not empty")
        owner = f"model {name!r}"
        _check_texts(owner, self, "provider", "source")
        # A str is a sequence of str too.
        if not _are_texts(self.aliases):
            raise _wrong(owner, "aliases", self.aliases, 'a tuple, as in ("one",)')
        for field_name in ("context_window", "max_output_tokens"):
            count: object = getattr(self, field_name)
            if count is not None and (type(count) is not int or count < 1):
                raise _wrong(owner, field_name, count, "a number of tokens, or None")
        if self.capabilities is not None:
            _check_capabilities(owner, self.capabilities)
        _check_prefill(owner, self.prefill)


@frozen
class ProviderInfo:
    """The description of a provider, available before an instance is made.

    Raises:
        PluginError: The name cannot be used, a field has a value of another type, or
            the default model or the target of an alias is not among the models.
    """

    name: str
    """The name that users write; it has a letter or a digit, and does not have a colon.
    """
    models: tuple[str | ModelInfo, ...] = ()
    default_model: str | None = None
    """None means the first of `models`."""
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Other names for its models, at this provider only."""
    open_models: bool = False
    """Whether it serves models that are not listed: any name is accepted."""
    prefill: Prefill = "none"
    """How models without a `ModelInfo` are asked to continue the beginning of an
    answer, if the server decides that and not the model."""
    url: str | None = None
    """A page about it for people."""
    working: bool = True
    """False if the provider's author does not expect it to answer."""
    key_variable: str | None = None
    """The environment variable that usually holds the key."""
    shared_key: bool = False
    """Whether people set that variable for other purposes too, such as downloads. Then
    a set variable does not select the provider for a request that names no model."""
    needs_key: bool = False
    prices_id: str | None = None
    """Its id in `genai-prices`, whose prices are used at its own address; None if it
    has no prices there, or if more than tokens is paid for."""
    in_process: bool = False
    """Whether it is an engine in this process and not a service."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    provider_class: type | None = None
    """The class that serves this row; None if the info is an attribute of its class."""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """Options of the class that this row sets, such as `base_url`."""

    def __post_init__(self) -> None:
        # Names are compared without `-`, `_` and spaces, so another one is needed.
        if (
            not isinstance(cast("object", self.name), str)
            or not self.name.strip("-_ ")
            or ":" in self.name
            or not self.name.isprintable()
        ):
            raise PluginError(
                f"{self.name!r} cannot name a provider; a name has printable "
                "characters and no colon"
            )
        models = cast("object", self.models)
        if not isinstance(models, tuple | list):
            raise PluginError(
                f"provider {self.name!r} has a {type(models).__name__} for models; "
                'use a tuple, as in ("one",)'
            )
        for model in cast("Iterable[object]", models):
            if not isinstance(model, str | ModelInfo):
                raise PluginError(
                    f"provider {self.name!r} has {model!r} for a model; use a name or "
                    "a ModelInfo"
                )
        owner = f"provider {self.name!r}"
        for field_name in ("default_model", "url", "key_variable", "prices_id"):
            if getattr(self, field_name) is not None:
                _check_texts(owner, self, field_name)
        for field_name in _FLAGS:
            if type(getattr(self, field_name)) is not bool:
                value: object = getattr(self, field_name)
                raise _wrong(owner, field_name, value, "True or False")
        _check_prefill(owner, self.prefill)
        _check_capabilities(owner, self.capabilities)
        aliases = _items(self.aliases)
        if aliases is None or not all(map(_are_texts, aliases)):
            expected = 'a mapping, as in {"a": "model-1"}'
            raise _wrong(owner, "aliases", self.aliases, expected)
        options = _items(self.options)
        if options is None or not _are_texts([option[0] for option in options]):
            expected = 'a mapping, as in {"base_url": "…"}'
            raise _wrong(owner, "options", self.options, expected)
        if self.open_models:
            return
        names = {_name(model) for model in self.models}
        default = self.default_model
        if default is not None and default not in names:
            raise PluginError(
                f"the default model {default!r} of provider {self.name!r} is not "
                "among its models"
            )
        for alias, model in self.aliases.items():
            if model not in names:
                raise PluginError(
                    f"the alias {alias!r} of provider {self.name!r} means {model!r}, "
                    "which is not among its models"
                )

    @property
    def model_infos(self) -> tuple[ModelInfo, ...]:
        """Its models, each as a `ModelInfo`."""
        return tuple(
            ModelInfo(name=model) if isinstance(model, str) else model
            for model in self.models
        )

    @property
    def first_model(self) -> str:
        """The default model's name; empty if the provider lists none."""
        if self.default_model is not None:
            return self.default_model
        return _name(self.models[0]) if self.models else ""


def _name(model: str | ModelInfo) -> str:
    return model if isinstance(model, str) else model.name


_FLAGS = ("open_models", "working", "shared_key", "needs_key", "in_process")
"""Fields of `ProviderInfo` that are True or False."""


def _wrong(owner: str, name: str, value: object, expected: str) -> PluginError:
    return PluginError(f"{owner} has {name}={value!r}; {name} is {expected}")


def _items(value: object) -> list[tuple[object, object]] | None:
    """Return the items of a mapping; None if the value is not one."""
    if not isinstance(value, Mapping):
        return None
    return list(cast("Mapping[object, object]", value).items())


def _are_texts(value: object) -> bool:
    """Return whether a value is a tuple or a list of texts."""
    return isinstance(value, tuple | list) and all(
        isinstance(item, str) for item in cast("Iterable[object]", value)
    )


def _check_texts(owner: str, value: Any, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(value, name), str):
            raise _wrong(owner, name, getattr(value, name), "a text")


def _check_prefill(owner: str, prefill: object) -> None:
    known = get_args(Prefill)
    if prefill not in known:
        raise _wrong(owner, "prefill", prefill, f"one of {', '.join(known)}")


def _check_capabilities(owner: str, capabilities: object) -> None:
    if not isinstance(capabilities, Capabilities):
        expected = "Capabilities, as in Capabilities(tools=True)"
        raise _wrong(owner, "capabilities", capabilities, expected)
