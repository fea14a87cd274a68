"""A small HTTP forward proxy on loopback, with a log and a choice of who may use it.

It forwards requests in absolute form (`POST http://host/path`) and opens tunnels for
`CONNECT host:port`. What it is sent goes on at once, in both directions, and when one
side ends the other is ended the same way: a FIN with a FIN, a reset with a reset.

    async with ForwardProxy(credentials=("user", "secret")) as proxy:
        ...  # use proxy.url_with_credentials

    assert [entry.method for entry in proxy.forwarded] == ["POST"]
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Coroutine, Mapping
from typing import TypeAlias, final
from urllib.parse import quote, urlsplit, urlunsplit

from typing_extensions import override

from turnout.testing import (
    Connection,
    HttpRequest,
    LoopbackServer,
    MalformedRequestError,
    response_head,
)
from turnout.testing._connection import reset_transport
from turnout.testing._requests import body_length

Address: TypeAlias = tuple[str, int]

# RFC 9110, 11.7, and common practice: meant for the proxy, which keeps them.
_FOR_THE_PROXY = {"proxy-authorization", "proxy-connection"}
_READ_BYTES = 65536


@final
class ForwardProxy(LoopbackServer):
    """Forwards what it is asked to, and logs it.

    A connection serves one origin: a further request for another one is answered with
    421, which tells a client to open a connection for it.
    """

    def __init__(
        self,
        *,
        credentials: tuple[str, str] | None = None,
        hosts: Mapping[str, Address] | None = None,
        tls: ssl.SSLContext | None = None,
        refusal: bytes | None = None,
    ) -> None:
        """Prepare a proxy.

        Args:
            credentials: User and password that every request must show.
            hosts: Where host names lead that only the proxy can resolve; all others
                are resolved as usual.
            tls: Speak TLS to clients, with this context's certificate.
            refusal: The answer to every request that may pass, in place of forwarding
                it; empty to hang up.
        """
        super().__init__(tls=tls)
        self._refusal = refusal
        self.forwarded: list[HttpRequest] = []
        """The heads of the requests that were let through, as the client wrote them."""
        self.refused: list[HttpRequest] = []
        """The heads of those that were answered with 407."""
        self._credentials = credentials
        self._hosts = hosts or {}

    @property
    def url_with_credentials(self) -> str:
        """The proxy's URL with the user and password in it."""
        if self._credentials is None:
            return self.url
        user, password = (quote(part, safe="") for part in self._credentials)
        return self.url.replace("://", f"://{user}:{password}@")

    @override
    async def serve(self, connection: Connection) -> None:
        """Forward what comes on one connection until either side ends."""
        head = await connection.read_head()
        if not self._may_pass(head):
            self.refused.append(head)
            await _drop_body(connection, head)
            challenge = ("Proxy-Authenticate", 'Basic realm="proxy"')
            await connection.send(_bodyless(407, challenge))
            return
        if self._refusal is not None:
            await _drop_body(connection, head)
            await connection.send(self._refusal)
            return
        origin = _origin(head)
        self.forwarded.append(head)
        try:
            reader, writer = await self._connect(origin)
        except OSError:
            await _drop_body(connection, head)
            await connection.send(_bodyless(502))
            return
        try:
            if head.method == "CONNECT":
                await connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                up = copy_tunnel(connection, writer)
            else:
                up = self._forward(connection, writer, head)
            await relay(up, copy_down(reader, connection))
        except* ConnectionError:
            reset_transport(writer)
            await connection.reset()
        finally:
            await close(writer)

    def _may_pass(self, head: HttpRequest) -> bool:
        if self._credentials is None:
            return True
        pair = base64.b64encode(":".join(self._credentials).encode()).decode()
        return head.values("Proxy-Authorization") == [f"Basic {pair}"]

    async def _connect(
        self, origin: Address
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._hosts.get(origin[0], origin)
        return await asyncio.open_connection(host, port)

    async def _forward(
        self, client: Connection, upstream: asyncio.StreamWriter, head: HttpRequest
    ) -> None:
        """Forward the requests of a client, the first of which has come already."""
        origin = _origin(head)
        while True:
            upstream.write(_origin_form(head))
            left = body_length(head)
            while left:
                data = await client.reader.read(min(left, _READ_BYTES))
                if not data:
                    return
                left -= len(data)
                upstream.write(data)
                await upstream.drain()
            try:
                head = await client.read_head()
            except asyncio.IncompleteReadError:
                return
            if _origin(head) != origin or not self._may_pass(head):
                await _drop_body(client, head)
                await client.send(_bodyless(421))
                return
            self.forwarded.append(head)


class _SideEnded(Exception):
    """One side has sent all that it will."""


async def relay(*ways: Coroutine[object, object, None]) -> None:
    """Carry all directions until one of them ends, and stop the others.

    Raises:
        ExceptionGroup: A side was lost, or sent what cannot be forwarded.
    """

    async def carry(way: Coroutine[object, object, None]) -> None:
        await way
        raise _SideEnded

    try:
        async with asyncio.TaskGroup() as group:
            for way in ways:
                group.create_task(carry(way))
    except* _SideEnded:
        pass


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    finally:
        # The flush is waited for no longer when the proxy itself is closing.
        writer.transport.abort()


async def _drop_body(client: Connection, head: HttpRequest) -> None:
    # Bytes left unread would turn the close after an answer into a reset.
    await client.reader.readexactly(body_length(head))


async def copy_tunnel(client: Connection, upstream: asyncio.StreamWriter) -> None:
    while data := await client.reader.read(_READ_BYTES):
        upstream.write(data)
        await upstream.drain()


async def copy_down(reader: asyncio.StreamReader, client: Connection) -> None:
    while data := await reader.read(_READ_BYTES):
        await client.send(data)


def _origin(head: HttpRequest) -> Address:
    """Return whom a request to the proxy is for.

    Raises:
        MalformedRequestError: Its target is neither absolute http nor `host:port`.
    """
    tunnel = head.method == "CONNECT"
    try:
        parts = urlsplit(f"//{head.target}" if tunnel else head.target)
        port = parts.port or (None if tunnel else 80)
    except ValueError as exc:
        raise MalformedRequestError(f"not for a proxy: {head.target!r}") from exc
    if (
        parts.hostname is None
        or port is None
        or parts.scheme != ("" if tunnel else "http")
    ):
        raise MalformedRequestError(f"not for a proxy: {head.target!r}")
    return parts.hostname, port


def _origin_form(head: HttpRequest) -> bytes:
    """Write the head anew as the origin wants it."""
    parts = urlsplit(head.target)
    target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    lines = [f"{head.method} {target} {head.version}"]
    lines += [
        f"{name}: {value}"
        for name, value in head.headers
        if name.lower() not in _FOR_THE_PROXY
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def _bodyless(status: int, *headers: tuple[str, str]) -> bytes:
    return response_head(
        status, *headers, ("Content-Length", "0"), ("Connection", "close")
    )
