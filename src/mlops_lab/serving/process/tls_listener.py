"""Accepts connections that speak TLS: one whose handshake is not done counts, and may not take for ever."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sized
from contextlib import suppress

from mlops_lab.serving.process.tls import Certificates

BACKLOG = 2048
HANDSHAKE_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
"""After an error of `accept`: no file is left, for example."""
_log = logging.getLogger("mlops_lab.serving")


class TlsListener:
    """Accepts the connections of a socket, for uvicorn in the place of an `asyncio.Server`.

    uvicorn's own begins to count a connection when its handshake is done, so a client could open any number of them.
    Beyond `limit`, which includes `connections`, the handshake that has taken longest is broken off for a new one.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        certificates: Certificates,
        *,
        connections: Sized,
        limit: int,
        seconds: float,
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._certificates = certificates
        self._connections = connections
        self._limit = limit
        self._seconds = min(seconds, HANDSHAKE_SECONDS)
        self._handshakes: dict[asyncio.Task[None], socket.socket] = {}
        listener.listen(BACKLOG)
        listener.setblocking(False)
        self._accepting = asyncio.create_task(self._accept_all())

    def close(self) -> None:
        """Accept no more."""
        self._accepting.cancel()
        for task in self._handshakes:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until no handshake is under way."""
        await asyncio.gather(self._accepting, *self._handshakes, return_exceptions=True)

    async def _accept_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self._listener)
            except OSError as error:
                _log.warning("a connection cannot be accepted: %s", error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            task = asyncio.create_task(self._shake_hands(accepted))
            self._handshakes[task] = accepted
            task.add_done_callback(self._end)
            oldest = next(iter(self._handshakes))
            if oldest is not task and len(self._handshakes) + len(self._connections) > self._limit:
                oldest.cancel()
                await asyncio.sleep(0)  # it is over before the next one is accepted

    async def _shake_hands(self, accepted: socket.socket) -> None:
        with suppress(OSError):  # what is not TLS, or too slow, or gone: the client's business
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make_protocol,
                accepted,
                ssl=self._certificates.current(),
                ssl_handshake_timeout=self._seconds,
            )

    def _end(self, task: asyncio.Task[None]) -> None:
        accepted = self._handshakes.pop(task)
        if task.cancelled():  # perhaps before it began
            accepted.close()
        elif (error := task.exception()) is not None:
            accepted.close()
            _log.error("a TLS handshake failed", exc_info=error)
