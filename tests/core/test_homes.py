"""A user without a home, and folders that cannot be looked into: real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .subprocesses import environment, script, strict

PACKAGES = Path(sysconfig.get_path("purelib"))

pytestmark = [
    pytest.mark.skipif(
        os.name != "posix" or os.geteuid() != 0,
        reason="only root can become a user without an entry in passwd",
    ),
    pytest.mark.skipif(
        not all(folder.stat().st_mode & 0o001 for folder in PACKAGES.parents),
        reason=f"another user cannot read {PACKAGES}",
    ),
]

BECOME = """
    import contextlib, io, os, sys
    from turnout._app import App, current_app
    from turnout._config import Config, find_config, users_config
    from turnout.cli._main import run
    from turnout.errors import TurnoutError

    def doctor():
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            status = run(["doctor", "--offline"])
        lines = told.getvalue().splitlines()
        return next(line for line in lines if "configuration" in line)

    # All that is imported is imported now: the new user may not read it.
    if os.environ.get("ASKS_DOCTOR"):
        doctor()
    users_config()
    App(Config()).provider("vLLM", {})
    App(Config()).provider("Local", {}).unavailable()
    with contextlib.suppress(TurnoutError):
        App(Config()).provider("FlowGtp", {})
    current_app.cache_clear()
    os.setgroups([])
    os.setresgid(54321, 54321, 0)
    os.setresuid(54321, 54321, 0)
"""
"""Begins a script: become a user without an entry in passwd."""

RETURN = """
    os.setresuid(0, 0, 0)
"""
"""Ends it: what is measured of the process is written by root."""


def output_of(*parts: str, cwd: Path, **variables: str) -> str:
    kept = {name: v for name, v in environment().items() if name != "HOME"}
    kept = {name: v for name, v in kept.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [*strict(), "-c", script(BECOME, *parts, RETURN)],
        cwd=cwd,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """Return a folder that everybody can look into."""
    folder = tmp_path
    while folder != folder.parent and not folder.stat().st_mode & 0o001:
        folder.chmod(0o755)
        folder = folder.parent
    return tmp_path


@pytest.fixture
def closed(open_folder: Path) -> Path:
    """Return a folder that root alone can look into, with a configuration."""
    folder = open_folder / "closed"
    config = folder / ".config" / "turnout" / "turnout.toml"
    config.parent.mkdir(parents=True)
    config.write_text('order = ["Local"]')
    (folder / "turnout.toml").write_text('order = ["Local"]')
    folder.chmod(0o700)
    return folder


def test_no_home_is_no_configuration(open_folder: Path) -> None:
    told = output_of(
        'print(find_config(), App().provider("vLLM", {}))', cwd=open_folder
    )

    assert told == "None <OpenAI 'vLLM'>"


@pytest.mark.ci  # `doctor` asks the embedded model.
def test_doctor_tells_of_no_home(open_folder: Path) -> None:
    told = output_of("print(doctor())", cwd=open_folder, ASKS_DOCTOR="1")

    assert told.endswith(
        "there is none, and none is needed; you have no home directory"
    )


def test_a_home_of_the_variable_that_is_not_known_is_named(open_folder: Path) -> None:
    told = output_of(
        """
        try:
            find_config()
        except TurnoutError as error:
            print(error)
        """,
        cwd=open_folder,
        TURNOUT_CONFIG="~/turnout.toml",
    )

    assert told == (
        "TURNOUT_CONFIG names '~/turnout.toml', whose home directory is not known; "
        "write the full path"
    )


@pytest.mark.parametrize("home", ["/etc/passwd", "/no/such/home", "relative", ""])
def test_a_home_that_is_no_folder_is_no_configuration(
    home: str, open_folder: Path
) -> None:
    told = output_of('print(App().provider("vLLM", {}))', cwd=open_folder, HOME=home)

    assert told == "<OpenAI 'vLLM'>"


@pytest.mark.ci  # `doctor` asks the embedded model.
def test_a_home_that_cannot_be_looked_into_is_named_where_a_name_is_unknown(
    open_folder: Path, closed: Path
) -> None:
    told = output_of(
        """
        app = App()
        print(app.provider("vLLM", {}))
        try:
            app.provider("FlowGtp", {})
        except TurnoutError as error:
            print(error)
        print(doctor())
        """,
        cwd=open_folder,
        HOME=str(closed),
        ASKS_DOCTOR="1",
    )

    provider, error, finding = told.splitlines()
    users = closed / ".config" / "turnout" / "turnout.toml"
    fault = f"{users} cannot be read: Permission denied"
    assert provider == "<OpenAI 'vLLM'>"
    assert error == f"unknown provider 'FlowGtp'; {fault}; did you mean 'FlowGpt'?"
    assert finding.startswith("warning")
    assert finding.endswith(f"{fault}; none is used")


@pytest.mark.ci  # `doctor` asks the embedded model.
def test_a_working_directory_that_cannot_be_looked_into_is_named(
    open_folder: Path, closed: Path
) -> None:
    told = output_of(
        "print(doctor())", cwd=closed, HOME=str(open_folder), ASKS_DOCTOR="1"
    )

    assert told.endswith(
        "turnout.toml in the working directory cannot be read: Permission denied; "
        "none is used"
    )


def test_a_variable_that_names_a_file_in_a_closed_folder_is_an_error(
    open_folder: Path, closed: Path
) -> None:
    told = output_of(
        """
        try:
            find_config()
        except TurnoutError as error:
            print(error)
        """,
        cwd=open_folder,
        TURNOUT_CONFIG=str(closed / "turnout.toml"),
    )

    assert told.endswith("turnout.toml', which cannot be read: Permission denied")


FIND = """
    from dataclasses import replace
    from turnout_local._weights import SMOLLM2, find

    try:
        # Of a package that nobody has installed.
        print(find(weights=replace(SMOLLM2, member="no_such_package/model.gguf")))
    except TurnoutError as error:
        print(error)
"""


def test_the_embedded_model_says_that_there_is_no_home(open_folder: Path) -> None:
    told = output_of(FIND, cwd=open_folder)

    assert told == (
        "this user has no home directory to keep the local model's weights in; set "
        "HOME, or the option model_path to a GGUF file"
    )


def test_the_embedded_model_says_which_folder_cannot_be_looked_into(
    open_folder: Path, closed: Path
) -> None:
    told = output_of(FIND, cwd=open_folder, HOME=str(closed))

    file = closed / ".local" / "share" / "turnout" / "local" / "model.gguf"
    assert told == f"{file} cannot be looked at: Permission denied; set model_path"


@pytest.mark.skipif(
    sys.version_info[:3] == (3, 13, 0),
    reason="Python 3.13.0 itself fails with a SystemError in such a folder",
)
def test_a_working_directory_that_was_removed_does_no_harm(open_folder: Path) -> None:
    gone = open_folder / "gone"
    gone.mkdir()
    source = f"""
        import os
        os.chdir({str(gone)!r})
        os.rmdir({str(gone)!r})
        import turnout
        print(turnout.get_provider("vLLM"))
    """

    done = subprocess.run(
        [*strict(), "-c", script(source)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("<OpenAI 'vLLM'>\n", "")
