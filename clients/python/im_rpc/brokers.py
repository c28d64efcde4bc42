"""Standing connections to all brokers and the loop around them: who lives, what came, what other threads want done.

Knows nothing of calls. Everything but ``post`` belongs to one thread.
"""

from __future__ import annotations

import collections
import json
import os
import socket
import time
from dataclasses import dataclass, field
from typing import Callable, Deque, List, Optional, Sequence, Union

import zmq

from . import plain
from .errors import ErrorCode, ImError
from .plain import Message

_PING_S = 1.0
_SILENT_S = 4.0
#: How long a lost connection may go unnoticed.
_TICK_S = 0.2
_LINGER_MS = 250
#: Of a frame beyond a body: headers, names and details of errors are smaller.
_MARGIN_BYTES = 131_072
#: Messages of one broker taken before others get their turn.
_READ_AT_ONCE = 64


@dataclass(frozen=True)
class Keys:
    """CURVE keys for brokers that have keys configured: Z85 texts of 40 characters."""

    #: public key of the brokers
    broker: str
    #: own public key, which the brokers must know
    public: str
    #: own secret key
    secret: str = field(repr=False)

    @staticmethod
    def load(file: Union[str, "os.PathLike[str]"]) -> "Keys":
        """From a file that `im keys --name …` made. Raises ImError CONFIG_INVALID."""
        try:
            with open(file, encoding="utf-8") as text:
                keys = json.load(text)
            return Keys(keys["brokerKey"], keys["publicKey"], keys["secretKey"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ImError(ErrorCode.CONFIG_INVALID, message=f"{file}: not the keys of a peer") from error


class Connection:
    """A DEALER to one broker, which reconnects by itself, and the question whether the broker lives."""

    def __init__(self, context: zmq.Context, address: str, keys: Optional[Keys], max_body_bytes: int) -> None:
        self._context = context
        self._address = address
        self._keys = keys
        self._max_body_bytes = max_body_bytes
        self._heard_at = self._pinged_at = self._ticked_at = 0.0
        self._pings = 0
        #: Whether a broker was there when last looked at.
        self.is_up = False
        #: Messages sent so far, and how many it were at the last ping.
        self.sent = 0
        self.sent_at_ping = 0
        self.socket = self._open()

    def tick(self, now: float) -> Optional[str]:
        """Returns ``up`` or ``down`` when that has changed; asks the broker each second whether it lives."""
        if now - self._ticked_at > _PING_S:
            # Nobody looked for a while: the silence may have been ours.
            self._heard_at = now
        self._ticked_at = now
        # Without a limit of messages a socket takes no more only when nobody is there.
        is_there = bool(self.socket.getsockopt(zmq.EVENTS) & zmq.POLLOUT)
        if not self.is_up:
            if not is_there:
                return None
            self.is_up = True
            self._heard_at = now
            self._ping(now)
            return "up"
        if is_there and now - self._heard_at >= _SILENT_S:
            self.socket.close()
            self.socket = self._open()
            is_there = False
        if not is_there:
            self.is_up = False
            return "down"
        if now - self._pinged_at >= _PING_S:
            self._ping(now)
        return None

    def send(self, message: Message) -> bool:
        """False if nobody is there to send it to: then it was not sent."""
        try:
            self.socket.send_multipart(plain.encode(message), zmq.DONTWAIT)
        except zmq.ZMQError:
            return False
        self.sent += 1
        return True

    def receive(self, now: float) -> Optional[Message]:
        """The next message, None when there is none now.

        A malformed call is answered, for its place at the worker must not stay taken; what else is malformed is
        passed over.
        """
        while True:
            try:
                frames = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.ZMQError:
                return None
            self._heard_at = now
            try:
                message = plain.decode(frames)
            except plain.MalformedMessage as malformed:
                if malformed.kind == "call" and malformed.id is not None:
                    self._refuse(malformed.id, str(malformed))
                continue
            if message is not None:
                return message

    def is_last_pong(self, pong: Message) -> bool:
        return pong.id == self._pings

    def close(self) -> None:
        if self.is_up:
            self.send(Message("bye"))
        self.is_up = False
        self.socket.close()

    def _refuse(self, id: int, reason: str) -> None:
        code = ErrorCode.MALFORMED
        details = {"handedOut": False, "reason": reason}
        members = {"code": int(code), "name": code.name, "message": code.message, "retryable": False}
        self.send(Message("error", id, {**members, "details": details}))

    def _ping(self, now: float) -> None:
        self._pings = (self._pings + 1) & plain.MAX_ID
        self._pinged_at = now
        self.sent_at_ping = self.sent
        self.send(Message("ping", self._pings))

    def _open(self) -> zmq.Socket:
        dealer = self._context.socket(zmq.DEALER)
        # What cannot be sent stays with us, where it can go to another broker.
        dealer.setsockopt(zmq.IMMEDIATE, 1)
        dealer.setsockopt(zmq.SNDHWM, 0)
        dealer.setsockopt(zmq.LINGER, _LINGER_MS)
        dealer.setsockopt(zmq.RECONNECT_IVL, 100)
        dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
        dealer.setsockopt(zmq.MAXMSGSIZE, self._max_body_bytes + _MARGIN_BYTES)
        # A host that vanished is found out by ZeroMQ's own thread, also while this program is busy.
        dealer.setsockopt(zmq.HEARTBEAT_IVL, 1_000)
        dealer.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3_000)
        dealer.setsockopt(zmq.HEARTBEAT_TTL, 3_000)
        if self._keys is not None:
            dealer.setsockopt_string(zmq.CURVE_SERVERKEY, self._keys.broker)
            dealer.setsockopt_string(zmq.CURVE_PUBLICKEY, self._keys.public)
            dealer.setsockopt_string(zmq.CURVE_SECRETKEY, self._keys.secret)
        dealer.connect(self._address)
        return dealer


class Brokers:
    """All connections, and one round after the other of waiting for them."""

    def __init__(
        self,
        addresses: Union[str, Sequence[str]],
        keys: Optional[Keys],
        max_body_bytes: int,
        *,
        on_up: Callable[[Connection], None],
        on_down: Callable[[Connection], None],
        on_message: Callable[[Connection, Message], None],
    ) -> None:
        listed = [addresses] if isinstance(addresses, str) else list(addresses)
        if not listed:
            raise ImError(ErrorCode.CONFIG_INVALID, message="brokers: at least one address")
        self._on_up = on_up
        self._on_down = on_down
        self._on_message = on_message
        self._posted: Deque[Callable[[], None]] = collections.deque()
        self._bell, self._hammer = socket.socketpair()
        self._bell.setblocking(False)
        self._hammer.setblocking(False)
        self._context = zmq.Context()
        self.all: List[Connection] = []
        try:
            for address in listed:
                self.all.append(Connection(self._context, address, keys, max_body_bytes))
        except (zmq.ZMQError, TypeError, ValueError) as error:
            self.close()
            raise ImError(ErrorCode.CONFIG_INVALID, message=f"cannot connect to {address}: {error}") from error

    def post(self, task: Callable[[], None]) -> None:
        """Has it done by the loop's thread. May be called by any thread and by signal handlers."""
        self._posted.append(task)
        try:
            self._hammer.send(b"!")
        except OSError:
            # It has rung often enough, or the loop has ended.
            pass

    def round(self, timeout: float) -> None:
        """Waits at most so many seconds, then does what there is to do."""
        now = time.monotonic()
        for connection in self.all:
            change = connection.tick(now)
            if change == "up":
                self._on_up(connection)
            elif change == "down":
                self._on_down(connection)
        poller = zmq.Poller()
        poller.register(self._bell, zmq.POLLIN)
        for connection in self.all:
            poller.register(connection.socket, zmq.POLLIN if connection.is_up else zmq.POLLIN | zmq.POLLOUT)
        poller.poll(0 if self._posted else max(0, min(timeout, _TICK_S)) * 1_000)
        try:
            self._bell.recv(4_096)
        except BlockingIOError:
            pass
        self.do_posted()
        now = time.monotonic()
        for connection in self.all:
            for _ in range(_READ_AT_ONCE):
                message = connection.receive(now)
                if message is None:
                    break
                self._on_message(connection, message)

    def do_posted(self) -> None:
        """Does what was posted so far. A task that raises is not done again; those after it are left."""
        for _ in range(len(self._posted)):
            self._posted.popleft()()

    def close(self) -> None:
        for connection in self.all:
            connection.close()
        self._context.term()
        self._bell.close()
        self._hammer.close()
