"""The files that TLS options name, and what is wrong with them."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import pytest

from turnout import get_provider
from turnout._config import read_config
from turnout.errors import ConfigError
from turnout.provider import ProviderOptions

from .scripted import Lines

CERTIFICATES = Path(__file__).parent / "http" / "certificates"
KEY = CERTIFICATES / "key.pem"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    file = tmp_path / "empty.pem"
    file.touch()
    return file


def refusal(**options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        Lines(**options)
    message = str(caught.value)
    assert message.startswith("option of provider 'Lines': ")
    return message.removeprefix("option of provider 'Lines': ")


@pytest.mark.parametrize("option", ["ca_file", "client_certificate"])
def test_a_file_that_cannot_be_read_is_named(option: str, tmp_path: Path) -> None:
    fifo, missing = tmp_path / "fifo", tmp_path / "missing"
    os.mkfifo(fifo)

    assert refusal(**{option: fifo}) == f"{option}: {str(fifo)!r} is not a file"
    assert refusal(**{option: tmp_path}) == f"{option}: {str(tmp_path)!r} is not a file"
    assert refusal(**{option: missing}) == f"{option}: {str(missing)!r} does not exist"
    assert refusal(**{option: str(missing)}) == refusal(**{option: missing})


def test_a_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    told = refusal(
        client_certificate=CERTIFICATES / "client.pem", client_key=tmp_path / "missing"
    )

    assert told == f"client_key: {str(tmp_path / 'missing')!r} does not exist"


def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path) -> None:
    file = tmp_path / (
        "x" * 300
    )  # The name is too long, which is an error for root too.

    assert refusal(ca_file=file) == (
        f"ca_file: {str(file)!r} cannot be read: File name too long"
    )


def test_a_file_of_something_else_is_named(empty: Path) -> None:
    for file in (empty, KEY):
        assert refusal(ca_file=file).startswith(
            f"ca_file: {str(file)!r} is not a file of certificates in PEM form"
        )
    assert refusal(client_certificate=KEY) == (
        f"client_certificate: {str(KEY)!r} has no certificate in PEM form"
    )


def test_a_key_that_is_missing_is_named(empty: Path) -> None:
    client = CERTIFICATES / "client.pem"

    assert refusal(client_certificate=client) == (
        f"client_certificate: {str(client)!r} has no private key in PEM form; set "
        "client_key"
    )
    assert refusal(client_certificate=client, client_key=empty) == (
        f"client_key: {str(empty)!r} has no private key in PEM form"
    )


def test_a_key_of_another_certificate_is_named() -> None:
    client = CERTIFICATES / "client.pem"

    assert refusal(client_certificate=client, client_key=KEY) == (
        f"client_key: the private key in {str(KEY)!r} does not match the certificate "
        f"in {str(client)!r}"
    )


def test_a_key_that_is_encrypted_is_refused_without_a_prompt() -> None:
    encrypted = CERTIFICATES / "client_key_encrypted.pem"
    told = refusal(client_certificate=CERTIFICATES / "client.pem", client_key=encrypted)

    assert told.startswith(
        f"client_key: the private key in {str(encrypted)!r} is encrypted, which is not "
        "supported"
    )


def test_files_that_are_cut_are_named(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pem"
    cut.write_bytes((CERTIFICATES / "client_with_key.pem").read_bytes()[:-60])

    assert "cannot be read; check that both are complete" in refusal(
        client_certificate=cut
    )


@pytest.mark.parametrize("value", [3, True, "", b"x"])
def test_what_is_not_a_path_is_refused(value: object) -> None:
    assert refusal(ca_file=value) == f"ca_file: expected a path, not {value!r}"


def test_an_unknown_home_directory_is_refused() -> None:
    assert refusal(ca_file="~nobody-of-that-name/ca.pem") == (
        "ca_file: the home directory of '~nobody-of-that-name/ca.pem' is not "
        "known; write the full path"
    )


def test_a_path_may_be_a_string() -> None:
    file = CERTIFICATES / "good.pem"

    assert ProviderOptions(ca_file=str(file)).ca_file == file  # type: ignore[arg-type]


def test_a_key_without_a_certificate_is_refused() -> None:
    assert refusal(client_key=KEY) == (
        "client_key is set without client_certificate; set both"
    )


def test_a_context_beside_files_is_refused() -> None:
    told = refusal(
        ssl_context=ssl.create_default_context(), ca_file=CERTIFICATES / "good.pem"
    )

    assert told.startswith("ssl_context is set together with ca_file")


@pytest.mark.parametrize("value", [True, "context", CERTIFICATES / "good.pem"])
def test_what_is_not_a_context_is_refused(value: object) -> None:
    assert refusal(ssl_context=value).startswith(
        f"ssl_context: expected an ssl.SSLContext, not {type(value).__name__}"
    )


def test_a_context_for_servers_is_refused() -> None:
    assert refusal(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) == (
        "ssl_context is a context for servers; make it with "
        "ssl.create_default_context()"
    )


def test_paths_of_the_configuration_are_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("good.pem", "client.pem", "client_key.pem"):
        (folder / name).write_bytes((CERTIFICATES / name).read_bytes())
    file = folder / "turnout.toml"
    file.write_text(
        f"""
        [providers.vLLM]
        ca_file = "good.pem"
        client_certificate = "./client.pem"
        client_key = "{folder / "client_key.pem"}"

        [providers.other]
        plugin = "vLLM"
        ca_file = "~/ca.pem"
        """
    )
    monkeypatch.setenv("TURNOUT_CONFIG", str(file))
    monkeypatch.setenv("HOME", str(tmp_path))

    options = get_provider("vLLM").options

    assert options.ca_file == folder / "good.pem"
    assert options.client_certificate == folder / "client.pem"
    assert options.client_key == folder / "client_key.pem"
    with pytest.raises(ConfigError) as caught:
        get_provider("other")
    assert str(caught.value) == (
        f"{file}: providers.other: ca_file: {str(tmp_path / 'ca.pem')!r} does not exist"
    )


def test_a_path_of_the_configuration_is_a_string(tmp_path: Path) -> None:
    file = tmp_path / "turnout.toml"
    file.write_text("[providers.vLLM]\nca_file = 3\nclient_key = ''\n")

    options = read_config(file).providers["vLLM"].options

    assert options == {"ca_file": 3, "client_key": ""}


def test_a_configuration_cannot_set_a_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "turnout.toml"
    file.write_text("[providers.vLLM]\nssl_context = 'ca.pem'\n")
    monkeypatch.setenv("TURNOUT_CONFIG", str(file))

    with pytest.raises(ConfigError, match="for files, set ca_file, client_certificate"):
        get_provider("vLLM")
