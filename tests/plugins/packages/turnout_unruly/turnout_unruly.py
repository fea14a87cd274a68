"""Its hooks raise, in the path of every request."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from turnout import Attempt, ChatRequest, Target, hookimpl

with open(os.environ["PLUGIN_IMPORTS"], "a", encoding="utf-8") as record:
    record.write(f"{__name__}\n")


@hookimpl
def turnout_rewrite_request(request: ChatRequest) -> ChatRequest:
    raise RuntimeError(f"cannot rewrite {request.last_user_text}")


@hookimpl
def turnout_order_targets(targets: Sequence[Target]) -> Sequence[Target]:
    raise RuntimeError("cannot order")


@hookimpl
def turnout_attempt_started(attempt: Attempt) -> None:
    raise RuntimeError("cannot hear")


@hookimpl
def turnout_attempt_ended(attempt: Attempt) -> None:
    raise RuntimeError("cannot hear")


@hookimpl
def turnout_commands(cli: click.Group) -> None:
    raise RuntimeError("cannot add")
