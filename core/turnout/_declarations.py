"""What a plugin gives, read and checked: it is somebody else's code.

Whatever is wrong is a `PluginError` that names the plugin and says what is expected.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import cast

import pluggy

from turnout import hookspecs
from turnout._names import did_you_mean, nearest
from turnout._validation import kind_of
from turnout.errors import PluginError
from turnout.provider import Provider, ProviderOptions
from turnout.types import ModelInfo, ProviderInfo

__all__ = [
    "check_api",
    "check_arguments",
    "check_hook",
    "read_aliases",
    "read_models",
    "read_providers",
]


_DECLARING = ("turnout_providers", "turnout_models", "turnout_aliases")
"""Hooks that are called when their plugin is loaded."""


def check_api(name: str, module: object) -> None:
    """Refuse a plugin that was written for other versions of the interface."""
    match getattr(module, "turnout_api", None):
        case None:
            return
        case (int() as first, int() as last):
            pass
        case declared:
            raise PluginError(
                f"plugin {name!r} says turnout_api = {declared!r}; it is the first and "
                "the last version that it was written for, as in (1, 1)"
            )
    if not first <= hookspecs.API_VERSION <= last:
        raise PluginError(
            f"plugin {name!r} was written for versions {first} to {last} of turnout's "
            f"plugin API; this turnout has version {hookspecs.API_VERSION}"
        )


def check_arguments(name: str, hook: str, function: Callable[..., object]) -> None:
    """Refuse a hook that takes arguments which its specification does not have."""
    known = tuple(inspect.signature(getattr(hookspecs, hook)).parameters)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty or "VAR" in parameter.kind.name:
            continue
        named = f"plugin {name!r}: {hook} takes the argument {parameter.name!r}"
        if parameter.kind is parameter.KEYWORD_ONLY:
            raise PluginError(f"{named} by keyword only; remove the `*` before it")
        if parameter.name not in known:
            listed = f"known: {', '.join(known)}" if known else "it has no arguments"
            guess = did_you_mean(nearest(parameter.name, known, most=1))
            raise PluginError(f"{named}, which the hook does not have; {listed}{guess}")


def check_hook(name: str, caller: pluggy.HookCaller, impl: pluggy.HookImpl) -> None:
    """Refuse a hook that would never do what its author meant."""
    if not caller.has_spec():
        if impl.optionalhook:  # Of another version of turnout, and its author knows.
            return
        hooks = [hook for hook in vars(hookspecs) if hook.startswith("turnout_")]
        raise PluginError(
            f"plugin {name!r} implements {caller.name!r}, which is no hook"
            f"{did_you_mean(nearest(caller.name, hooks, most=1))}"
        )
    function = impl.function
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(
            f"plugin {name!r} has an `async def` {caller.name}, which nobody would "
            "await; a hook is a plain function"
        )
    if impl.wrapper or impl.hookwrapper:
        raise PluginError(
            f"plugin {name!r} wraps {caller.name}; plugins are asked one by one, so "
            "that there is nothing to wrap"
        )
    if caller.name in _DECLARING and (impl.tryfirst or impl.trylast):
        mark = "tryfirst" if impl.tryfirst else "trylast"
        raise PluginError(
            f"plugin {name!r} marks {caller.name} with {mark}, which has no effect: it "
            "is called once for each plugin, and the plugins' names decide between two "
            "that declare the same; remove the mark"
        )


def _listed(name: str, answer: object) -> Iterable[object]:
    if answer is None:
        return ()
    told = kind_of(answer)
    if not isinstance(answer, Iterable) or isinstance(answer, str | Mapping):
        raise PluginError(f"plugin {name!r} gave {told} where a list is expected")
    return cast("Iterable[object]", answer)


def read_providers(name: str, answer: object) -> tuple[ProviderInfo, ...]:
    """Return what `turnout_providers` gave as rows that have their class."""
    return tuple(_provider_info(name, item) for item in _listed(name, answer))


def _provider_info(name: str, item: object) -> ProviderInfo:
    """Return what a plugin gave for a provider as a row that has its class."""
    if isinstance(item, type) and issubclass(item, Provider):
        info = getattr(item, "info", None)
        if isinstance(info, ProviderInfo):
            _check_class(name, item)
            return replace(info, provider_class=item)
        raise PluginError(
            f"plugin {name!r}: {item.__name__} has no `info`; it is a ProviderInfo"
        )
    if isinstance(item, ProviderInfo):
        cls: object = item.provider_class
        if isinstance(cls, type) and issubclass(cls, Provider):
            _check_class(name, cls)
            return item
        raise PluginError(
            f"plugin {name!r}: the provider_class of {item.name!r} is no Provider; "
            "it is the class that serves the row"
        )
    raise PluginError(
        f"plugin {name!r} gave {item!r} for a provider; it is a Provider's class or a "
        "ProviderInfo"
    )


def _check_class(name: str, cls: type[Provider]) -> None:
    """Refuse a provider's class that could not answer."""
    if inspect.iscoroutinefunction(cls.generate):
        raise PluginError(
            f"plugin {name!r}: {cls.__name__}.generate is a coroutine; `yield` what it "
            "answers"
        )
    options = cast("object", cls.options_type)
    if not isinstance(options, type) or not issubclass(options, ProviderOptions):
        raise PluginError(
            f"plugin {name!r}: {cls.__name__}.options_type is {options!r}; it is a "
            "class that derives from ProviderOptions"
        )


def read_models(name: str, answer: object) -> tuple[ModelInfo, ...]:
    """Return what `turnout_models` gave."""
    models: list[ModelInfo] = []
    for item in _listed(name, answer):
        if not isinstance(item, ModelInfo) or not item.provider:
            raise PluginError(
                f"plugin {name!r} gave {item!r} for a model; it is a ModelInfo that "
                "names its provider"
            )
        models.append(item)
    return tuple(models)


def read_aliases(name: str, answer: object) -> Mapping[str, str]:
    """Return what `turnout_aliases` gave."""
    if answer is None:
        return {}
    if isinstance(answer, Mapping):
        aliases = cast("Mapping[object, object]", answer)
        if all(isinstance(item, str) for pair in aliases.items() for item in pair):
            return dict(cast("Mapping[str, str]", aliases))
    raise PluginError(f"plugin {name!r} gave aliases that are no mapping of texts")
