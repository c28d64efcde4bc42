"""A call as a handler gets it."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Mapping, Optional

from .brokers import Connection
from .errors import ErrorCode, ImError
from .plain import Message
from .reply import Reply, check_sizes, decode_value

#: Parts that may be sent unasked.
_FIRST_CREDIT = 32
_DEFAULT_TIMEOUT_MS = 10_000


class Request:
    """Belongs to the thread of its handler."""

    def __init__(
        self, connection: Connection, call: Message, send: Callable[["Request", Message], None], max_body_bytes: int
    ) -> None:
        members = call.members
        self.service: str = members["service"]
        self.method: str = members["method"]
        #: input as bytes; empty for no value
        self.body = call.body
        self.headers: Mapping[str, Any] = members.get("headers", {})
        #: W3C traceparent; calls made ``within`` this one pass it on
        self.trace: Optional[str] = members.get("trace")
        #: idempotency key
        self.key: Optional[str] = members.get("key")
        #: routing key
        self.route: Optional[str] = members.get("route")
        #: whether the caller takes parts
        self.is_stream: bool = members.get("stream", False)
        self._connection = connection
        self._call = call
        self._send = send
        self._max_body_bytes = max_body_bytes
        self._deadline = time.monotonic() + members.get("timeoutMs", _DEFAULT_TIMEOUT_MS) / 1_000
        self._change = threading.Condition()
        self._credit = _FIRST_CREDIT
        self._is_ended = False
        #: Its broker is gone: the next one may give its number to another call.
        self._is_lost = False

    def input(self) -> Any:
        """The input's value. Raises ImError INVALID_INPUT when it is no JSON."""
        return decode_value(self.body, ErrorCode.INVALID_INPUT)

    @property
    def remaining(self) -> float:
        """Seconds left until the deadline; 0 when it has passed."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for the answer any more. A handler that takes long asks now and then."""
        return self._is_ended or self.remaining == 0

    def wait_cancelled(self, timeout: float) -> bool:
        """Sleeps so many seconds, less if the call is cancelled meanwhile; returns whether it is."""
        with self._change:
            self._change.wait_for(lambda: self._is_ended, min(timeout, self.remaining))
        return self.is_cancelled

    def send(self, part: Any) -> None:
        """Sends a part of the answer; waits while the caller is slow.

        Raises ImError INVALID_ARGUMENT when the caller takes none, BODY_TOO_LARGE, CANCELLED when nobody
        waits any more.
        """
        if not self.is_stream:
            raise ImError(ErrorCode.INVALID_ARGUMENT, message="the caller takes no parts: it did not call stream")
        body = Reply.of(part).body
        check_sizes(body, {}, self._max_body_bytes)
        with self._change:
            self._change.wait_for(lambda: self._is_ended or self._credit > 0, self.remaining)
            if self._is_ended or self._credit == 0:
                why = ErrorCode.DEADLINE_EXCEEDED if self.remaining == 0 else ErrorCode.CANCELLED
                raise ImError(why, details={"handedOut": True})
            self._credit -= 1
        self._send(self, Message("part", self._call.id, body=body))

    def _grant(self, count: int) -> None:
        with self._change:
            self._credit += count
            self._change.notify_all()

    def _end(self) -> None:
        with self._change:
            self._is_ended = True
            self._change.notify_all()
