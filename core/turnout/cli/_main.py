"""The command `turnout`: which commands there are, and how a run of it ends."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from turnout._environment import variable
from turnout._version import VERSION
from turnout.cli._output import fail, note, printable, set_aside_note
from turnout.errors import TurnoutError

if TYPE_CHECKING:
    from turnout._app import App

__all__ = ["run"]

_OWN = {
    "chat": ("_chat", "Ask, and show the answer as it comes."),
    "logs": ("_logs", "List, search and show the conversations that are kept."),
    "models": ("_listings", "List the models."),
    "providers": ("_listings", "List the providers, and which can be asked."),
    "resolve": ("_listings", "Show which targets a name means, and why."),
    "plugins": ("_plugins", "List the plugins, also the broken ones."),
    "doctor": ("_doctor", "Find out what is wrong, and what to do."),
    "new-provider": ("_new_provider", "Create a provider package."),
}
"""turnout's own commands: the module of each, and its line in the help."""

_COMPLETE = "_TURNOUT_COMPLETE"
"""The environment variable by which a shell asks for completions."""

_INTERRUPTED = 130
"""The exit status in shells of what SIGINT ended: 128 and its number."""


class _OwnCommand(click.Command):
    """A command that is imported when it is called, not when it is listed."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of the command itself."""
        assert self.name is not None
        module = import_module(f"turnout.cli.{_OWN[self.name][0]}")
        command: click.Command = getattr(module, self.name.replace("-", "_"))
        return command.make_context(info_name, args, parent, **extra)


class Commands(click.Group):
    """turnout's own commands, then those of plugins.

    Plugins are loaded if the help is shown, and for a command that is not turnout's
    own.
    """

    _loaded = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; `help` and a command stand for the command's `--help`."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        try:
            return super().parse_args(ctx, [*args])  # It takes from the list.
        except click.NoSuchOption as error:
            from turnout.cli._hints import misplaced_option

            raise misplaced_option(error, args) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, as the help shows them."""
        try:
            app = self._load_plugins()
        except TurnoutError as error:
            # The help is shown all the same.
            note(f"the commands of plugins are not shown: {error}")
        else:
            # A shell that completes a line cannot show it.
            if not ctx.resilient_parsing:
                set_aside_note(app.set_aside)
        return [*_OWN, *sorted(self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if none has the name."""
        if cmd_name in _OWN:
            return _OwnCommand(cmd_name, short_help=_OWN[cmd_name][1])
        self._load_plugins()
        return self.commands.get(cmd_name)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a plugin's command, unless another one has its name."""
        taken = name or cmd.name
        if taken not in _OWN and taken not in self.commands:
            super().add_command(cmd, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called; say what an unknown one may mean."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            from turnout.cli._hints import unknown_command

            ctx.fail(unknown_command(args, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command that is called.

        What it returns is dropped, so that `main` returns nothing but the status
        that a command ended with by `Context.exit`.
        """
        super().invoke(ctx)

    def _load_plugins(self) -> App:
        """Let the plugins add their commands, once.

        Raises:
            ConfigError: The configuration is broken.
        """
        from turnout._app import current_app

        app = current_app()
        app.load_all()
        if not self._loaded:
            self._loaded = True
            app.host.add_commands(self)
        return app


def command_line() -> Commands:
    """Return the command `turnout`."""

    @click.group(
        "turnout",
        cls=Commands,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="`turnout COMMAND -h` shows what a command takes.",
    )
    @click.version_option(VERSION, message="turnout %(version)s")
    def turnout() -> None:
        """Stream chat completions from many providers behind one interface."""

    assert isinstance(turnout, Commands)
    return turnout


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        arguments: What follows the command's name; None means the process's own.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A model's text may have characters that the encoding lacks.
            stream.reconfigure(errors="replace")
    if variable(_COMPLETE) is not None:
        import_module("turnout.cli._completion")  # It is click's that asks it.
    try:
        status = command_line().main(
            arguments, prog_name="turnout", standalone_mode=False
        )
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        # It may quote a service, as a plugin's command does.
        click.echo(printable(shown.getvalue()), nl=False, err=True)
        return error.exit_code
    except click.Abort:
        return _INTERRUPTED
    except (TurnoutError, OSError) as error:
        fail(error)
        return 1
    return status or 0
