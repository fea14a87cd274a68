"""A small SOCKS proxy on loopback: versions 4, 4a and 5 (RFC 1928 and RFC 1929).

async with SocksServer(credentials=("user", "secret")) as proxy:
    ...  # use proxy.address("socks5h")

assert [request.host for request in proxy.accepted] == ["service.example"]
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeAlias, final
from urllib.parse import quote

from typing_extensions import override

from turnout.testing import Connection, LoopbackServer
from turnout.testing._connection import reset_transport

from .forward_proxy import close, copy_down, copy_tunnel, relay

Address: TypeAlias = tuple[str, int]

_ANONYMOUS, _PASSWORD, _NONE = 0, 2, 0xFF
_CONNECT = 1
_REFUSED = {4: 0x5B, 5: 5}
_GRANTED = {4: 0x5A, 5: 0}


@dataclass(frozen=True, kw_only=True)
class SocksRequest:
    """A request to connect, as the client wrote it."""

    version: int
    host: str
    """A name if the proxy is to look it up, else an address."""
    port: int
    user: str = ""
    password: str = ""


@final
class SocksServer(LoopbackServer):
    """Connects as it is asked to, and logs it.

    Args:
        credentials: User and password that every client of version 5 must show.
        hosts: Where host names lead that only the proxy can resolve; all others are
            resolved as usual.
        code: The reply to each request in place of a connection.
        silent: Hang up in place of the reply.
    """

    def __init__(
        self,
        *,
        credentials: tuple[str, str] | None = None,
        hosts: Mapping[str, Address] | None = None,
        code: int | None = None,
        silent: bool = False,
    ) -> None:
        super().__init__()
        self.accepted: list[SocksRequest] = []
        """The requests that came with the right credentials."""
        self._credentials = credentials
        self._hosts = hosts or {}
        self._code = code
        self._silent = silent

    def address(self, scheme: str, credentials: tuple[str, str] | None = None) -> str:
        """Return the proxy's address.

        Args:
            scheme: Such as `socks5h`.
            credentials: None means those that the proxy wants.
        """
        given = credentials or self._credentials
        who = "" if given is None else ":".join(quote(p, safe="") for p in given) + "@"
        return f"{scheme}://{who}127.0.0.1:{self.port}"

    @override
    async def serve(self, connection: Connection) -> None:
        """Serve one client until either side ends."""
        reader = connection.reader
        (version,) = await reader.readexactly(1)
        request = await (self._read_4 if version == 4 else self._read_5)(connection)
        if request is None or self._silent:
            return
        self.accepted.append(request)
        if self._code is not None:
            await connection.send(_reply(version, self._code))
            return
        place = self._hosts.get(request.host, (request.host, request.port))
        try:
            upstream, writer = await asyncio.open_connection(*place)
        except OSError:
            await connection.send(_reply(version, _REFUSED[version]))
            return
        try:
            await connection.send(_reply(version, _GRANTED[version]))
            await relay(
                copy_tunnel(connection, writer), copy_down(upstream, connection)
            )
        except* ConnectionError:
            reset_transport(writer)
            await connection.reset()
        finally:
            await close(writer)

    async def _read_4(self, connection: Connection) -> SocksRequest:
        reader = connection.reader
        head = await reader.readexactly(7)
        assert head[0] == _CONNECT
        user = (await reader.readuntil(b"\0"))[:-1].decode("ascii")
        host = str(ip_address(head[3:7]))
        if head[3:6] == b"\0\0\0":  # Version 4a: a name follows.
            host = (await reader.readuntil(b"\0"))[:-1].decode("ascii")
        return SocksRequest(
            version=4, host=host, port=int.from_bytes(head[1:3], "big"), user=user
        )

    async def _read_5(self, connection: Connection) -> SocksRequest | None:
        reader = connection.reader
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        wanted = _ANONYMOUS if self._credentials is None else _PASSWORD
        if wanted not in methods:
            await connection.send(bytes([5, _NONE]))
            return None
        await connection.send(bytes([5, wanted]))
        user = password = ""
        if wanted == _PASSWORD:
            assert await reader.readexactly(1) == b"\1"
            user, password = await _text(reader), await _text(reader)
            right = (user, password) == self._credentials
            await connection.send(bytes([1, 0 if right else 1]))
            if not right:
                return None
        head = await reader.readexactly(4)
        assert head[:3] == bytes([5, _CONNECT, 0])
        if head[3] == 3:
            host = await _text(reader)
        else:
            size = {1: 4, 4: 16}[head[3]]
            host = str(ip_address(await reader.readexactly(size)))
        port = int.from_bytes(await reader.readexactly(2), "big")
        return SocksRequest(
            version=5, host=host, port=port, user=user, password=password
        )


async def _text(reader: asyncio.StreamReader) -> str:
    return (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii")


def _reply(version: int, code: int) -> bytes:
    if version == 4:
        return bytes([0, code]) + bytes(6)
    return bytes([5, code, 0, 1]) + bytes(6)
