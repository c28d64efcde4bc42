"""Calls services. Callers of any thread; one thread of its own has the sockets."""

from __future__ import annotations

import itertools
import logging
import math
import queue
import threading
import time
from concurrent.futures import CancelledError, Future, InvalidStateError
from typing import TYPE_CHECKING, Any, Dict, Generator, Mapping, Optional, Sequence, Union

from . import plain
from .brokers import Brokers, Connection, Keys
from .errors import ErrorCode, ImError
from .plain import Message
from .reply import MAX_BODY_BYTES, Reply, check_sizes, decode_value, encode_value

if TYPE_CHECKING:
    from .request import Request

DEFAULT_TIMEOUT = 10.0
MAX_TIMEOUT = 3_600.0
_MAX_OPEN = 4_096
#: How long the broker may take to say whether a call that ends had been handed out.
_ENDING_S = 0.25
_GRANT = 16
#: What a worker may send unasked, and again after another took the call over.
_MAX_PARTS = 64
_log = logging.getLogger("im_rpc")
_ELSEWHERE = (ErrorCode.UNAVAILABLE, ErrorCode.SERVICE_UNKNOWN)


class _Call:
    """waiting (for a broker) → sent → ending (asked to end, a moment for the broker's word) → done."""

    def __init__(self, members: Dict[str, Any], body: bytes, deadline: float) -> None:
        self.members = members
        self.body = body
        self.deadline = deadline
        self.stage = "waiting"
        self.id = 0
        self.connection: Optional[Connection] = None
        #: among what was sent on that connection
        self.position = 0
        #: brokers that had no worker for it
        self.refusals = 0
        self.future: "Future[Reply]" = Future()
        self.has_parts = False
        self.parts: "queue.SimpleQueue[Optional[bytes]]" = queue.SimpleQueue()

    @property
    def is_repeatable(self) -> bool:
        return not self.has_parts and ("idempotent" in self.members or "key" in self.members)


class Caller:
    """Calls services through one or several brokers: each call goes to the next one that lives.

    Keep one for the life of the process (and create it after a fork); any thread may use it. Needs no broker
    to be up: calls wait for one until their deadlines. ``brokers`` are addresses of the callers' ports:
    ``tcp://127.0.0.1:7401``.
    """

    def __init__(
        self,
        brokers: Union[str, Sequence[str]],
        *,
        keys: Optional[Keys] = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._max_body_bytes = max_body_bytes
        self._calls: Dict[int, _Call] = {}
        self._waiting: Dict[int, _Call] = {}
        self._ids = itertools.count(1)
        self._turn = 0
        #: no deadline is earlier
        self._nearest = math.inf
        self._open = 0
        self._lock = threading.Lock()
        self._is_closed = False
        self._brokers = Brokers(
            brokers,
            keys,
            max_body_bytes,
            on_up=lambda _: self._send_waiting(),
            on_down=self._lose,
            on_message=self._take,
        )
        self._thread = threading.Thread(target=self._run, name="im-rpc-caller", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, service: str, method: str, input: Any = None, **options: Any) -> Any:
        """Calls a method and waits for the value that it answers.

        ``input`` is what JSON can say, None for no value; bytes are taken as they are. The options are those
        of ``begin``. Raises ImError: whatever the worker raised, or what happened on the way. What has
        ``details["handedOut"]`` False was never carried out; anything else may have been.
        """
        return self.begin(service, method, input, **options).result().value()

    def begin(
        self,
        service: str,
        method: str,
        input: Any = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        idempotent: bool = False,
        key: Optional[str] = None,
        route: Optional[str] = None,
        headers: Optional[Mapping[str, Any]] = None,
        trace: Optional[str] = None,
        within: Optional["Request"] = None,
    ) -> "Future[Reply]":
        """Begins a call without waiting. Cancelling the future tells the worker; ``asyncio.wrap_future`` awaits it.

        ``timeout`` is in seconds, an hour at most. ``idempotent`` says that carrying it out twice is
        harmless; ``key`` is an idempotency key, of which a worker answers one call and repeats the answer:
        with either, the call is repeated when a worker or broker is lost. Calls of one ``route`` go to one
        worker. ``headers`` are JSON values beside the input, at most 8 KiB; ``trace`` is a W3C traceparent.
        ``within`` is the call that this one is made on behalf of: its deadline bounds this one's, and its
        trace is passed on.
        """
        terms = {"idempotent": idempotent, "key": key, "route": route, "headers": headers, "trace": trace}
        return self._begin(service, method, input, timeout, within, terms).future

    def stream(
        self,
        service: str,
        method: str,
        input: Any = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        idempotent: bool = False,
        key: Optional[str] = None,
        route: Optional[str] = None,
        headers: Optional[Mapping[str, Any]] = None,
        trace: Optional[str] = None,
        within: Optional["Request"] = None,
    ) -> Generator[Any, None, Any]:
        """Calls a method that answers in parts, and yields their values; the reply's is what the generator returns.

        The call begins with the iteration. Closing the generator cancels it; who reads slowly slows the worker.
        """
        terms = {"idempotent": idempotent, "key": key, "route": route, "headers": headers, "trace": trace}
        call = self._begin(service, method, input, timeout, within, {**terms, "stream": True})
        call.future.add_done_callback(lambda _: call.parts.put(None))
        try:
            for read in itertools.count(1):
                part = call.parts.get()
                if part is None:
                    return call.future.result().value()
                if read % _GRANT == 0:
                    self._brokers.post(lambda: self._grant(call))
                yield decode_value(part, ErrorCode.INVALID_OUTPUT)
        finally:
            call.future.cancel()

    def close(self) -> None:
        """Calls that are open fail with CLOSED."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._brokers.post(lambda: None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _begin(
        self,
        service: str,
        method: str,
        input: Any,
        timeout: float,
        within: Optional["Request"],
        terms: Dict[str, Any],
    ) -> _Call:
        left = min(timeout, MAX_TIMEOUT, within.remaining if within is not None else timeout)
        if not left > 0:
            raise ImError(ErrorCode.DEADLINE_EXCEEDED, details={"handedOut": False})
        if within is not None and terms["trace"] is None:
            terms["trace"] = within.trace
        members = {"service": service, "method": method, **{name: term for name, term in terms.items() if term}}
        body = encode_value(input, ErrorCode.INVALID_ARGUMENT)
        encode_value(members, ErrorCode.INVALID_ARGUMENT)
        check_sizes(body, terms["headers"] or {}, self._max_body_bytes)
        call = _Call(members, body, time.monotonic() + left)
        with self._lock:
            if self._is_closed:
                raise ImError(ErrorCode.CLOSED)
            if self._open >= _MAX_OPEN:
                raise ImError(ErrorCode.QUEUE_FULL, details={"limit": "open calls"})
            self._open += 1
            self._brokers.post(lambda: self._start(call))
        call.future.add_done_callback(lambda _: self._ended(call))
        return call

    def _ended(self, call: _Call) -> None:
        with self._lock:
            self._open -= 1
        if call.future.cancelled():
            self._brokers.post(lambda: self._cancel(call))

    # What follows belongs to the thread.

    def _run(self) -> None:
        why = ErrorCode.CLOSED
        try:
            while not self._is_closed:
                self._round()
        except Exception:
            # Nobody else serves the futures: they must not wait for ever.
            _log.exception("the caller failed, and is closed")
            why = ErrorCode.INTERNAL
        with self._lock:
            # Whoever began before has posted.
            self._is_closed = True
        while True:
            try:
                self._brokers.do_posted()
                break
            except Exception:
                _log.exception("the caller failed while it closed")
        for call in list(self._calls.values()):
            self._fail(call, ImError(why))
        self._brokers.close()

    def _round(self) -> None:
        now = time.monotonic()
        if now >= self._nearest:
            for call in [call for call in self._calls.values() if now >= call.deadline]:
                self._expire(call)
            self._nearest = min((call.deadline for call in self._calls.values()), default=math.inf)
        self._brokers.round(self._nearest - now)

    def _start(self, call: _Call) -> None:
        if call.future.cancelled():
            return
        self._nearest = min(self._nearest, call.deadline)
        self._number(call)
        self._waiting[call.id] = call
        self._send_waiting()

    def _number(self, call: _Call) -> None:
        self._calls.pop(call.id, None)
        self._waiting.pop(call.id, None)
        call.id = next(id for id in (number & plain.MAX_ID for number in self._ids) if id not in self._calls)
        self._calls[call.id] = call

    def _send_waiting(self) -> None:
        connections = self._brokers.all
        for call in list(self._waiting.values()):
            for _ in connections:
                self._turn = (self._turn + 1) % len(connections)
                if self._send(call, connections[self._turn]):
                    break
            else:
                return

    def _send(self, call: _Call, connection: Connection) -> bool:
        left = max(1, math.ceil((call.deadline - time.monotonic()) * 1_000))
        message = Message("call", call.id, {"timeoutMs": left, **call.members}, call.body)
        if not connection.is_up or not connection.send(message):
            return False
        self._waiting.pop(call.id, None)
        call.stage = "sent"
        call.connection = connection
        call.position = connection.sent
        return True

    def _take(self, connection: Connection, message: Message) -> None:
        if message.kind == "pong":
            self._compare(connection, message)
            return
        call = self._calls.get(-1 if message.id is None else message.id)
        if call is None or call.connection is not connection:
            return
        if message.kind == "part" and call.stage == "sent" and "stream" in call.members:
            call.has_parts = True
            if call.parts.qsize() < _MAX_PARTS:
                call.parts.put(message.body)
            else:
                connection.send(Message("cancel", call.id))
                self._fail(call, ImError(ErrorCode.INTERNAL, message="the worker sent more parts than it was granted"))
        elif message.kind == "reply":
            self._settle(call, Reply(message.body, message.members.get("headers", {})))
        elif message.kind == "error":
            self._refused(call, error_of(message))

    def _compare(self, connection: Connection, pong: Message) -> None:
        """A broker that has fewer of our calls than we sent it, has lost them: it or the connection is a new one."""
        if not connection.is_last_pong(pong):
            return
        sent = sum(
            call.connection is connection and call.position <= connection.sent_at_ping for call in self._calls.values()
        )
        if pong.members.get("caller", sent) < sent:
            self._lose(connection)

    def _refused(self, call: _Call, error: ImError) -> None:
        """One broker has no worker for it now; another one may. A worker's own error of that name stands."""
        is_elsewhere = error.code in _ELSEWHERE and error.details.get("handedOut") is False
        if is_elsewhere and call.stage == "sent" and call.members["service"] != "$broker":
            call.refusals += 1
            if call.refusals < len(self._brokers.all):
                if any(self._send(call, other) for other in self._brokers.all if other is not call.connection):
                    return
        self._fail(call, error)

    def _grant(self, call: _Call) -> None:
        if call.stage == "sent" and call.connection is not None:
            call.connection.send(Message("more", call.id, {"count": _GRANT}))

    def _cancel(self, call: _Call) -> None:
        if call.stage == "sent" and call.connection is not None:
            call.connection.send(Message("cancel", call.id))
        self._forget(call)

    def _expire(self, call: _Call) -> None:
        if call.stage != "sent" or call.connection is None:
            self._fail(call, ImError(ErrorCode.DEADLINE_EXCEEDED, details={"handedOut": call.stage == "ending"}))
            return
        call.connection.send(Message("cancel", call.id, {"reason": "deadline"}))
        call.stage = "ending"
        call.deadline = time.monotonic() + _ENDING_S

    def _lose(self, connection: Connection) -> None:
        for call in [call for call in self._calls.values() if call.connection is connection]:
            if call.stage == "ending":
                self._expire(call)
            elif not call.is_repeatable:
                self._fail(call, ImError(ErrorCode.CALL_LOST, details={"handedOut": True, "lost": "broker"}))
            else:
                call.stage = "waiting"
                call.connection = None
                # Under another number: the broker may still know the old one.
                self._number(call)
                self._waiting[call.id] = call
        self._send_waiting()

    def _settle(self, call: _Call, reply: Reply) -> None:
        self._forget(call)
        try:
            call.future.set_result(reply)
        except (InvalidStateError, CancelledError):
            pass

    def _fail(self, call: _Call, error: ImError) -> None:
        self._forget(call)
        try:
            call.future.set_exception(error)
        except (InvalidStateError, CancelledError):
            pass

    def _forget(self, call: _Call) -> None:
        self._calls.pop(call.id, None)
        self._waiting.pop(call.id, None)
        call.stage = "done"


def error_of(message: Message) -> ImError:
    """The error that an ``error`` or ``refused`` describes."""
    members = message.members
    return ImError(
        members["code"],
        members["name"],
        members.get("message"),
        retryable=members.get("retryable", False),
        details=members.get("details"),
    )
