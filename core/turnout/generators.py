"""Provider classes that are used without an instance.

    generator = await FlowGpt.create_async_generator("gpt-4", messages)
    async for text in generator: ...

Some programs keep provider classes and not instances. Two base classes serve them:
`AsyncGeneratorProvider` sends requests, and `ProviderModelMixin` lists the models. Both
read `info`, so that nothing is declared twice.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping
from dataclasses import fields
from typing import Any, ClassVar, cast

from turnout._catalog import Catalog
from turnout.provider import Provider
from turnout.streams import Stream
from turnout.types import Conversation, ProviderInfo, RequestOptions

__all__ = ["AsyncGeneratorProvider", "ProviderModelMixin", "TextStream"]

_SAMPLING = frozenset({"max_tokens", "top_p", "stop", "seed"})
"""Options that are sent to a service even if it does not declare them. Other options,
such as `tools`, change the form of an answer."""


class TextStream(
    Coroutine[Any, Any, AsyncGenerator[str, None]], AsyncGenerator[str, None]
):
    """The pieces of an answer: an async generator, and a coroutine that returns it.

    It can be iterated as it is, awaited first, read with `anext` and given to
    `asyncio.create_task`. All of these read the same answer. Nothing is sent before the
    first piece is read. So awaiting it takes no time, and one that is not used needs no
    closing.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._texts = cast("AsyncGenerator[str, None]", aiter(stream))

    def __aiter__(self) -> AsyncGenerator[str, None]:
        return self._texts

    def __anext__(self) -> Coroutine[Any, Any, str]:
        return self._texts.__anext__()

    def asend(self, value: None) -> Coroutine[Any, Any, str]:
        """Return the next piece."""
        return self._texts.asend(value)

    def athrow(self, *error: Any) -> Coroutine[Any, Any, str]:
        """Raise an error at the generator's current position, which closes it."""
        return self._texts.athrow(*error)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    def __await__(self) -> Generator[Any, Any, AsyncGenerator[str, None]]:
        yield from ()
        return self._texts

    def send(self, value: None) -> Any:
        """End at once, because the coroutine does not wait for anything."""
        return self.__await__().send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error, such as the cancellation of a task that has not begun."""
        return self.__await__().throw(*error)

    def close(self) -> None:
        """Do nothing, because a coroutine that has not begun has no resources."""


class AsyncGeneratorProvider(Provider):
    """A provider whose class sends requests."""

    url: ClassVar[str | None] = None
    """`ProviderInfo.url`."""
    working: ClassVar[bool] = True
    """`ProviderInfo.working`."""
    needs_auth: ClassVar[bool] = False
    """`ProviderInfo.needs_key`."""
    supports_stream: ClassVar[bool] = True
    supports_message_history: ClassVar[bool] = True
    """`Capabilities.history`."""
    supports_system_message: ClassVar[bool] = True
    """`Capabilities.system`."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        info = _own_info(cls)
        if info is not None:
            _declare(
                cls,
                url=info.url,
                working=info.working,
                needs_auth=info.needs_key,
                supports_message_history=info.capabilities.history,
                supports_system_message=info.capabilities.system,
            )

    @classmethod
    def create_async_generator(
        cls,
        model: str | None,
        messages: Conversation,
        proxy: str | None = None,
        temperature: float | None = None,
        **kwargs: object,
    ) -> TextStream:
        """Send a request when the result is read, and yield the pieces of the answer.

        Args:
            model: A model or an alias; None or an empty text means the default one.
            messages: A conversation, as `stream` accepts it.
            proxy: The address of an HTTP proxy.
            temperature: From 0 to the model's maximum.
            kwargs: Options of the provider (`base_url`, timers) and of the request
                (`deadline`, `tools`). All others go into the body, and so do
                `max_tokens`, `top_p`, `stop` and `seed` if the provider does not
                declare them.

        Raises:
            TurnoutError: As `stream` does.
        """
        options = {field.name for field in fields(cls.options_type)}
        known = RequestOptions.__annotations__.keys()
        # `deadline` is an option of both; here it is the request's.
        configured = {k: v for k, v in kwargs.items() if k in options - known}
        if proxy is not None:
            configured["proxy"] = proxy
        provider = cls(**cast("dict[str, Any]", configured))
        given = {
            k: v
            for k, v in kwargs.items()
            if k not in configured and (v is not None or k not in known)
        }
        taken = (known - provider._undeclared(model)) & given.keys()
        asked = {name: given.pop(name) for name in taken}
        extra = asked.get("extra", {})
        if isinstance(extra, Mapping):  # `stream` refuses anything else.
            extra = {**cast("Mapping[str, object]", extra), **given}
        asked |= {"model": model or None, "temperature": temperature, "extra": extra}
        return TextStream(provider.stream(messages, **cast("RequestOptions", asked)))

    def _undeclared(self, model: str | None) -> set[str]:
        """Return the sampling options that a model does not declare."""
        catalog = self.catalog
        own = catalog.info_of(catalog.model(model or "")).capabilities
        declared = own or self.info.capabilities
        return {name for name in _SAMPLING if not getattr(declared, name)}


class ProviderModelMixin:
    """The models of a provider, as its class lists them."""

    info: ProviderInfo
    default_model: ClassVar[str] = ""
    """The default model's name; empty if the provider lists none."""
    models: ClassVar[list[str]] = []
    """The provider's own names."""
    model_aliases: ClassVar[Mapping[str, str]] = {}
    """Other names, each with the model that it means."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        info = _own_info(cls)
        if info is not None:
            _declare(
                cls,
                default_model=info.first_model,
                models=[model.name for model in info.model_infos],
                model_aliases=Catalog(info).aliases,
            )

    @classmethod
    def get_models(cls) -> list[str]:
        """Return the names of the listed models."""
        return list(cls.models)

    @classmethod
    def get_model(cls, model: str | None = None) -> str:
        """Return the model that a name means; the default one for an empty name.

        Raises:
            UnknownModelError: The name is unknown; the message has the nearest names.
        """
        return Catalog(cls.info).model(model or "")


def _own_info(cls: type) -> ProviderInfo | None:
    """Return the `info` that a class sets itself; None if it inherits it."""
    info = vars(cls).get("info")
    return info if isinstance(info, ProviderInfo) else None


def _declare(cls: type, **values: object) -> None:
    """Set attributes of a class, except for those that its body sets."""
    for name, value in values.items():
        if name not in vars(cls):
            setattr(cls, name, value)
