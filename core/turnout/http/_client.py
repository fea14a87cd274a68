"""HTTP as providers use it: one request, its response, and errors of the tree.

Redirects are not followed, cookies are not kept, and a credential goes to no other
origin than the one that it was given for.
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

from turnout._frozen import frozen
from turnout._proxy import OPTION, Proxy, proxy_of_environment, read_proxy
from turnout.errors import (
    ArgumentError,
    ConfigError,
    ProviderError,
)
from turnout.framing import MAX_EVENT_BYTES
from turnout.http import _failures, _transport
from turnout.http._response import Response
from turnout.http._tls_failures import (
    is_untrusted,
    lacks_certificate,
    may_lack_certificate,
)
from turnout.http._unsigned import Sign, UnsignedRequest
from turnout.types import Secret

if TYPE_CHECKING:
    from ssl import SSLContext

    import aiohttp

    from turnout.http._status import StatusRule

__all__ = ["Http"]

Headers: TypeAlias = Mapping[str, str | Secret]

_NOT_SENT = re.compile(r"[^A-Za-z0-9\-._~:/?@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")
"""What a path and a query cannot have. Source: RFC 3986, section 3.3 and 3.4."""

_CERTIFICATE_SECONDS = 60.0
"""For how long a host that was found to require no client certificate is not asked
about it again: if it is down, it should not get each connection twice."""

_MOST_PLACES = 256
"""How many addresses are kept; one whose path holds a model's name has many."""


@frozen
class Place:
    """Whom a request goes to."""

    url: URL
    """Sent as it is."""
    name: str
    """The host, and the port where one was given, for people."""
    own: bool
    """Whether it is at the origin that the provider's credential is for."""
    secure: bool
    """Whether it is asked over TLS."""
    proxy: Proxy | None


@frozen
class Http:
    """Send a provider's requests. A provider has one as `self.http`.

    Connections are kept by the event loop and shared by all providers, or by this
    one alone while it is entered.
    """

    provider: str
    """The provider's name, for errors."""
    base_url: str | None = None
    """What relative addresses are relative to, and whom credentials are for."""
    headers: Headers = field(default_factory=dict[str, str | Secret])
    """The user's own headers. Each request to `base_url`'s origin has them, in place of
    the request's headers of the same names."""
    proxy: Secret | None = None
    """The proxy's address; None means what the environment says."""
    ssl_context: SSLContext | None = None
    """The context of TLS connections; None means the system's certificates."""
    has_certificate: bool = False
    """Whether `ssl_context` may hold a client certificate."""
    connect_timeout: float = 5.0
    """Seconds to a connection: name, TCP, TLS and proxy together."""
    idle_timeout: float = 60.0
    """Seconds without a byte of a response's body."""
    max_bytes: int = 64 * 1024 * 1024
    """How many bytes a response's body may have, decompressed."""
    max_event_bytes: int = MAX_EVENT_BYTES
    """How many bytes one event of a body may have."""
    key: str = "the key"
    """Where the key comes from, for errors."""
    secrets: Sequence[Secret] = ()
    """What no error shows, beside the secrets of each request."""
    status_rules: Sequence[StatusRule] = ()
    pool: _transport.Pool | None = field(default=None, repr=False)
    _needs_none: dict[str, float] = field(
        default_factory=dict[str, float], init=False, repr=False, compare=False
    )
    """When hosts were found to require no client certificate, by the loop's clock."""
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
            data: The body as it is, where `json` is not given.
            headers: A `Secret` among their values is sent to `base_url`'s origin only.
            sign: Returns further headers, made from the request as it is sent. It is
                called each time the request is sent.
            secrets: What else of the request is secret. Errors show neither these, nor
                the secrets among the headers, nor the texts of the body. A form's and
                JSON's fields with names such as `client_secret`, `password` and
                `refresh_token` need not be given.

        Raises:
            ConnectError: The provider could not be reached.
            ConnectionLostError: It hung up before it answered.
            ProviderError: It refused; the class says why, see `STATUS_RULES`.
            ConfigError: It redirects, or the address cannot be asked.
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
            sign: Returns further headers, see `post`.
            secrets: What else of the request is secret, see `post`.

        Raises:
            TurnoutError: As `post` does.
        """
        return _Exchange(self, "GET", url, None, None, headers or {}, sign, secrets)

    def place(self, url: str) -> Place:
        """Return whom an address or a path after `base_url` means.

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
            raise ConfigError(f"{self.provider}: {url!r} is no address") from None
        host = address.hostname
        if address.scheme not in {"http", "https"} or not host:
            raise ConfigError(f"{self.provider}: {url!r} is no http or https address")
        try:
            if self.proxy is None:
                proxy = proxy_of_environment(address.scheme, host, port)
            else:
                proxy = read_proxy(self.proxy.reveal(), OPTION)
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
        raise ConfigError(message)  # Outside the handler, whose frames hold the value.

    def _exact(self, url: str, address: SplitResult) -> URL:
        """Return an address whose path and query are sent byte for byte."""
        rest = url.partition("://")[2]
        # `urlsplit` leaves line breaks and tabs out.
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
        # Only the host is written as the protocol wants it.
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

        A kept connection that the server closes while it is written to is replaced
        by a new one, once: the request was not read. aiohttp itself does that only
        for methods that change nothing.

        Raises:
            TurnoutError: As `post` does, but for refusals.
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
                # Its connections are never found closed.
                session = await pool.other(socks, keep=False)
            elif untrusted and await self._reads_trust_again(pool, place, tls):
                tls = pool.tls
            else:
                break
        if unsure and await self._requires_certificate(session, place):
            failure = lacks_certificate(place.name)
        # Outside the handler, so that aiohttp's error is not kept as the context of
        # ours: its frames and its repr hold the headers, the key among them.
        raise failure

    async def _reads_trust_again(
        self, pool: _transport.Pool, place: Place, tls: SSLContext | bool
    ) -> bool:
        """Read the certificates that the environment names, and tell if it was of use.

        Raises:
            ConfigError: It names a file that cannot be read.
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
        # A proxy that is asked over TLS is sent a password, so its certificate counts.
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
            via = None  # The session is the proxy's.
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

        For errors that come inside of an answer, which `post` cannot know of: the
        status is then what the body itself gives as one, and an error that no rule
        knows is a `StreamError`. The secrets among the request's headers are cut out.

        Args:
            body: What the provider reported: JSON, a page, a text.
            response: The response that it came in.
            json: The body of the request, whose texts are cut out.
            data: The body of the request, where it was given as bytes.
            secrets: What else is cut out, see `post`.
        """
        from turnout.http._errors import reported
        from turnout.http._sent import Sent

        sent = Sent(response.request_headers, json, data, secrets)
        return reported(self, body, response, sent)


class _Exchange:
    """A request and its response: sent when entered, closed when left.

    A class, as a generator made into a context manager would cost four times as much.
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
        # In an object: as bytes, a local of `send`, tracebacks would show it.
        data = self._data if self._json is None else _written(self._json)
        return None if data is None else _transport.Body(data)


def _written(json: object) -> bytes:
    # pydantic's writer takes an eighth of the time of json's. What json would refuse
    # or write otherwise is left to json: NaN, and text that is no valid Unicode.
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
    # A function of its own: as a local of `send`, tracebacks would show them.
    return _revealed(_proxy_headers(proxy))


def _revealed(headers: Headers) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else value.reveal()
        for name, value in headers.items()
    }


def _origin(address: SplitResult) -> tuple[str, str | None, int | None]:
    port = address.port or {"http": 80, "https": 443}.get(address.scheme)
    return address.scheme, address.hostname, port
