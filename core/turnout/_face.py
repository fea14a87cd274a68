"""The functions of `turnout`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast, overload

from turnout._validation import hidden
from turnout.provider import AttemptHooks, BoundTarget, Provider
from turnout.streams import Stream
from turnout.types import Attempt, Conversation, Explanation, Reply, RequestOptions

if TYPE_CHECKING:
    from turnout._hooks import Observation
    from turnout.routes import HealthReport, Route
    from turnout.routes._keywords import PolicyKeywords, ProviderKeywords
    from turnout.types._request import FreeOptions

__all__ = [
    "complete",
    "explain",
    "fallback",
    "get_provider",
    "health",
    "observe",
    "run",
    "stream",
    "warm_up",
]

T = TypeVar("T")


def get_provider(name: str, **options: Unpack[ProviderKeywords]) -> Provider:
    """Return a provider.

    Loads only the plugin whose entry point has the name; all plugins if none has.

    Type checkers know the options of all providers that come with turnout. Pass the own
    options of another plugin as `**own`, from a `dict[str, Any]`.

    Args:
        name: Matched exactly, then without regard to case, `-`, `_` and spaces.
        options: Such as `api_key`, `base_url`, `headers`, `proxy`, the timers, and what
            the provider adds; each is used instead of the configuration's.

    Raises:
        UnknownProviderError: No plugin has it; the message has the nearest names.
        ConfigError: An option is unknown or wrong, or the configuration is.
        PluginError: Its plugin is broken, or two plugins claim the name.
    """
    from turnout._app import current_app

    options = cast("ProviderKeywords", hidden(options))
    return current_app().provider(name, options)


def fallback(
    *targets: str | Provider | BoundTarget, **policy: Unpack[PolicyKeywords]
) -> Route:
    """Return a route that asks targets in order, until one answers.

    Args:
        targets: Each a name as `explain` understands it, a provider (its default
            model), or `provider.target("model")`, which can have options of its own.
        policy: Fields of `turnout.Policy`.

    Raises:
        UnknownModelError: No target has one of the names.
        ConfigError: A field of the policy is unknown or wrong.
    """
    from turnout._app import current_app

    return current_app().route(targets, policy)


@overload
def stream(
    messages: Conversation, *, response_format: type[T], **options: Unpack[FreeOptions]
) -> Stream[T]: ...


@overload
def stream(messages: Conversation, **options: Unpack[RequestOptions]) -> Stream: ...


def stream(messages: Conversation, **options: Unpack[RequestOptions]) -> Stream:
    """Ask the targets that serve a model, and return the answer as a stream.

    Args:
        messages: A text, a message, or a sequence of them.
        options: As a provider's `stream` takes them; `model` is any name that
            `explain` understands. Without it only engines in this process and
            services that have a key are asked, or the route `default`.

    Raises:
        UnknownModelError: No target has the name.
        ConfigError: The configuration is wrong, or no provider is ready.
        ArgumentError: A message or an option cannot be used.
    """
    from turnout._app import current_app

    name = options.pop("model", None)
    return current_app().route_for(name).stream(messages, **options)


@overload
async def complete(
    messages: Conversation, *, response_format: type[T], **options: Unpack[FreeOptions]
) -> Reply[T]: ...


@overload
async def complete(
    messages: Conversation, **options: Unpack[RequestOptions]
) -> Reply: ...


async def complete(messages: Conversation, **options: Unpack[RequestOptions]) -> Reply:
    """Ask the targets that serve a model, and return the whole answer.

    Args:
        messages: A text, a message, or a sequence of them.
        options: As `stream` takes them.

    Raises:
        FallbackError: Every target failed.
        TurnoutError: As `stream` and reading it do.
    """
    answer = stream(messages, **options)
    del messages, options  # A traceback may show the locals.
    return await answer.collect()


def explain(name: str | None = None) -> Explanation:
    """Return which targets a name means, in which order, and why. Nothing is sent.

    Args:
        name: An alias, a route, a model id, a model, or a provider.

    Raises:
        UnknownModelError: No target has the name; the message has the nearest ones.
        PluginError: The plugin of that name is set aside.
        ConfigError: Aliases go in a circle, or the configuration is wrong.
    """
    from turnout._app import current_app

    return current_app().explain(name)


def health() -> tuple[HealthReport, ...]:
    """Return how each target answered lately, sorted by name.

    The targets are those that the routes of this process have asked.
    """
    from turnout._app import current_app

    return current_app().health()


def observe(
    *,
    started: Callable[[Attempt], object] | None = None,
    ended: Callable[[Attempt], object] | None = None,
) -> Observation:
    """Call functions for each attempt in this process, and return how to stop it.

        with turnout.observe(ended=print):
            await turnout.complete("Hi", model="fast")

    They are called in the thread and on the event loop of the request, and must be
    quick. What one raises is logged, and goes no further. `attempt.id` joins the start
    and the end, and `attempt.stream_id` the attempts of one request.

    Args:
        started: Called before a request is sent to a target.
        ended: Called once for each call of `started`, however the attempt ended.

    Raises:
        ArgumentError: Neither is given, or one is not a plain function.
        ConfigError: The configuration is wrong.
    """
    from turnout._app import current_app

    return current_app().observers.add(started, ended)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from code that has no event loop, and return its result.

    Unlike `asyncio.run` it keeps one event loop for the process, and with it the
    connections that were opened.

    Raises:
        ArgumentError: An event loop runs in this thread; `await` there.
    """
    from turnout._background import background_loop

    return background_loop().run(coroutine)


async def warm_up(*names: str) -> None:
    """Load what the first request would load, in a thread.

    Without it the first request does so, and its event loop stands still meanwhile. A
    web server awaits this before it serves.

    Args:
        names: Providers, models or routes that will be asked. Of a provider, only its
            plugin is loaded; for any other name, and without names, all plugins are.

    Raises:
        UnknownModelError: No target has a name; the message has the nearest ones.
        PluginError: A provider's plugin is broken.
        ConfigError: The configuration is wrong.
    """
    from turnout._loops import running_loop

    await running_loop().run_in_executor(None, _load, names)


def _load(names: tuple[str, ...]) -> None:
    from turnout._app import current_app

    current_app().warm_up(names)


def _find_hooks() -> AttemptHooks | None:
    # Once, as an import statement in each attempt would cost more than the hooks.
    from turnout._app import attempt_hooks

    Provider.find_hooks = staticmethod(attempt_hooks)
    return attempt_hooks()


Provider.find_hooks = staticmethod(_find_hooks)
