"""`keyring:NAME` in the configuration: real backends, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from turnout._config import read_config
from turnout._environment import SecretReference
from turnout._keyring import FromKeyring

from .subprocesses import environment, script

BACKENDS = """
    import json
    from pathlib import Path

    from keyring.backend import KeyringBackend
    from keyring.errors import KeyringLocked

    class InFile(KeyringBackend):
        priority = 1
        path = Path(__file__).with_name("keyring.json")

        def get_password(self, service, username):
            with Path(__file__).with_name("reads").open("a") as reads:
                reads.write(f"{service} {username}\\n")
            return json.loads(self.path.read_text()).get(f"{service} {username}")

        def set_password(self, service, username, password):
            self.path.write_text(json.dumps({f"{service} {username}": password}))

    class Locked(InFile):
        def get_password(self, service, username):
            raise KeyringLocked("the user said no")

    class Torn(InFile):
        def get_password(self, service, username):
            raise OSError("the bus is gone")
"""

PROGRAM = """
    import turnout
    try:
        provider = turnout.get_provider("mine")
        again = turnout.get_provider("mine")
        print(provider.api_key.reveal(), again.options.headers["x-a"].reveal())
    except turnout.TurnoutError as error:
        print(f"{type(error).__name__}: {error}")
"""

CONFIG = """
[providers.mine]
plugin = "vLLM"
api_key = "keyring:mine"
headers = { x-a = "keyring:mine" }
"""


def told(folder: Path, backend: str, *, before: str = "", config: str = CONFIG) -> str:
    """Return what a program prints that reads a key with a backend."""
    (folder / "in_files.py").write_text(script(BACKENDS))
    (folder / "turnout.toml").write_text(config)
    variables = {
        "PYTHONPATH": os.pathsep.join([str(folder), environment()["PYTHONPATH"]]),
        "PYTHON_KEYRING_BACKEND": backend,
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script(before, PROGRAM)],
        cwd=folder,
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.strip()


@pytest.mark.ci
def test_a_key_is_read_from_the_keyring_once(tmp_path: Path) -> None:
    before = """
        import keyring
        keyring.set_password("turnout", "mine", "sk-canary")
    """

    assert told(tmp_path, "in_files.InFile", before=before) == "sk-canary sk-canary"
    assert (tmp_path / "reads").read_text() == "turnout mine\n"


@pytest.mark.ci
@pytest.mark.parametrize(
    ("backend", "before", "fault"),
    [
        pytest.param(
            "keyring.backends.null.Keyring",
            "",
            "the keyring has no entry 'mine' of the service 'turnout'; run: keyring "
            "set turnout mine",
            id="no entry",
        ),
        pytest.param(
            "keyring.backends.fail.Keyring",
            "",
            "this machine has no usable keyring; put the key into an environment "
            "variable and write env:NAME",
            id="no backend",
        ),
        pytest.param(
            "in_files.Locked",
            "",
            "the keyring is locked (the user said no); unlock it and try again",
            id="locked",
        ),
        pytest.param(
            "in_files.Torn",
            "",
            "the keyring cannot be read: the bus is gone",
            id="an error of the backend",
        ),
        pytest.param(
            "in_files.InFile",
            'import sys\nsys.modules["keyring"] = None',
            "the keyring cannot be read, as the package keyring is not installed; run: "
            'pip install "turnout[keyring]"',
            id="no package",
        ),
        pytest.param(
            "in_files.InFile",
            """
            import keyring
            keyring.set_password("turnout", "mine", "sk-\\ufeffcanary")
            """,
            "the keyring's entry 'mine' has an invisible character (U+FEFF "
            "BYTE ORDER MARK); remove it",
            id="no key",
        ),
    ],
)
def test_the_error_of_a_keyring_without_the_key_says_what_to_do(
    tmp_path: Path, backend: str, before: str, fault: str
) -> None:
    config = CONFIG.replace("headers", "# ")
    said = told(tmp_path, backend, before=before, config=config)

    file = tmp_path / "turnout.toml"
    assert said == f"ConfigError: {file}: providers.mine: api_key: {fault}"


@pytest.mark.ci
def test_a_keyring_that_cannot_be_imported_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "keyring"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise OSError('torn')")

    said = told(tmp_path, "in_files.InFile", config=CONFIG.replace("headers", "# "))

    assert said.endswith("api_key: the keyring cannot be read: torn")


def test_a_reference_without_a_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "turnout.toml"
    file.write_text('[providers.mine]\napi_key = "keyring:"')

    with pytest.raises(ValueError, match="api_key is not a key"):
        read_config(file)
    with pytest.raises(ValueError, match='"keyring:" has no name of an entry'):
        FromKeyring("keyring: ").read()


def test_the_base_class_of_references_is_abstract() -> None:
    with pytest.raises(NotImplementedError):
        SecretReference("x").read()
    with pytest.raises(NotImplementedError):
        _ = SecretReference("x").source
