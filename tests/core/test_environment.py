"""Environment variables, the proxies' above all."""

from __future__ import annotations

import pytest

from turnout._environment import proxy_for, variable

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("value", "read"), [("x", "x"), (" x \n", "x"), ("", None), ("  ", None)]
)
def test_a_blank_variable_is_none(
    value: str, read: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNOUT_TEST", value)

    assert variable("TURNOUT_TEST") == read


def test_a_variable_that_is_not_set_is_none() -> None:
    assert variable("TURNOUT_TEST") is None


@pytest.mark.parametrize(
    ("variables", "scheme", "proxy"),
    [
        pytest.param({}, "https", None, id="none"),
        pytest.param({"HTTPS_PROXY": PROXY}, "https", PROXY, id="https"),
        pytest.param({"https_proxy": PROXY}, "https", PROXY, id="https in lower case"),
        pytest.param({"HTTP_PROXY": PROXY}, "http", PROXY, id="http"),
        pytest.param({"http_proxy": PROXY}, "http", PROXY, id="http in lower case"),
        pytest.param({"HTTP_PROXY": PROXY}, "https", None, id="the other's"),
        pytest.param(
            {"HTTPS_PROXY": "http://other", "https_proxy": PROXY},
            "https",
            PROXY,
            id="lower case goes first",
        ),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "https_proxy": " "}, "https", PROXY, id="blank"
        ),
        pytest.param(
            {"HTTPS_PROXY": "proxy.example:3128"}, "https", PROXY, id="without scheme"
        ),
        pytest.param(
            {"HTTPS_PROXY": "http://me:it@p"}, "https", "http://me:it@p", id="user"
        ),
        pytest.param({"ALL_PROXY": PROXY}, "https", None, id="ALL_PROXY is not read"),
        pytest.param(
            {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"},
            "http",
            None,
            id="a header of a CGI program's client",
        ),
        pytest.param(
            {"http_proxy": PROXY, "REQUEST_METHOD": "GET"},
            "http",
            PROXY,
            id="what no header can set",
        ),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "REQUEST_METHOD": "GET"},
            "https",
            PROXY,
            id="what no header is named as",
        ),
    ],
)
def test_a_proxy_is_read(
    variables: dict[str, str],
    scheme: str,
    proxy: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert proxy_for(scheme, "api.example", None) == proxy


@pytest.mark.parametrize(
    ("exempt", "host", "port", "proxied"),
    [
        ("", "api.example", None, True),
        ("*", "api.example", None, False),
        ("api.example", "api.example", None, False),
        ("API.example", "api.EXAMPLE", None, False),
        ("example", "api.example", None, False),
        (".example", "api.example", None, False),
        ("ample", "api.example", None, True),
        ("a.b, api.example ,c.d", "api.example", None, False),
        ("api.example", "api.example", 8080, False),
        ("api.example:8080", "api.example", 8080, False),
        ("api.example:8080", "api.example", 9090, True),
        ("127.0.0.1", "127.0.0.1", 80, False),
        ("::1", "::1", 80, False),
        ("localhost", "api.example", None, True),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_some_hosts_are_asked_without_a_proxy(
    name: str,
    exempt: str,
    host: str,
    port: int | None,
    proxied: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv(name, exempt)

    assert proxy_for("http", host, port) == (PROXY if proxied else None)
