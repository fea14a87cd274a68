"""What `OLLAMA_HOST` means. The examples are those of Ollama's own clients."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.errors import ConfigError
from turnout_ollama import Ollama
from turnout_ollama._address import address_of


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        (" ", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":56789", "http://127.0.0.1:56789"),
        ("1.2.3.4:", "http://1.2.3.4:11434"),
        (" 1.2.3.4:56789 ", "http://1.2.3.4:56789"),
        ("http://1.2.3.4", "http://1.2.3.4"),
        ("https://1.2.3.4", "https://1.2.3.4"),
        ("https://1.2.3.4:56789", "https://1.2.3.4:56789"),
        ("example.com", "http://example.com:11434"),
        ("example.com:56789", "http://example.com:56789"),
        ("http://example.com/", "http://example.com"),
        ("example.com/path", "http://example.com:11434/path"),
        ("example.com:56789/path/", "http://example.com:56789/path"),
        ("https://example.com:56789/a/b/", "https://example.com:56789/a/b"),
        ("[0001:002:003:0004::1]", "http://[0001:002:003:0004::1]:11434"),
        ("[0001:002::1]:56789/p", "http://[0001:002::1]:56789/p"),
        ("https://[0001:002::1]", "https://[0001:002::1]"),
        ("::1", "http://[::1]:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://[::]:8080", "http://[::1]:8080"),
        ("ollama.com", "https://ollama.com"),
        ("https://ollama.com", "https://ollama.com"),
        ("http://", "http://127.0.0.1"),
        ("'1.2.3.4'", "http://1.2.3.4:11434"),
        (' "http://1.2.3.4:80" ', "http://1.2.3.4:80"),
        ('""', "http://127.0.0.1:11434"),
    ],
)
def test_an_address_is_read_as_ollamas_own_clients_read_it(
    value: str | None, address: str
) -> None:
    assert address_of(value) == address


@pytest.mark.parametrize(
    "value",
    [
        "host:port",
        "host:99999",
        "tcp://host",
        "user:canary@host",
        "http://user:canary@host",
        "http://canary@host",
        "[::1",
        "host name",
        "host/a path",
        "host?canary=1",
        "host/a?canary=1",
        "http://host#canary",
    ],
)
def test_what_is_no_address_is_refused_unseen(value: str) -> None:
    with pytest.raises(ConfigError, match="OLLAMA_HOST is not the address") as caught:
        address_of(value)

    assert "canary" not in str(caught.value)


def test_the_variable_is_read_where_no_address_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "gpu.example:8080")

    assert Ollama().options.base_url == "http://gpu.example:8080"
    assert Ollama(max_concurrent=1).options.base_url == "http://gpu.example:8080"
    assert Ollama(base_url="http://own").options.base_url == "http://own"


@pytest.mark.parametrize("options", [{}, {"max_concurrent": 1}])
def test_a_wrong_variable_is_told_by_its_name(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://user:canary@host")

    with pytest.raises(ConfigError, match="OLLAMA_HOST is not the address"):
        Ollama(**options)
    assert Ollama(base_url="http://own").options.base_url == "http://own"
