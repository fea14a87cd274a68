"""A server that fails exactly as its scripts say."""

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

    Each connection runs the next script, in order; the last script serves all later
    connections. After its script, a connection is closed with a FIN. If the client
    closes the connection, its script ends early, which is not a failure. An exception
    in a script, such as an unmet expectation, is raised at the end of the block.

    If a test needs an order of events, use `until(event)`, `signal(event)` and
    `wait_for(...)`, and never a sleep.

    Args:
        scripts: Each a sequence of steps, or a coroutine function that gets the
            `Connection`.
        keep_alive: Leave a connection open after its script: the next request on it
            runs the next script, as a new connection does. The script's `wait_request`
            returns that request.
        tls: Use TLS, with this context's certificate.

    Raises:
        ValueError: No script is given.
        TypeError: A script is a single step, and not a sequence of steps.
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
        # As tuples, because a generator of steps would serve one connection only.
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
    # Checked here for code without a type checker: else only the server would fail.
    if isinstance(cast("object", script), Step):
        raise TypeError("the script is a single step; put it into a list")
    return script if callable(script) else tuple(script)
