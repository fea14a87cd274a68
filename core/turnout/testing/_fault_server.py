"""A server that misbehaves on purpose, exactly as its scripts say."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, final

from turnout.testing._connection import Connection
from turnout.testing._loopback import LoopbackServer
from turnout.testing._steps import Script, Step

if TYPE_CHECKING:
    import ssl

__all__ = ["FaultServer"]


@final
class FaultServer(LoopbackServer):
    """A server on loopback that follows a script on each connection.

        async with FaultServer(
            [wait_request(), send(response_head(200)), send(b"half an ans"), rst()],
            respond(200, b"whole"),
        ) as server:
            ...  # the first connection is reset; all later ones are answered

        assert len(server.connections) == 2

    The scripts are taken in the order in which connections come; the last one serves
    all further connections. When a script is over, its connection is closed with a
    FIN. A client that goes away ends its script early, which is no failure; an
    exception in a script, an expectation that was not met among them, is raised when
    the block is left.

    A test that needs an order of events says so with `until(event)`, `signal(event)`
    and `wait_for(...)`, and never with a sleep that is hoped to be long enough.

    Args:
        scripts: Each a sequence of steps, or a coroutine function that is given the
            `Connection`.
        keep_alive: Leave a connection open when its script is over: a further request
            on it takes the next script, as a further connection does. Its
            `wait_request` is met by that request.
        tls: Speak TLS, with this context's certificate.

    Raises:
        ValueError: There is no script.
        TypeError: A step stands alone, and not in a sequence of steps.
    """

    def __init__(
        self,
        *scripts: Script,
        keep_alive: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if not scripts:
            raise ValueError("a FaultServer needs at least one script")
        super().__init__(tls=tls)
        # A generator of steps serves one connection only.
        self._scripts = [_kept(script) for script in scripts]
        self._keep_alive = keep_alive
        self._begun = 0

    async def serve(self, connection: Connection) -> None:
        """Run the script of this connection, or of each request on it."""
        await self._run_next(connection)
        while self._keep_alive and connection.writable:
            await connection.read_ahead()
            await self._run_next(connection)

    async def _run_next(self, connection: Connection) -> None:
        script = self._scripts[min(self._begun, len(self._scripts) - 1)]
        self._begun += 1
        if callable(script):
            await script(connection)
            return
        for step in script:
            try:
                await step.run(connection)
            except Exception as exc:
                exc.add_note(f"in step {step.name} of connection {connection.index}")
                raise


def _kept(script: Script) -> Script:
    # For whoever has no type checker: it would fail in the server only.
    if isinstance(cast("object", script), Step):
        raise TypeError("a step stands alone; a script is a sequence of steps")
    return script if callable(script) else tuple(script)
