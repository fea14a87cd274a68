"""It uses every other hook."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from turnout import Attempt, ChatRequest, Message, ModelInfo, Target, hookimpl

with open(os.environ["PLUGIN_IMPORTS"], "a", encoding="utf-8") as record:
    record.write(f"{__name__}\n")

SEEN: list[str] = []


@hookimpl
def turnout_models() -> Sequence[ModelInfo]:
    return [ModelInfo(name="hello-2", provider="Hello", aliases=("newest",))]


@hookimpl
def turnout_aliases() -> Mapping[str, str]:
    return {"everyday": "Hello:newest"}


@hookimpl
def turnout_rewrite_request(request: ChatRequest, target: Target) -> ChatRequest:
    text = f"{request.last_user_text} by {target}"
    return replace(request, messages=(Message(role="user", content=text),))


@hookimpl
def turnout_order_targets(targets: Sequence[Target]) -> Sequence[Target]:
    return sorted(targets, key=str, reverse=True)


@hookimpl
def turnout_attempt_started(attempt: Attempt) -> None:
    SEEN.append(f"{attempt.target} {attempt.outcome}")


@hookimpl
def turnout_attempt_ended(attempt: Attempt) -> None:
    SEEN.append(f"{attempt.target} {attempt.outcome}")


@hookimpl
def turnout_commands(cli: click.Group) -> None:
    @cli.command("everything")
    def everything() -> None:
        click.echo("everything is fine")
