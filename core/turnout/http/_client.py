"""The HTTP client of providers: one request, its response, and turnout's errors.

Redirects are not followed and cookies are not kept. A credential is sent only to the
origin that it was given for.
"""

from __future__ import annotations

import json as json_
import re
from asyncio import get_running_loop, to_thread
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import field
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

from pydantic_core import to_json
from yarl import URL

from turnout._environment import proxy_variable
from turnout._frozen import frozen
from turnout.errors import (
    ArgumentError,
    ConfigError,
    ProviderError,
)
from turnout.framing import MAX_EVENT_BYTES
from turnout.http import _failures, _transport
from turnout.http._response import Response
from turnout.http._unsigned import Sign, UnsignedRequest
from turnout.types import Secret

if TYPE_CHECKING:
    from ssl import SSLContext

    import aiohttp

    from turnout._proxy import Proxy
    from turnout.http._status import StatusRule

__all__ = ["Http"]

Headers: TypeAlias = Mapping[str, str | Secret]

_NOT_SENT = re.compile(r"[^A-Za-z0-9\-._~:/?@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")
"""Characters that a path and a query cannot have. Source: RFC 3986, 3.3 and 3.4."""

_CERTIFICATE_SECONDS = 60.0
"""Seconds for which a host counts as one that requires no client certificate. Without
this, a host that is down would get two connections for each request."""

_MOST_PLACES = 256
"""How many addresses are kept. A provider has many if its paths have the model's name.
"""


@frozen
class Place:
    """The address of a request, and how it is reached."""

    url: URL
    """Sent as it is."""
    name: str
    """The host, and the port if one was given, for messages."""
    own: bool
    """Whether its origin is the one that the provider's credential is for."""
    secure: bool
    """Whether the connection uses TLS."""
    proxy: Proxy | None


@frozen
class Http:
    """Send a provider's requests. A provider has one as `self.http`.

    All providers in an event loop share its connections. While a provider is entered
    (`async with`), it has its own.
    """

    provider: str
    """The provider's name, for errors."""
    base_url: str | None = None
    """The base of relative addresses. Its origin is the one that gets credentials."""
    headers: Headers = field(default_factory=dict[str, str | Secret])
    """The user's headers. They are sent with each request to `base_url`'s origin, and
    replace the request's headers of the same names."""
    proxy: Secret | None = None
    """The proxy's address; None means the proxy of the environment."""
    ssl_context: SSLContext | None = None
    """The context of TLS connections; None means the system's certificates."""
    has_certificate: bool = False
    """Whether `ssl_context` may hold a client certificate."""
    connect_timeout: float = 5.0
    """Seconds to open a connection: DNS, TCP, TLS and proxy together."""
    idle_timeout: float = 60.0
    """Seconds without a byte of a response's body."""
    max_bytes: int = 64 * 1024 * 1024
    """How many bytes a response's body may have, decompressed."""
    max_event_bytes: int = MAX_EVENT_BYTES
    """How many bytes one event of a body may have."""
    key: str = "the key"
    """Where the key comes from, for errors."""
    secrets: Sequence[Secret] = ()
    """Values that no error shows, beside the secrets of each request."""
    status_rules: Sequence[StatusRule] = ()
    pool: _transport.Pool | None = field(default=None, repr=False)
    _needs_none: dict[str, float] = field(
        default_factory=dict[str, float], init=False, repr=False, compare=False
    )
    """When each host was found to require no client certificate, by the loop's clock.
    """
    _places: dict[str, Place] = field(
        default_factory=dict[str, Place], init=False, repr=False, compare=False
    )

    def post(
        self,
        url: str,
        *,
        json: object = None,
        data: bytes | None = None,
        headers: Headers | None = None,
        sign: Sign | None = None,
        secrets: Sequence[Secret] = (),
    ) -> AbstractAsyncContextManager[Response]:
        """Send a POST request when entered; the response is closed when left.

            async with self.http.post("/chat", json=body) as response:
                async for event in response.sse(): ...

        Cancelling closes the connection.

        Args:
            url: An address, or a path after `base_url`. Both are sent as they are.
            json: The body, to be written as JSON.
            data: The body as bytes, if `json` is not given.
            headers: A `Secret` among their values is sent to `base_url`'s origin only.
            sign: Returns more headers, made from the request as it is sent. It is
                called each time the request is sent.
            secrets: Other secret values in the request. Errors show neither these, nor
                the secrets among the headers, nor the texts of the body. Fields of
                forms and JSON with names such as `client_secret`, `password` and
                `refresh_token` are secret without being given here.

        Raises:
            ConnectError: The provider could not be reached.
            ConnectionLostError: It closed the connection before it answered.
            ProviderError: It refused; the class says why, see `STATUS_RULES`.
            ConfigError: It redirects, or the address is not valid.
        """
        return _Exchange(self, "POST", url, json, data, headers or {}, sign, secrets)

    def get(
        self,
        url: str,
        *,
        headers: Headers | None = None,
        sign: Sign | None = None,
        secrets: Sequence[Secret] = (),
    ) -> AbstractAsyncContextManager[Response]:
        """Send a GET request when entered; the response is closed when left.

        Args:
            url: An address, or a path after `base_url`. Both are sent as they are.
            headers: A `Secret` among their values is sent to `base_url`'s origin only.
            sign: Returns more headers, see `post`.
            secrets: Other secret values in the request, see `post`.

        Raises:
            TurnoutError: As `post` does.
        """
        return _Exchange(self, "GET", url, None, None, headers or {}, sign, secrets)

    def place(self, url: str) -> Place:
        """Return the place that an address, or a path after `base_url`, means.

        Raises:
            ConfigError: It is not an http or https address, or cannot be sent as it is.
        """
        place = self._places.get(url)
        if place is None:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            place = self._places[url] = self._find(url)
        return place

    def _find(self, url: str) -> Place:
        if url.startswith("/") or "://" not in url:
            if self.base_url is None:
                raise ConfigError(f"{self.provider}: base_url is not set")
            url = self.base_url.rstrip("/") + ("" if url[:1] == "/" else "/") + url
        try:
            address = urlsplit(url)
            port = address.port
        except ValueError:
            raise ConfigError(f"{self.provider}: {url!r} is not an address") from None
        host = address.hostname
        if address.scheme not in {"http", "https"} or not host:
            raise ConfigError(
                f"{self.provider}: {url!r} is not an http or https address"
            )
        try:
            proxy = self._proxy_for(address.scheme, host, port)
        except ValueError as error:
            message = f"{self.provider}: {error}"
        else:
            return Place(
                url=self._exact(url, address),
                name=address.netloc.rpartition("@")[2],
                own=_origin(address) == _origin(urlsplit(self.base_url or "")),
                secure=address.scheme == "https",
                proxy=proxy,
            )
        raise ConfigError(message)  # Outside the handler: its frames hold the value.

    def _proxy_for(self, scheme: str, host: str, port: int | None) -> Proxy | None:
        if self.proxy is None and proxy_variable(scheme) is None:
            return None
        # Most programs have no proxy, so the code for proxies is imported only here.
        from turnout._proxy import OPTION, proxy_of_environment, read_proxy

        if self.proxy is None:
            return proxy_of_environment(scheme, host, port)
        return read_proxy(self.proxy.reveal(), OPTION)

    def _exact(self, url: str, address: SplitResult) -> URL:
        """Return an address whose path and query are sent byte for byte."""
        rest = url.partition("://")[2]
        # `urlsplit` removes line breaks and tabs.
        if not rest.startswith(address.netloc) or " " in address.netloc:
            raise ConfigError(f"{self.provider}: {url!r} is not an address")
        target = rest[len(address.netloc) :]
        wrong = _NOT_SENT.search(target)
        if wrong is not None:
            raise ConfigError(
                f"{self.provider}: the address of {target.partition('?')[0]!r} has "
                f"{wrong[0]!r}; write {quote(wrong[0], errors='replace')!r} in its "
                "place, since addresses are sent as they are"
            )
        # Only the host is normalized.
        try:
            origin = str(URL(f"{address.scheme}://{address.netloc}")).rstrip("/")
        except ValueError:
            raise ConfigError(f"{self.provider}: {url!r} is not an address") from None
        return URL(origin + target, encoded=True)

    async def send(
        self,
        method: str,
        place: Place,
        body: _transport.Body | None,
        given: Headers,
        sign: Sign | None,
    ) -> tuple[aiohttp.ClientResponse, Headers]:
        """Send a request; return its response once the head is in, and its headers.

        If the server closes a kept connection while the request is written, the
        request was not read, and is sent once more on a new connection. aiohttp itself
        does that only for idempotent methods.

        Raises:
            TurnoutError: As `post` does, except for refusals.
        """
        loop = get_running_loop()
        pool = self.pool
        if pool is None or pool.loop is not loop:
            pool = _transport.pool_of(loop) or await _transport.open_pool(loop)
        session = pool.session
        proxy, secure = place.proxy, place.secure
        via = socks = None
        if proxy is not None:
            via, socks = (proxy, None) if proxy.socks is None else (None, proxy)
        if socks is not None:
            session = await pool.other(socks, keep=True)
        tls = self.ssl_context or pool.tls
        while True:
            headers = given
            if sign is not None:
                headers = self._signed(method, place, body, given, sign)
            if not place.own:
                self._check_no_secret(headers, place)
            elif self.headers:
                headers = _overlaid(headers, self.headers)
            if via is not None and not secure:
                headers = {**headers, **_proxy_headers(via)}
            try:
                raw = await session.request(
                    method,
                    place.url,
                    data=body,
                    headers=_revealed(headers),
                    allow_redirects=False,
                    timeout=_transport.timeout(self.connect_timeout),
                    ssl=tls,
                    proxy=None if via is None else via.url,
                    proxy_headers=_tunnel_headers(via) if via and secure else None,
                )
            except _failures.ERRORS as error:
                from turnout.http._tls_failures import is_untrusted

                failure = _failures.open_error(
                    error,
                    place.name,
                    self.connect_timeout,
                    proxy=proxy,
                    secure=secure,
                )
                gone = _transport.gone(error)
                untrusted = self.ssl_context is None and is_untrusted(error)
                unsure = secure and self._may_lack_certificate(error, proxy)
            else:
                return raw, headers
            if gone:
                # This session keeps no connections, so none is found closed.
                session = await pool.other(socks, keep=False)
            elif untrusted and await self._reads_trust_again(pool, place, tls):
                tls = pool.tls
            else:
                break
        if unsure and await self._requires_certificate(session, place):
            from turnout.http._tls_failures import lacks_certificate

            failure = lacks_certificate(place.name)
        # Outside the handler, so that aiohttp's error is not kept as the context of
        # ours: its frames and its repr hold the headers, the key among them.
        raise failure

    async def _reads_trust_again(
        self, pool: _transport.Pool, place: Place, tls: SSLContext | bool
    ) -> bool:
        """Read the environment's certificates again; return whether they changed.

        Raises:
            ConfigError: The environment names a file that cannot be read.
        """
        from turnout._tls import trusted_now

        try:
            context = await to_thread(trusted_now)
        except ValueError as error:
            message = f"cannot reach {place.name} securely: {error}; correct it"
        else:
            if context is not None:
                pool.tls = context
            return pool.tls is not tls
        raise ConfigError(message)

    def _may_lack_certificate(self, error: BaseException, proxy: Proxy | None) -> bool:
        from turnout.http._tls_failures import may_lack_certificate

        # The check does not verify certificates, and an https proxy gets a password.
        unchecked = proxy is not None and proxy.scheme == "https"
        return (
            not self.has_certificate
            and not unchecked
            and not _transport.answered()
            and may_lack_certificate(error)
        )

    async def _requires_certificate(
        self, session: aiohttp.ClientSession, place: Place
    ) -> bool:
        from turnout.http._certificate_check import requires_certificate

        now = get_running_loop().time()
        if now < self._needs_none.get(place.name, 0.0) + _CERTIFICATE_SECONDS:
            return False
        via = place.proxy
        if via is not None and via.socks is not None:
            via = None  # The session connects through the SOCKS proxy itself.
        required = await requires_certificate(
            session,
            str(place.url),
            _transport.timeout(self.connect_timeout),
            proxy=None if via is None else via.url,
            proxy_headers=None if via is None else _tunnel_headers(via),
        )
        if not required:
            self._needs_none[place.name] = now
        return required

    def _signed(
        self,
        method: str,
        place: Place,
        body: _transport.Body | None,
        headers: Headers,
        sign: Sign,
    ) -> Headers:
        if place.own:
            headers = _overlaid(headers, self.headers)
        request = UnsignedRequest(
            method=method,
            url=str(place.url),
            host=place.url.host_port_subcomponent or "",
            headers=headers,
            body=b"" if body is None else body.data,
        )
        return _overlaid(headers, sign(request))

    def _check_no_secret(self, headers: Headers, place: Place) -> None:
        if any(isinstance(value, Secret) for value in headers.values()):
            raise ConfigError(
                f"{self.provider}: its credential is for base_url and is not sent to "
                f"{place.name!r}"
            )

    def error_from(
        self,
        body: bytes,
        response: Response,
        *,
        json: object = None,
        data: bytes | None = None,
        secrets: Sequence[Secret] = (),
    ) -> ProviderError:
        """Return the error that a body reports, as `STATUS_RULES` classify it.

        For errors inside an answer, which `post` does not see. The status is the one
        that the body gives. An error that no rule matches is a `StreamError`. The
        secrets among the request's headers are removed from the message.

        Args:
            body: What the provider reported: JSON, an HTML page, or text.
            response: The response that it came in.
            json: The body of the request; its texts are removed.
            data: The body of the request, if it was given as bytes.
            secrets: Other values to remove, see `post`.
        """
        from turnout.http._errors import reported
        from turnout.http._sent import Sent

        sent = Sent(response.request_headers, json, data, secrets)
        return reported(self, body, response, sent)


class _Exchange:
    """A request and its response: sent when entered, closed when left.

    A class, because `asynccontextmanager` would take four times as long.
    """

    __slots__ = (
        "_data",
        "_headers",
        "_http",
        "_json",
        "_method",
        "_response",
        "_secrets",
        "_sign",
        "_url",
    )

    def __init__(
        self,
        http: Http,
        method: str,
        url: str,
        json: object,
        data: bytes | None,
        headers: Headers,
        sign: Sign | None,
        secrets: Sequence[Secret],
    ) -> None:
        self._http = http
        self._method = method
        self._url = url
        self._json = json
        self._data = data
        self._headers = headers
        self._sign = sign
        self._secrets = secrets
        self._response: Response | None = None

    async def __aenter__(self) -> Response:
        http = self._http
        place = http.place(self._url)
        raw, headers = await http.send(
            self._method, place, self._body(), self._headers, self._sign
        )
        response = Response(
            raw,
            place.name,
            http.idle_timeout,
            http.max_bytes,
            http.max_event_bytes,
            headers,
        )
        del raw  # Its repr in a traceback would show headers that may repeat the key.
        if response.status != 200:
            from turnout.http._errors import refused
            from turnout.http._sent import Sent

            sent = Sent(headers, self._json, self._data, self._secrets)
            try:
                raise await refused(http, response, place, sent)
            finally:
                response.close()
        self._response = response
        return response

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._response is not None
        self._response.close()

    def _body(self) -> _transport.Body | None:
        # In an object, because tracebacks would show bytes in a local of `send`.
        data = self._data if self._json is None else _written(self._json)
        return None if data is None else _transport.Body(data)


def _written(json: object) -> bytes:
    # pydantic's writer takes an eighth of the time of `json`. What the two treat
    # differently is left to `json`: NaN, and text that is not valid Unicode.
    try:
        data = to_json(json)
        if b"NaN" not in data and b"Infinity" not in data:
            return data
    except (ValueError, RecursionError):
        pass
    try:
        return json_.dumps(json, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        kind = type(error).__name__
    json = data = b""  # Tracebacks may show the locals.
    raise ArgumentError(
        f"the request cannot be written as JSON ({kind}); check extra, tools and "
        "response_format"
    )


def _overlaid(headers: Headers, own: Headers) -> Headers:
    """Return headers with those of `own` in place of the ones of the same names."""
    replaced = {name.lower() for name in own}
    kept = {n: value for n, value in headers.items() if n.lower() not in replaced}
    return {**kept, **own}


def _proxy_headers(proxy: Proxy) -> dict[str, Secret]:
    """Return the headers for a proxy that speaks HTTP."""
    authorization = proxy.authorization
    if authorization is None:
        return {}
    return {"Proxy-Authorization": Secret(authorization)}


def _tunnel_headers(proxy: Proxy) -> dict[str, str]:
    # In a function, because tracebacks would show a local of `send`.
    return _revealed(_proxy_headers(proxy))


def _revealed(headers: Headers) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else value.reveal()
        for name, value in headers.items()
    }


def _origin(address: SplitResult) -> tuple[str, str | None, int | None]:
    port = address.port or {"http": 80, "https": 443}.get(address.scheme)
    return address.scheme, address.hostname, port
