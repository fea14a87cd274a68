"""Measure how long names take among many, and print the table as Markdown.

    python -m bench.names [--providers N] [--models N]

Each figure is CPU time of this process: the median of several batches.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace

from turnout._app import App
from turnout._config import Config
from turnout._plugins import Plugin
from turnout._registry import Registry
from turnout.errors import UnknownModelError, UnknownProviderError
from turnout.hookspecs import hookimpl
from turnout.provider import Provider
from turnout.types import ChatRequest, ProviderInfo

FAMILIES = "claude command deepseek gemini gpt granite llama mistral phi qwen".split()
VARIANTS = "chat coder flash instruct large mini pro thinking turbo vision".split()

BATCHES = 15


@dataclass(frozen=True)
class Row:
    what: str
    seconds: float
    budget: float | None

    def __str__(self) -> str:
        budget = met = ""
        if self.budget is not None:
            budget = told(self.budget)
            met = "yes" if self.seconds <= self.budget else "**no**"
        return f"| {self.what} | {told(self.seconds)} | {budget} | {met} |"


def told(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms"


class Silent(Provider):
    """Serves every provider of the measurement, and is never asked."""

    info = ProviderInfo(name="Silent")

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        yield ""


def model_names(count: int) -> list[str]:
    """Return names as they are: most of them much like many others."""
    source = random.Random(0)
    names: dict[str, None] = {}
    while len(names) < count:
        family, variant = source.choice(FAMILIES), source.choice(VARIANTS)
        size, minor = source.choice([1, 3, 7, 8, 13, 32, 70, 405]), source.randrange(40)
        names[f"{family}-{minor // 10}.{minor % 10}-{size}b-{variant}"] = None
    return list(names)


def many(providers: int, models: int) -> list[ProviderInfo]:
    names = model_names(models)
    each = models // providers
    return [
        ProviderInfo(
            name=f"Vendor {number:03}",
            models=tuple(names[number * each : (number + 1) * each]),
            aliases={"best": names[number * each]},
            key_variable=f"VENDOR_{number:03}_API_KEY",
            provider_class=Silent,
        )
        for number in range(providers)
    ]


def plugin_of(info: ProviderInfo) -> object:
    @hookimpl
    def turnout_providers() -> list[ProviderInfo]:
        return [info]

    return SimpleNamespace(turnout_providers=turnout_providers)


def app_with(infos: Sequence[ProviderInfo]) -> App:
    """Return an app whose plugins are these, found by entry points."""
    module = ModuleType("turnout_bench_names")
    sys.modules[module.__name__] = module
    entries: list[EntryPoint] = []
    for number, info in enumerate(infos):
        setattr(module, f"plugin_{number}", plugin_of(info))
        value = f"{module.__name__}:plugin_{number}"
        entries.append(EntryPoint(name=info.name, value=value, group="turnout"))
    app = App(Config())
    app.host.installed = tuple(entries)
    return app


def seconds(call: Callable[[str], object], names: Sequence[str]) -> float:
    """Return the CPU seconds of one call, as the median batch has it."""
    taken: list[float] = []
    for _ in range(BATCHES):
        began = time.process_time()
        for name in names:
            call(name)
        taken.append((time.process_time() - began) / len(names))
    return statistics.median(taken)


def mistyped(names: Sequence[str]) -> list[str]:
    source = random.Random(1)
    wrong: list[str] = []
    for name in names:
        at = source.randrange(2, len(name) - 2)
        wrong.append(name[:at] + name[at + 1] + name[at] + name[at + 2 :] + "x")
    return wrong


def measured(provider_count: int, model_count: int) -> list[Row]:
    infos = many(provider_count, model_count)
    plugins = [
        Plugin(name=info.name, distribution="d", version="1", providers=(info,))
        for info in infos
    ]
    known = [name for info in infos for name in info.models if isinstance(name, str)]
    some = random.Random(2).sample(known, 200)
    ids = [f"{info.name}:{info.first_model}" for info in infos]

    def built(_: str) -> Registry:
        registry = Registry(plugins, Config())
        registry.serving(known[0])
        return registry

    def built_whole(_: str) -> None:
        built("").suggester.nearest("nobody")

    def refused(name: str) -> None:
        with suppress(UnknownModelError):
            app.explain(name)

    def refused_provider(name: str) -> None:
        with suppress(UnknownProviderError):
            app.provider(name, {})

    app = app_with(infos)
    began = time.process_time()
    app.load_all()
    loaded = time.process_time() - began
    providers = [info.name for info in infos]
    foreign = [f"{model_id}y" for model_id in ids]
    return [
        Row("building the registry", seconds(built, [""]), 50e-3),
        Row("the same, and the index of names", seconds(built_whole, [""]), 50e-3),
        Row("a model", seconds(app.meaning, some), 20e-6),
        Row("a model id", seconds(app.meaning, ids), 20e-6),
        Row("a provider", seconds(app.meaning, providers), 20e-6),
        # What `turnout.explain` adds: each provider is made, and its health looked up.
        Row("a model, and how it fares", seconds(app.explain, some), None),
        Row("a provider for `get_provider`", seconds(app.entry, providers), 20e-6),
        Row("an unknown model", seconds(refused, mistyped(some)), 2e-3),
        Row("an unknown model of a provider", seconds(refused, foreign), 2e-3),
        Row(
            "an unknown provider", seconds(refused_provider, mistyped(providers)), 2e-3
        ),
        Row("loading the plugins, their modules at hand", loaded, None),
    ]


def table(providers: int, models: int) -> str:
    """Measure, and return the table."""
    rows = "\n".join(map(str, measured(providers, models)))
    return (
        f"### Names\n\n{providers} providers, {models:,} models.\n\n"
        f"| what | CPU time | at most | met |\n|---|---:|---:|---:|\n{rows}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how long names take.")
    parser.add_argument("--providers", type=int, default=100)
    parser.add_argument("--models", type=int, default=5_000)
    arguments = parser.parse_args()
    print(table(arguments.providers, arguments.models))


if __name__ == "__main__":
    main()
