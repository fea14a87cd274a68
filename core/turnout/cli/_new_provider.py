"""`turnout new-provider`: begin a provider package."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("new-provider", short_help="Begin a provider package.")
@click.argument("name")
@click.option(
    "--path",
    "parent",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to make the package's folder in; the working directory's else.",
)
def command(name: str, parent: Path) -> None:
    """Write a package with a provider in it, that works and has tests.

    NAME is the provider's, as in MyLlm or my-llm. Nothing is overwritten.
    """
    import shlex

    from turnout.cli._output import note, write
    from turnout.cli._scaffold import Names, scaffold

    names = Names.derive(name)
    if names is None:
        raise click.UsageError(
            f"{name!r} cannot name a provider; take ASCII letters and digits, a letter "
            "first, as in MyLlm or my-llm"
        )
    folder = parent / names.distribution
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise click.ClickException(
            f"{str(folder)!r} is there already; take another name, or another --path"
        ) from None
    scaffold(names, folder)
    write(str(folder))
    note("Next:")
    for step in (
        f"cd {shlex.quote(str(folder))}",
        'pip install -e ".[test]"',
        "pytest",
        f"turnout resolve {names.provider}",
    ):
        note(f"  {step}")
    note(f"Then put its address, key and models into src/{names.module}/__init__.py.")
