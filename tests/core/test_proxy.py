"""Addresses of proxies, and for which hosts the environment has a proxy."""

from __future__ import annotations

import base64
import sys

import pytest

import turnout
from turnout._proxy import OPTION, Proxy, proxy_of_environment, read_proxy
from turnout.errors import ConfigError

from .scripted import Lines

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("address", "url", "socks", "looks_up"),
    [
        ("http://p:3128", "http://p:3128", None, None),
        ("HTTP://P:3128/", "http://p:3128", None, None),
        ("http://p", "http://p:80", None, None),
        ("https://p", "https://p:443", None, None),
        ("http://[::1]:3128", "http://[::1]:3128", None, None),
        ("http://me:it@p:1", "http://p:1", None, None),
        ("socks://p", "socks://p:1080", 4, False),
        ("socks4://p", "socks4://p:1080", 4, False),
        ("socks4a://p:9", "socks4a://p:9", 4, True),
        ("socks5://p", "socks5://p:1080", 5, False),
        ("socks5h://p", "socks5h://p:1080", 5, True),
    ],
)
def test_an_address_is_read(
    address: str, url: str, socks: int | None, looks_up: bool | None
) -> None:
    proxy = read_proxy(address, OPTION)

    assert (proxy.url, proxy.socks) == (url, socks)
    assert looks_up is None or proxy.looks_up is looks_up


@pytest.mark.parametrize("address", ["p", "p:3128", "me:it@p:3128"])
def test_only_a_variable_may_lack_the_scheme(address: str) -> None:
    assert read_proxy(address, "ALL_PROXY") == read_proxy(f"http://{address}", "X")

    with pytest.raises(ValueError, match="as in http://user:password@host:3128"):
        read_proxy(address, OPTION)


@pytest.mark.parametrize(
    ("userinfo", "sent"),
    [
        ("me:it", b"me:it"),
        ("me", b"me:"),
        ("me:", b"me:"),
        (":it", b":it"),
        ("me:i:t", b"me:i:t"),
        ("us:p%C3%A9", b"us:p\xc3\xa9"),
        ("us:pé", b"us:p\xc3\xa9"),
        ("ü%C3%BC:x", b"\xc3\xbc\xc3\xbc:x"),
        ("us:p%E9", b"us:p\xe9"),
        ("me:%23%2F%3F%40%3A%20", b"me:#/?@: "),
    ],
)
def test_user_and_password_are_sent_as_utf8(userinfo: str, sent: bytes) -> None:
    value = read_proxy(f"http://{userinfo}@p:1", OPTION).authorization

    assert value is not None
    assert base64.b64decode(value.removeprefix("Basic ")) == sent


def test_without_a_user_no_authorization_is_sent() -> None:
    assert read_proxy("http://p:1", OPTION).authorization is None


def test_a_proxy_shows_no_password() -> None:
    proxy = read_proxy("http://canary1:canary2@p:1", "HTTPS_PROXY")

    assert str(proxy) == "the proxy p:1 of HTTPS_PROXY"
    assert "canary" not in repr(proxy)


def test_proxies_are_equal_if_only_their_variables_differ() -> None:
    one, other = (read_proxy("http://me:it@p", name) for name in ("proxy", "ALL_PROXY"))

    assert {one: 1}[other] == 1
    assert read_proxy("http://me:other@p", "proxy") != one


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://", "X is not the address of a proxy"),
        ("http://:1", "X is not the address of a proxy"),
        ("http://p:port", "X is not the address of a proxy"),
        ("http://p:99999", "X is not the address of a proxy"),
        ("http://[::1", "X is not the address of a proxy"),
        ("http://p?x", "X is not the address of a proxy"),
        ("http://me:canary#it@p:1", "in a password, write %23 for #"),
        ("http://me:canary/it@p:1", "in a password, write %23 for #"),
        ("http://me:canary?it@p:1", "in a password, write %23 for #"),
        ("http://me:canary it@p", "X has a space or a control character"),
        ("http://p\x00", "X has a space or a control character"),
        ("http://canary%3Ax:y@p", "X has a user name with a colon"),
        ("ftp://me:canary@p", "X has the unknown scheme 'ftp'"),
        ("socks6://me:canary@p", "X has the unknown scheme 'socks6'"),
        ("socks5://me@p", "X has a user name without a password"),
        ("socks5://me:canary%C3%A9@p", "X has a user name or a password that cannot"),
        (f"socks5://me:{'canary' * 50}@p", "use up to 255 ASCII characters"),
    ],
)
def test_a_wrong_address_is_refused_by_name_and_not_shown(
    address: str, message: str
) -> None:
    with pytest.raises(ValueError, match=r"^X ") as caught:
        read_proxy(address, "X")

    assert message in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_socks_proxy_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    hint = r'is a SOCKS proxy; run: pip install "turnout\[socks\]"$'

    with pytest.raises(ConfigError, match=f": proxy {hint}"):
        Lines(base_url="http://h", proxy="socks5://me:it@p")
    monkeypatch.setenv("ALL_PROXY", "socks5h://p")
    with pytest.raises(ConfigError, match=f": ALL_PROXY {hint}"):
        turnout.run(Lines(base_url="http://h").complete("Why?"))


def found(
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    exempt: str = "",
    *,
    port: int | None = None,
    scheme: str = "http",
) -> Proxy | None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", exempt)
    return proxy_of_environment(scheme, host, port)


def test_without_a_variable_there_is_no_proxy() -> None:
    assert proxy_of_environment("https", "api.example", None) is None


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:canary@p")

    with pytest.raises(
        ValueError, match=r"^HTTPS_PROXY has the unknown scheme 'gopher'"
    ):
        proxy_of_environment("https", "api.example", None)


@pytest.mark.parametrize(
    ("exempt", "host", "port", "direct"),
    [
        ("", "api.example", None, False),
        ("*", "api.example", None, True),
        ("x, *", "api.example", None, True),
        ("api.example", "api.example", None, True),
        ("API.example", "api.EXAMPLE", None, True),
        ("api.example", "api.example.", None, True),
        ("api.example.", "api.example", None, True),
        ("example", "api.example", None, True),
        (".example", "api.example", None, True),
        ("*.example", "api.example", None, True),
        (".api.example", "api.example", None, True),
        ("ample", "api.example", None, False),
        (".", "api.example", None, False),
        ("api.example", "example", None, False),
        ("a.b, api.example ,c.d", "api.example", None, True),
        ("a.b api.example\tc.d", "api.example", None, True),
        ("a.b,,", "api.example", None, False),
        ("api.example", "api.example", 8080, True),
        ("api.example:8080", "api.example", 8080, True),
        (".example:8080", "api.example", 8080, True),
        ("api.example:8080", "api.example", 9090, False),
        ("api.example:80", "api.example", None, True),
        ("api.example:443", "api.example", None, False),
        ("api.example:port", "api.example", 80, False),
        ("api.example:", "api.example", 80, False),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.1.2.3:80", "10.1.2.3", 80, True),
        ("10.1.2.3:81", "10.1.2.3", 80, False),
        ("10.1.2.4", "10.1.2.3", 80, False),
        ("2.3", "10.1.2.3", 80, False),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.9.9.9/8", "10.1.2.3", 80, True),
        ("10.0.0.0/16", "10.1.2.3", 80, False),
        ("10.0.0.0/33", "10.1.2.3", 80, False),
        ("10.0.0.0/8", "10.example", 80, False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", 80, True),
        ("fd00::1", "fd00::1", 80, True),
        ("FD00:0::1", "fd00::1", 80, True),
        ("[fd00::1]", "fd00::1", 80, True),
        ("[fd00::1]:80", "fd00::1", 80, True),
        ("[fd00::1]:81", "fd00::1", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("[fd00::]/8", "fd12::1", 80, True),
        ("[fd00::/8]", "fd12::1", 80, True),
        ("fd00::/16", "fd12::1", 80, False),
        ("fe80::1", "fe80::1%eth0", 80, True),
        ("fe80::1%eth1/64", "fe80::2%eth0", 80, True),
        ("10.0.0.0/8", "fd00::1", 80, False),
        ("fd00::/8", "10.1.2.3", 80, False),
    ],
)
def test_requests_to_some_hosts_use_no_proxy(
    exempt: str,
    host: str,
    port: int | None,
    direct: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (found(monkeypatch, host, exempt, port=port) is None) is direct


def test_a_host_without_a_port_has_that_of_its_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exempt = "api.example:443"

    assert found(monkeypatch, "api.example", exempt, scheme="https") is None
    assert found(monkeypatch, "api.example", exempt, scheme="http") is not None


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "::1",
        "::",
        "::ffff:127.0.0.1",
    ],
)
def test_requests_to_this_machine_use_no_proxy(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(monkeypatch, host) is None


@pytest.mark.parametrize("host", ["localhost.example", "128.0.0.1", "::2"])
def test_requests_to_other_machines_use_the_proxy(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(monkeypatch, host) is not None
