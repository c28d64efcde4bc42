"""Serves services: one thread has the sockets, others carry out the calls."""

from __future__ import annotations

import logging
import math
import os
import re
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple, Union

from .brokers import Brokers, Connection, Keys
from .caller import error_of
from .errors import ErrorCode, ImError
from .kept_answers import Answer, KeptAnswers
from .plain import Message, encode_json
from .reply import MAX_BODY_BYTES, MAX_HEADER_BYTES, Reply, check_sizes
from .request import Request

Handler = Callable[[Request], Any]

_log = logging.getLogger("im_rpc")
_SERVICE = re.compile(r"[a-zA-Z][A-Za-z0-9_-]{0,63}")
_METHOD = re.compile(r"[a-zA-Z$][A-Za-z0-9_-]{0,63}")
_WORKER = re.compile(r"[\x21-\x7e]{1,128}")
_MAX_MESSAGE_CHARACTERS = 1_024


@dataclass(frozen=True)
class _Service:
    name: str
    version: str
    methods: Mapping[str, Handler]
    concurrency: int


class Worker:
    """Serves services at all brokers.

    On SIGTERM and SIGINT it takes no new calls, answers those it has, and ``run`` returns.

    ``brokers`` are addresses of the workers' ports: ``tcp://127.0.0.1:7402``. ``name`` is unique in the
    system and the same at every broker; it is made up if left out. What handlers raise that is no ImError is
    logged by ``logging`` as ``im_rpc``.
    """

    def __init__(
        self,
        brokers: Union[str, Sequence[str]],
        *,
        name: Optional[str] = None,
        keys: Optional[Keys] = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._name = name or f"python-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        if _WORKER.fullmatch(self._name) is None:
            raise ImError(ErrorCode.CONFIG_INVALID, message="name: 1 to 128 visible ASCII characters")
        self._max_body_bytes = max_body_bytes
        self._services: Dict[int, _Service] = {}
        self._pools: Dict[int, ThreadPoolExecutor] = {}
        #: calls to be answered, by connection and id
        self._requests: Dict[Tuple[Connection, int], Request] = {}
        self._kept = KeptAnswers()
        #: duplicates that wait for a call of the same key
        self._duplicates: Dict[str, List[Request]] = {}
        #: registrations that are not drained yet
        self._draining: Set[Tuple[Connection, int]] = set()
        self._is_stopping = False
        self._brokers = Brokers(
            brokers, keys, max_body_bytes, on_up=self._serve_at, on_down=self._lose, on_message=self._take
        )

    def serve(
        self, service: str, methods: Mapping[str, Handler], *, version: str = "1.0.0", concurrency: int = 8
    ) -> None:
        """Offers a service once ``run`` is called; so many calls at once are carried out, each in a thread.

        A handler gets a Request and returns what JSON can say, bytes or a Reply. What it raises is answered:
        an ImError as it is, anything else as INTERNAL. Raises ImError INVALID_ARGUMENT.
        """
        checks = {
            "service": _SERVICE.fullmatch(service) is not None,
            "version": 1 <= len(version) <= 64,
            "concurrency": 1 <= concurrency <= 65_536,
            "methods": all(_METHOD.fullmatch(name) and callable(handler) for name, handler in methods.items()),
        }
        for argument, is_valid in checks.items():
            if not is_valid:
                raise ImError(ErrorCode.INVALID_ARGUMENT, details={"argument": argument})
        self._services[len(self._services) + 1] = _Service(service, version, dict(methods), concurrency)

    def run(self) -> None:
        """Serves until ``stop`` is called or a signal comes, then drains.

        Raises ImError when a broker refuses a service. Signals are listened to in the main thread only; a
        second one acts as if nobody listened.
        """
        restore = self._listen_to_signals()
        for id, service in self._services.items():
            self._pools[id] = ThreadPoolExecutor(service.concurrency, thread_name_prefix=f"im-rpc-{service.name}")
        try:
            while not self._is_stopping:
                self._brokers.round(math.inf)
            self._begin_draining()
            while self._draining or self._requests:
                self._brokers.round(math.inf)
        finally:
            restore()
            for request in self._requests.values():
                request._end()
            for pool in self._pools.values():
                pool.shutdown()
            self._brokers.close()

    def stop(self) -> None:
        """``run`` drains and returns. May be called by any thread and by signal handlers."""
        self._is_stopping = True
        self._brokers.post(lambda: None)

    def _take(self, connection: Connection, message: Message) -> None:
        kind, id = message.kind, -1 if message.id is None else message.id
        if kind == "call":
            self._begin(connection, message)
        elif kind == "cancel":
            request = self._requests.get((connection, id))
            if request is not None:
                request._end()
                self._leave(request)
        elif kind == "more":
            request = self._requests.get((connection, id))
            if request is not None:
                request._grant(message.members["count"])
        elif kind == "again":
            self._lose(connection)
            self._serve_at(connection)
        elif kind == "drained":
            self._draining.discard((connection, id))
        elif kind == "refused":
            raise error_of(message)

    def _begin(self, connection: Connection, message: Message) -> None:
        request = Request(connection, message, self._send, self._max_body_bytes)
        self._requests[(connection, message.id or 0)] = request
        service = self._services.get(message.members.get("target", -1))
        if service is None:
            self._answer(request, ImError(ErrorCode.UNAVAILABLE, details={"handedOut": False}))
        elif request.method not in service.methods:
            self._answer(request, ImError(ErrorCode.METHOD_UNKNOWN, details={"handedOut": False}))
        else:
            self._once(request)

    def _once(self, request: Request) -> None:
        key = _key_of(request)
        if key is not None:
            kept = self._kept.get(key, time.monotonic())
            if kept is not None:
                self._answer(request, kept)
                return
            if key in self._duplicates:
                self._duplicates[key].append(request)
                return
            self._duplicates[key] = []
        target = request._call.members["target"]
        handler = self._services[target].methods[request.method]
        self._pools[target].submit(self._carry_out, handler, request)

    def _carry_out(self, handler: Handler, request: Request) -> None:
        """In a thread of the pool."""
        if request.is_cancelled:
            cancelled = ImError(ErrorCode.CANCELLED, details={"handedOut": False})
            self._brokers.post(lambda: self._finish(request, cancelled))
            return
        answer: Answer
        try:
            value = handler(request)
            answer = value if isinstance(value, Reply) else Reply.of(value)
            check_sizes(answer.body, answer.headers, self._max_body_bytes)
        except ImError as error:
            answer = _begun(error)
        except BaseException:  # also SystemExit: a handler must not end the worker, and every call has its answer
            _log.exception("%s.%s failed", request.service, request.method)
            answer = ImError(ErrorCode.INTERNAL)
        self._brokers.post(lambda: self._finish(request, answer))

    def _finish(self, request: Request, answer: Answer) -> None:
        self._answer(request, answer)
        key = _key_of(request)
        if key is None:
            return
        duplicates = self._duplicates.pop(key, [])
        is_failure = isinstance(answer, ImError)
        if is_failure and request.is_cancelled:
            # It was given up: whoever still waits has it carried out anew.
            for duplicate in duplicates:
                self._once(duplicate)
            return
        if not (isinstance(answer, ImError) and answer.retryable):
            self._kept.keep(key, answer, time.monotonic())
        for duplicate in duplicates:
            self._answer(duplicate, answer)

    def _leave(self, request: Request) -> None:
        """A duplicate that is cancelled does not wait any more."""
        duplicates = self._duplicates.get(_key_of(request) or "", [])
        if request in duplicates:
            duplicates.remove(request)
            self._answer(request, ImError(ErrorCode.CANCELLED, details={"handedOut": True}))

    def _answer(self, request: Request, answer: Answer) -> None:
        id = request._call.id
        if request._is_lost:
            return
        self._requests.pop((request._connection, id or 0), None)
        if isinstance(answer, ImError):
            request._connection.send(Message("error", id, _describe(answer)))
        else:
            members = {"headers": answer.headers} if answer.headers else {}
            request._connection.send(Message("reply", id, members, answer.body))

    def _send(self, request: Request, message: Message) -> None:
        self._brokers.post(lambda: None if request._is_lost else request._connection.send(message) and None)

    def _serve_at(self, connection: Connection) -> None:
        if self._is_stopping:
            return
        for id, service in self._services.items():
            members = {
                "worker": self._name,
                "service": service.name,
                "version": service.version,
                "methods": list(service.methods),
                "concurrency": service.concurrency,
            }
            connection.send(Message("serve", id, members))

    def _begin_draining(self) -> None:
        for connection in self._brokers.all:
            for id in self._services:
                if connection.send(Message("drain", id)):
                    self._draining.add((connection, id))

    def _lose(self, connection: Connection) -> None:
        """A broker is gone, and whoever waited there for an answer with it."""
        self._draining = {place for place in self._draining if place[0] is not connection}
        for place, request in list(self._requests.items()):
            if place[0] is connection:
                self._requests.pop(place)
                request._is_lost = True
                request._end()
                self._leave(request)

    def _listen_to_signals(self) -> Callable[[], None]:
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def restore() -> None:
            for number, handler in previous.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

        def on_signal(*_: object) -> None:
            restore()
            self.stop()

        for number in previous:
            signal.signal(number, on_signal)
        return restore


def _key_of(request: Request) -> Optional[str]:
    return None if request.key is None else f"{request.service} {request.method} {request.key}"


def _begun(error: ImError) -> ImError:
    """What a handler raises may come from a call of its own that never began; this one has.

    Details that are too many, or that JSON cannot say, are left out: code and message still tell the caller what to do.
    """
    details: Mapping[str, Any]
    details = {**error.details, "handedOut": True} if "handedOut" in error.details else error.details
    try:
        if details and len(encode_json(details)) > MAX_HEADER_BYTES:
            details = {}
    except (TypeError, ValueError, RecursionError):
        details = {}
    return ImError(error.code, error.name, error.message, retryable=error.retryable, details=details)


def _sayable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _describe(error: ImError) -> Dict[str, Any]:
    members: Dict[str, Any] = {
        "code": error.code,
        "name": _sayable(error.name),
        "message": _sayable(error.message[:_MAX_MESSAGE_CHARACTERS]),
        "retryable": error.retryable,
    }
    if error.details:
        members["details"] = error.details
    return members
