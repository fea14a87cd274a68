"""Environment variables, including those of proxies."""

from __future__ import annotations

import pytest

from turnout._environment import proxy_exceptions, proxy_variable, variable

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
    ("variables", "scheme", "found"),
    [
        pytest.param({}, "https", None, id="none"),
        pytest.param({"HTTPS_PROXY": PROXY}, "https", "HTTPS_PROXY", id="https"),
        pytest.param(
            {"https_proxy": PROXY}, "https", "https_proxy", id="https in lower case"
        ),
        pytest.param({"HTTP_PROXY": PROXY}, "http", "HTTP_PROXY", id="http"),
        pytest.param(
            {"http_proxy": PROXY}, "http", "http_proxy", id="http in lower case"
        ),
        pytest.param({"HTTP_PROXY": PROXY}, "https", None, id="the other scheme's"),
        pytest.param(
            {"HTTPS_PROXY": "http://other", "https_proxy": PROXY},
            "https",
            "https_proxy",
            id="lower case first",
        ),
        pytest.param({"ALL_PROXY": PROXY}, "https", "ALL_PROXY", id="all, https"),
        pytest.param({"all_proxy": PROXY}, "http", "all_proxy", id="all, http"),
        pytest.param(
            {"ALL_PROXY": "http://other", "HTTPS_PROXY": PROXY},
            "https",
            "HTTPS_PROXY",
            id="the scheme's before all",
        ),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "https_proxy": ""}, "https", None, id="switched off"
        ),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "https_proxy": " \n"}, "https", None, id="blank"
        ),
        pytest.param(
            {"ALL_PROXY": PROXY, "all_proxy": ""}, "https", None, id="all switched off"
        ),
        pytest.param(
            {"HTTPS_PROXY": "http://other", "https_proxy": "", "ALL_PROXY": PROXY},
            "https",
            "ALL_PROXY",
            id="all if the scheme's is switched off",
        ),
        pytest.param({"HTTPS_PROXY": f" {PROXY}\n"}, "https", "HTTPS_PROXY", id="trim"),
        pytest.param(
            {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"},
            "http",
            None,
            id="a header of a CGI program's client",
        ),
        pytest.param(
            {"http_proxy": PROXY, "REQUEST_METHOD": "GET"},
            "http",
            "http_proxy",
            id="what no header can set",
        ),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "REQUEST_METHOD": "GET"},
            "https",
            "HTTPS_PROXY",
            id="what no header is named as",
        ),
    ],
)
def test_a_proxys_variable_is_found(
    variables: dict[str, str],
    scheme: str,
    found: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert proxy_variable(scheme) == (None if found is None else (found, PROXY))


@pytest.mark.parametrize(
    ("variables", "value"),
    [
        ({}, ""),
        ({"NO_PROXY": " a,b "}, "a,b"),
        ({"no_proxy": "a"}, "a"),
        ({"NO_PROXY": "a", "no_proxy": "b"}, "b"),
        ({"NO_PROXY": "a", "no_proxy": ""}, ""),
    ],
)
def test_the_exceptions_are_found(
    variables: dict[str, str], value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, given in variables.items():
        monkeypatch.setenv(name, given)

    assert proxy_exceptions() == value
