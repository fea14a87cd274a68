"""`turnout logs`: the conversations of `turnout chat` that are kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from turnout._names import did_you_mean, nearest
from turnout.cli._log import Exchange, Kept, Log
from turnout.cli._output import (
    note,
    on_terminal,
    one_line,
    said,
    write,
    write_json,
    write_table,
)
from turnout.types import Attempt, FilePart, Message, TextPart, to_dict

__all__ = ["beginning", "found", "logs"]

_BEGINNING = 60
"""Characters of a question or an address that are shown of a long one."""


class _Logs(click.Group):
    """A group whose command is `list` if none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        if not args or (args[0][:1] == "-" and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("logs", cls=_Logs)
def logs() -> None:
    """List, search and show the conversations that `turnout chat` keeps.

    Without a command, list them: `turnout logs -n 5`, `turnout logs -q bees`.
    `turnout chat --cid ID` continues one, `turnout chat -c` the last one.

    `log = false` under `[cli]` in turnout.toml, or `turnout chat --no-log`, keeps
    nothing.
    """


@logs.command("list")
@click.option(
    "-n", "--count", default=20, metavar="N", help="How many; 0 means all. [20]"
)
@click.option(
    "-q", "--query", default="", metavar="TEXT", help="Only those with these words."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all they have.")
def list_(count: int, query: str, as_json: bool) -> None:
    """List the conversations, the newest first."""
    if count < 0:
        raise click.UsageError(f"-n {count} is negative; 0 means all")
    log = Log()
    found = log.summaries(count, query.split())
    if as_json:
        kept = [log.conversation(each.id) for each in found]
        write_json([_json(each) for each in kept if each is not None])
    else:
        write_table(
            ("ID", "LAST ANSWER", "ANSWERS", "TARGET", "FIRST QUESTION"),
            [
                (
                    each.id,
                    _time(each.ended),
                    str(each.exchanges),
                    each.target or "-",
                    beginning(each.prompt),
                )
                for each in found
            ],
        )
    if not found:
        note(f"no conversation has {query!r}" if query else "no conversation is kept")


@logs.command("show")
@click.argument("name", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(name: str | None, as_json: bool) -> None:
    """Show a conversation as Markdown, with its attempts; the last one without ID."""
    kept = found(Log(), name)
    if as_json:
        write_json(_json(kept))
    else:
        write("\n\n".join(_markdown(kept)))


@logs.command("path")
def path() -> None:
    """Print the file that the conversations are kept in."""
    write(str(Log().path))


@logs.command("clear")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def clear(yes: bool) -> None:
    """Delete all conversations that are kept."""
    log = Log()
    count = len(log.summaries())
    if not count:
        note("no conversation is kept")
        return
    if not yes:
        if not on_terminal(sys.stdin):
            raise click.UsageError(
                "standard input is not a terminal, so this cannot be confirmed; add "
                "--yes"
            )
        if not click.confirm(f"Delete {_number(count, 'conversation')}?", err=True):
            note("nothing was deleted")
            return
    note(f"deleted {_number(log.clear(), 'conversation')}")


def found(log: Log, name: str | None, *, answered: bool = False) -> Kept:
    """Return a conversation.

    Args:
        log: Has it.
        name: Its id; None means the last one.
        answered: Whether one without any answer comes after all others.

    Raises:
        ClickException: It is not kept.
    """
    kept = log.conversation(name, answered=answered)
    if kept is None and name is None:
        raise click.ClickException("no conversation is kept")
    if kept is None:
        guess = did_you_mean(nearest(name or "", [one.id for one in log.summaries()]))
        advice = guess or "; `turnout logs` lists them"
        raise click.ClickException(f"no conversation {name!r} is kept{advice}")
    return kept


def _markdown(kept: Kept) -> Iterator[str]:
    """Return the blocks of a conversation."""
    yield f"# Conversation {kept.id}"
    system = ""
    for number, each in enumerate(kept.exchanges, 1):
        yield f"## {number}. Question, {_time(each.ended)}"
        if each.system != system:
            system = each.system
            yield f"System message: {system}" if system else "No system message."
        yield each.prompt
        yield from _lines(_about_question(each))
        yield f"## {number}. Answer of {each.target or 'no target'}"
        if each.reply.reasoning:
            lines = each.reply.reasoning.splitlines()
            yield "\n".join(f"> {line}".rstrip() for line in lines)
        if each.answer:
            yield each.answer.rstrip("\n")
        yield from _lines(_about_answer(each))


def _lines(lines: Iterator[str]) -> Iterator[str]:
    listed = "\n".join(f"- {one_line(line)}" for line in lines)
    if listed:
        yield listed


def _about_question(each: Exchange) -> Iterator[str]:
    if each.asked:
        yield f"asked for: {', '.join(each.asked)}"
    for name, value in each.about["options"].items():
        yield f"option {name}: {value}"
    for one in _attachments(each.question):
        size = None if one["bytes"] is None else f"{one['bytes']:,} bytes"
        address = None if one["url"] is None else one["url"][:_BEGINNING]
        known = filter(None, [one["name"], one["media_type"], size, address])
        yield f"attached: {', '.join(known)}"


def _about_answer(each: Exchange) -> Iterator[str]:
    finish, error = each.reply.finish_reason, each.about["error"]
    if each.outcome == "complete":
        yield f"ended: {finish}"
    elif error is None:
        yield "stopped before its end"
    else:
        yield f"failed: {error['type']}: {error['message']}"
    for call in each.reply.tool_calls:
        yield f"call of {call.name}: {call.arguments}"
    for one in each.reply.citations:
        yield f"source: {' '.join(filter(None, [one.url or one.source, one.title]))}"
    for media in each.reply.media:
        yield f"came with the answer: {media.media_type or 'a file'}"
    usage, cost = each.reply.usage, each.about["cost"]
    if usage is not None:
        counts = [f"{name} {value}" for name, value in asdict(usage).items() if value]
        yield f"usage: {', '.join(counts)}"
    if cost is not None:
        yield f"cost: ${cost}"
    for number, attempt in enumerate(each.reply.attempts, 1):
        yield f"attempt {number}: {_attempt(attempt)}"


def _attempt(attempt: Attempt) -> str:
    """Return what became of an attempt, and how it was joined, in a line."""
    words = [f"{attempt.target}: {attempt.outcome}", f"after {attempt.seconds:.2f} s"]
    if attempt.first_delta is not None:
        words.append(f"first delta after {attempt.first_delta:.2f} s")
    if attempt.join is not None:
        words.append(f"joined by {attempt.join}")
    if attempt.dropped:
        words.append(f"{attempt.dropped} characters dropped at the join")
    if attempt.error is not None:
        words.append(f"{type(attempt.error).__name__}: {said(attempt.error)}")
    return ", ".join(words)


def _attachments(question: Message) -> Iterator[dict[str, Any]]:
    parts = () if isinstance(question.content, str) else question.content
    for part in parts:
        if not isinstance(part, TextPart):
            yield {
                "name": part.filename if isinstance(part, FilePart) else None,
                "media_type": part.media_type,
                "bytes": None if part.data is None else len(part.data),
                "url": part.url,
            }


def _json(kept: Kept) -> dict[str, Any]:
    """Return a conversation for programs."""
    return {"id": kept.id, "exchanges": [_json_exchange(one) for one in kept.exchanges]}


def _json_exchange(each: Exchange) -> dict[str, Any]:
    reply = to_dict(each.reply)
    # What only the service reads, and what could be large.
    shown = reply.keys() - {"type", "text", "target", "state", "items", "media"}
    return {
        "ended": datetime.fromtimestamp(each.ended, UTC).isoformat(),
        "asked": each.asked,
        "target": each.target or None,
        "outcome": each.outcome,
        "system": each.system,
        "prompt": each.prompt,
        "attachments": [*_attachments(each.question)],
        "answer": each.answer,
        **{name: reply[name] for name in sorted(shown)},
        **each.about,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def beginning(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = one_line(text)
    return line if len(line) <= _BEGINNING else f"{line[: _BEGINNING - 1]}…"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
