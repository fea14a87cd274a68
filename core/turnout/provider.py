"""What a provider is: the class that every plugin's providers are made from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import field, fields
from functools import cache
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Protocol,
    Self,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from turnout._catalog import Catalog
from turnout._environment import variable
from turnout._frozen import frozen
from turnout._gate import Gates
from turnout._keys import fault_of_variable
from turnout._loops import running_loop
from turnout._options import ProviderOptions as ProviderOptions
from turnout._options import own_address
from turnout._record import Record
from turnout._validation import checked, hidden
from turnout.errors import AuthenticationError, ConfigError, PluginError
from turnout.streams import Reader, Stream
from turnout.types import (
    Attempt,
    ChatRequest,
    Conversation,
    ModelInfo,
    ProviderInfo,
    Reply,
    RequestOptions,
    Secret,
    Target,
    TargetOptions,
)

if TYPE_CHECKING:
    import asyncio
    from ssl import SSLContext

    from turnout._attempt import AttemptReader
    from turnout._waiter import Waiter
    from turnout.http import Http, StatusRule
    from turnout.types._request import FreeOptions

    def _status_rules(provider: Provider) -> Sequence[StatusRule]: ...


__all__ = ["AttemptHooks", "BoundTarget", "Provider", "ProviderOptions"]

_T = TypeVar("_T")


class AttemptHooks(Protocol):
    """The hooks and observers of an attempt. They raise nothing but Ctrl-C."""

    def rewrite(self, request: ChatRequest, target: Target) -> ChatRequest:
        """Return the request that is sent."""
        ...

    def started(self, attempt: Attempt) -> None:
        """Report an attempt that begins."""
        ...

    def ended(self, attempt: Attempt) -> None:
        """Report an attempt that has ended."""
        ...


class _SetByInit:
    """Stands for an attribute that `Provider.__init__` sets.

    An instance's own attribute goes over it.
    """

    def __get__(self, provider: Provider | None, owner: type[Provider]) -> _SetByInit:
        if provider is None:
            return self
        raise PluginError(
            f"{owner.__name__}.__init__ has not called super().__init__(); write it as "
            "`def __init__(self, **options)`, and begin it with "
            "super().__init__(**options)"
        )


class Provider(ABC):
    """A service, or an engine in this process, that answers chat requests.

    A subclass sets `info` and writes `generate`; `stream` and `complete` come of
    that. Instances hold options and no connection: they may be made at any time,
    shared by tasks and used from several event loops.

    Args:
        info: What the instance says of itself; None means what its class says.
        options: The fields of `options_type`.

    Raises:
        ConfigError: There is no option of that name, or its value is wrong.
        PluginError: The class has no `info`.
    """

    info: ProviderInfo
    options_type: ClassVar[type[ProviderOptions]] = ProviderOptions
    health_scope: str | None = None
    """Instances with the same text have their health in common. None means those with
    the same address and key, or of the same name without an address."""
    key_is_named = False
    """Whether the configuration names the variable of its key, as in `api_key =
    "env:NAME"`. No request is sent without a key then, at any address."""
    find_hooks: ClassVar[staticmethod[[], AttemptHooks | None]]
    """Finds the hooks and observers of the process, for all providers. `import turnout`
    sets it, since the plugins are found by modules that use this one."""
    lets_cancellation_pass: ClassVar[bool] = False
    """Whether `generate` is turnout's own, so that a wait for it need not be left."""
    if TYPE_CHECKING:
        # So declared, mypy and pyright let a subclass replace it by an attribute and by
        # a property. Declared as either, one of them refuses the other.
        status_rules = property(_status_rules)
    else:
        status_rules = ()
        # What is read first of an instance, by each of its methods.
        _catalog = _entered = _http = _SetByInit()
    """What the provider's refusals mean where turnout's table says otherwise: an
    attribute or a property, a sequence of `StatusRule`."""

    def __init__(self, *, info: ProviderInfo | None = None, **options: object) -> None:
        options = hidden(options)
        if info is not None:
            self.info = info
        if not isinstance(getattr(self, "info", None), ProviderInfo):
            raise PluginError(
                f"{type(self).__name__} has no info; write "
                'info = ProviderInfo(name="…") into its body'
            )
        self.options = checked(
            self.options_type,
            {**self.info.options, **options},
            f"option of provider {self.info.name!r}",
        )
        self.gates = Gates(
            self.info.name,
            self.options.max_concurrent,
            self.options.max_queued,
            self.options.queue_timeout,
        )
        """How many of its streams are under way and queued."""
        priced = self.info.prices_id
        self.prices_id = priced if priced and self.at_own_address else None
        """Whose prices hold, see `ProviderInfo.prices_id`; None at another address."""
        self._catalog: Catalog | None = None
        self._http: Http | None = None
        self._entered = 0
        # The event loop in which it was entered, and is left again.
        self._home: asyncio.AbstractEventLoop | None = None

    @abstractmethod
    def generate(self, request: ChatRequest) -> AsyncIterator[Any]:
        """Answer a request: an async generator of deltas and events.

        A `str` is text; anything else is an event of `turnout.types`. A list of
        them is what one read brought; to give it whole is the cheapest way.
        Returning means that the answer is complete: where the protocol has a mark
        for that and it did not come, raise `StreamTruncatedError`.

        When the caller closes the stream, cancels, or a timer fires, the generator
        is cancelled or closed where it stands.

        Args:
            request: What to ask; `request.model` is one of the provider's models,
                and it needs nothing that the provider's capabilities lack.
        """

    @overload
    def stream(
        self,
        messages: Conversation,
        *,
        response_format: type[_T],
        **options: Unpack[FreeOptions],
    ) -> Stream[_T]: ...

    @overload
    def stream(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Stream: ...

    def stream(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Stream:
        """Ask, and return the answer as a stream. Nothing is sent until it is read.

        Args:
            messages: A text, a message, or a sequence of them.
            options: `model`, `temperature`, ...: see `RequestOptions`.

        Raises:
            ArgumentError: A message or an option cannot be used.
            UnknownModelError: The provider has no such model.
            UnsupportedError: The model cannot do what the request needs.
        """
        request = self._request(messages, options)

        def source(record: Record, waiter: Waiter) -> Reader:
            limit = request.deadline or self.options.deadline
            deadline = waiter.now() + limit
            return _reader_type()(self, request, record, waiter, deadline)

        return Stream(source)

    @overload
    async def complete(
        self,
        messages: Conversation,
        *,
        response_format: type[_T],
        **options: Unpack[FreeOptions],
    ) -> Reply[_T]: ...

    @overload
    async def complete(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Reply: ...

    async def complete(
        self, messages: Conversation, **options: Unpack[RequestOptions]
    ) -> Reply:
        """Ask, and return the whole answer. Cancelling closes the connection.

        Args:
            messages: A text, a message, or a sequence of them.
            options: `model`, `temperature`, ...: see `RequestOptions`.

        Raises:
            TurnoutError: As `stream` and reading it do.
        """
        stream = self.stream(messages, **options)
        del messages, options  # A traceback may show the locals.
        return await stream.collect()

    def target(
        self, model: str | None = None, **options: Unpack[TargetOptions]
    ) -> BoundTarget:
        """Return this provider with one of its models, to be given to a route.

        Args:
            model: None means the default model.
            options: `temperature`, `extra`, ...: of each request to this target. An
                option of the call is used instead; the two `extra` are merged.

        Raises:
            UnknownModelError: The provider has no such model.
            ArgumentError: An option is unknown or wrong.
            UnsupportedError: The model cannot do what the options ask for.
        """
        name = self.catalog.model(model or "")
        given = cast("Mapping[str, object]", options)
        if given:
            from turnout._target_options import checked_options

            request = ChatRequest(messages=(), model=name, **checked_options(given))
            unsupported = self.catalog.refusal(request)
            if unsupported is not None:
                raise unsupported
        return BoundTarget(self, name, given)

    @property
    def catalog(self) -> Catalog:
        """The provider's models, by all of their names."""
        if self._catalog is None:
            self._catalog = Catalog(self.info)
        return self._catalog

    @property
    def http(self) -> Http:
        """The HTTP client, with the provider's options."""
        if self._http is None:
            http = self._client(own_pool=self._at_home)
            # Else the loop that entered it would close connections of another one.
            if self._entered and http.pool is None:
                return http
            self._http = http
        return self._http

    @property
    def api_key(self) -> Secret | None:
        """The key: the option, else the environment variable that `info` names.

        Raises:
            AuthenticationError: The variable has a text that is not a key.
        """
        if self.options.api_key is not None:
            return self.options.api_key
        name = self.info.key_variable
        if name is None:
            return None
        fault = fault_of_variable(name)
        if fault is not None:
            raise AuthenticationError(fault, provider=self.info.name)
        value = variable(name)
        return None if value is None else Secret(value)

    @property
    def at_own_address(self) -> bool:
        """Whether it asks the address that its plugin gives it.

        If the plugin gives none, as each customer has one, any address is its own.
        """
        own = own_address(self.options_type, self.info)
        return own is None or self.options.base_url == own

    @property
    def needs_key(self) -> bool:
        """Whether a request without a key is refused before it is sent."""
        return self.key_is_named or (self.info.needs_key and self.at_own_address)

    @property
    def brings_credential(self) -> bool:
        """Whether the option `headers` has a header in which services take a key."""
        if not self.options.headers:
            return False
        from turnout._headers import has_credential

        return has_credential(self.options.headers)

    def required_key(self) -> Secret:
        """Return the key.

        Raises:
            AuthenticationError: There is none; the message says where one goes.
        """
        key = self.api_key
        if key is None:
            raise AuthenticationError(
                f"{self.info.name} needs a key; set {self._key_source}",
                provider=self.info.name,
            )
        return key

    def refusal_rules(self) -> Sequence[StatusRule]:
        """Return what the service's refusals mean: the class's `status_rules`.

        For a provider that has further rules by its options.
        """
        rules: Sequence[StatusRule] = self.status_rules
        return rules

    def unavailable(self) -> str | None:
        """Return what is missing and what to type; None where nothing is known to be.

        For a provider that needs more than a key, such as an engine that needs its
        weights. Lists ask it, so it is quick: it looks for files at most, imports
        nothing and asks nobody. That nothing is missing is no promise of an answer.
        """
        return None

    async def list_models(self) -> Sequence[ModelInfo]:
        """Return the models that can be asked for now.

        These are the ones that the provider declares, unless its service has a list of
        its own, which is asked then. Of a model that only the service lists, no more
        than its name may be known.

        Raises:
            TurnoutError: The service's list could not be had.
        """
        return tuple(self.catalog.models.values())

    async def __aenter__(self) -> Self:
        """Keep connections of the provider's own until the block is left.

        It may be entered again meanwhile; the last block that is left closes them.
        """
        if not self._entered:
            self._home = running_loop()
            self._http = None  # The next request makes one with its own connections.
        self._entered += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._entered -= 1
        if not self._entered:
            self._home = None
            await self.aclose()

    async def aclose(self) -> None:
        """Close what entering opened. A subclass that keeps more closes that too."""
        http, self._http = self._http, None
        if http is not None and http.pool is not None:
            await http.pool.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.info.name!r}>"

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy begins with: no connections, and it is not entered."""
        return {**vars(self), "_http": None, "_entered": 0, "_home": None}

    @property
    def _key_source(self) -> str:
        name = self.info.key_variable
        option = "api_key in turnout.toml or in code"
        return option if name is None else f"{name} in the environment, or {option}"

    @property
    def _at_home(self) -> bool:
        """Whether it is entered, and in the event loop that runs."""
        if self._home is None:
            return False
        import asyncio

        return asyncio.get_running_loop() is self._home

    def _client(self, *, own_pool: bool) -> Http:
        from turnout.http._client import Http
        from turnout.http._transport import Pool

        options = self.options
        own = self.brings_credential
        return Http(
            provider=self.info.name,
            base_url=options.base_url,
            headers=options.headers,
            proxy=options.proxy,
            ssl_context=self._tls(),
            has_certificate=(
                options.ssl_context is not None
                or options.client_certificate is not None
            ),
            connect_timeout=options.connect_timeout,
            idle_timeout=options.idle_timeout,
            max_bytes=options.max_bytes,
            max_event_bytes=options.max_event_bytes,
            secrets=self._secrets(),
            key="the option headers" if own else self._key_source,
            status_rules=self.refusal_rules(),
            pool=Pool() if own_pool else None,
        )

    def _tls(self) -> SSLContext | None:
        try:
            return self.options.tls()
        except ValueError as error:  # A file was changed meanwhile.
            message = f"{self.info.name}: {error}"
        raise ConfigError(message)

    def _secrets(self) -> Sequence[Secret]:
        """Return the key, and the secrets among the options.

        The proxy's address is not one of them: a part of it is in many messages.
        """
        options = self.options
        names = {option.name for option in fields(options)} - {"proxy"}
        values = [self.api_key, *(getattr(options, name) for name in names)]
        values += options.headers.values()
        return [value for value in values if isinstance(value, Secret)]

    def _request(self, messages: Conversation, options: RequestOptions) -> ChatRequest:
        """Return the request for one of the provider's models, checked."""
        name = ChatRequest.checked_model(options.get("model"))
        options["model"] = self.catalog.model(name) or None
        request = ChatRequest.build(messages, **options)
        if self.options.extra:
            from turnout._target_options import applied

            fields = {"extra": self.options.extra}
            request = applied(request, fields, options.keys())
        unsupported = self.catalog.refusal(request)
        if unsupported is not None:
            raise unsupported
        return request


@cache
def _reader_type() -> type[AttemptReader]:
    # Once: see `streams.py`.
    from turnout._attempt import AttemptReader

    return AttemptReader


@frozen(kw_only=False)
class BoundTarget:
    """A provider, options and all, with one of its models."""

    provider: Provider
    model: str
    options: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """Options of each request to it, see `Provider.target`."""

    @property
    def target(self) -> Target:
        """The target's names."""
        return Target(self.provider.info.name, self.model)

    def __hash__(self) -> int:
        return hash((self.provider, self.model))
