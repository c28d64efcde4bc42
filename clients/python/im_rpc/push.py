"""Pushes to users, rooms, groups and everyone, as docs/push.md has it: over HTTP with the standard library, or by RPC."""

from __future__ import annotations

import http.client
import json
import random
import re
import socket
import ssl
import time
import uuid
from dataclasses import dataclass
from typing import Any, Callable, Generic, Mapping, Optional, Sequence, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from .caller import Caller
from .errors import ErrorCode, ImError

_Result = TypeVar("_Result")

MAX_ANSWER_BYTES = 16_777_216
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 30.0
_LONGEST_LOOK = 2.0
_LOOKED_UP_PER_SECOND = 10_000
#: Errors after which repeating is safe on any lane.
_NOTHING_TAKEN = frozenset({"QUEUE_FULL", "RATE_LIMITED", "OVERLOADED", "UNAVAILABLE", "SHUTTING_DOWN"})


@dataclass(frozen=True)
class Published:
    """What became of a push to one group."""

    #: without product
    group: str
    #: with ``version``, its place in the group's log: on the priority lane, when acknowledged
    epoch: Optional[str] = None
    version: Optional[int] = None
    #: the id was known: nothing was sent again
    duplicate: bool = False


@dataclass(frozen=True)
class PublishedMany:
    """What became of a push to many users: ``failed`` says by group why it was not reached."""

    published: Sequence[Published]
    failed: Mapping[str, ImError]


@dataclass(frozen=True)
class PushReceipt:
    """How far a push has come that asked."""

    #: people in whose logs it is
    of: int
    #: how many of them have it, on any of their devices; never less than before
    delivered: int
    #: whether all have it; after waiting: as many as were waited for
    is_complete: bool


class PushClient:
    """What ``HttpPushClient`` and ``RpcPushClient`` have in common. Any thread may use them.

    Repeats by itself what may be repeated: on the priority lane every retryable failure, under an id that it makes when
    none is given, and so a sum with an id; else on the normal lane only what certainly was not taken.

    Every push takes ``event``, what clients listen to, and ``data``, any JSON value; ``lane``: ``"normal"`` may be shed
    under pressure, ``"priority"`` gets a version and is never lost; ``id``, 1 to 64 characters: on the priority lane the
    same id to the same group is sent once; ``acknowledge``: ``"none"``, ``"accepted"`` or ``"durable"``; ``product``,
    whose users and groups, where several products share the system; ``receipt``: to users on the priority lane, by an ``id``,
    asks how many have it: ``receipt_of``. It raises ImError.

    Normal pushes may say what may become of them where a room gets more than it can show: ``sender``, whose message it is,
    for every sender gets a share; ``reserved``, that it goes before the others; ``conflate``, ``{"mode": "latest", "key": …}``
    or ``{"mode": "sum", "key": …, "amount": …}``: those of one key that wait at the same time become one.
    """

    def __init__(self, retries: int) -> None:
        self._retries = retries

    def to_user(self, user: str, event: str, data: Any = None, **options: Any) -> Published:
        """To all devices of a user."""
        return self._to_one({"user": user}, event, data, **options)

    def to_room(self, room: str, event: str, data: Any = None, **options: Any) -> Published:
        """To everybody in a room."""
        return self._to_one({"room": room}, event, data, **options)

    def to_group(self, group: str, event: str, data: Any = None, **options: Any) -> Published:
        """To the members of any group, ``kind:name``."""
        return self._to_one({"group": group}, event, data, **options)

    def to_all(self, event: str, data: Any = None, **options: Any) -> Published:
        """To everyone connected."""
        return self._to_one({"all": True}, event, data, **options)

    def to_users(self, users: Sequence[str], event: str, data: Any = None, **options: Any) -> PublishedMany:
        """To at most 10,000 users, the data carried once; all are tried. Raises for what no user could be sent.

        Repeating it with the same id completes a partial one.
        """
        return self._push({"users": list(users)}, event, data, **options)

    def receipt_of(self, id: str, *, product: Optional[str] = None) -> PushReceipt:
        """How many have the push that was made under this id with ``receipt=True``."""
        return _complete(self._repeat(lambda: self._ask_receipt(id, product), is_repeatable=True), None)

    def wait_delivered(
        self, id: str, *, at_least: Optional[int] = None, timeout: float = 10.0, product: Optional[str] = None
    ) -> PushReceipt:
        """Waits until ``at_least`` people have it, or all, at most ``timeout`` seconds: says how many have it by then.

        A question that is under way then is awaited. Raises ImError: what is retryable only if nothing else came.
        """
        if at_least is not None and at_least < 1:
            raise ImError(ErrorCode.INVALID_ARGUMENT, message="at_least: not from 1", details={"field": "at_least"})
        begun = time.monotonic()
        latest: Optional[PushReceipt] = None
        failure: Optional[ImError] = None
        while True:
            try:
                latest = _complete(self._ask_receipt(id, product), at_least)
                if latest.is_complete:
                    return latest
            except ImError as error:
                if not error.retryable:
                    raise
                failure = error
            waited = time.monotonic() - begun
            left = timeout - waited
            if left <= 0:
                break
            # Whoever has it not is looked up every time; the last look is shortly before the end.
            missing = latest.of - latest.delivered if latest is not None else 0
            wanted = min(_LONGEST_LOOK, left / 2, max(waited / 4, missing / _LOOKED_UP_PER_SECOND))
            time.sleep(min(left, max(_FIRST_PAUSE, wanted)))
        if latest is None and failure is not None:
            raise failure
        return latest

    def _to_one(self, to: Mapping[str, Any], event: str, data: Any, **options: Any) -> Published:
        outcome = self._push(to, event, data, **options)
        if outcome.published:
            return outcome.published[0]
        for error in outcome.failed.values():
            raise error
        raise ImError(ErrorCode.INTERNAL, message="the endpoint answered for no group")

    def _push(
        self,
        to: Mapping[str, Any],
        event: str,
        data: Any,
        *,
        lane: str = "normal",
        id: Optional[str] = None,
        acknowledge: str = "accepted",
        product: Optional[str] = None,
        sender: Optional[str] = None,
        reserved: Optional[bool] = None,
        conflate: Optional[Mapping[str, Any]] = None,
        receipt: bool = False,
    ) -> PublishedMany:
        is_priority = lane == "priority"
        is_sum = conflate is not None and conflate.get("mode") == "sum"
        is_repeatable = is_priority or (is_sum and id is not None)
        if is_priority and id is None:
            id = uuid.uuid4().hex
        members = {"to": to, "event": event, "data": data, "lane": lane, "acknowledge": acknowledge}
        optional = {"id": id, "product": product, "sender": sender, "reserved": reserved, "conflate": conflate}
        if receipt:
            optional["receipt"] = True
        members.update({name: value for name, value in optional.items() if value is not None})
        try:
            body = json.dumps(members, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
        except (TypeError, ValueError, RecursionError) as cause:
            message = "data: cannot be said in JSON"
            raise ImError(ErrorCode.INVALID_ARGUMENT, message=message, details={"field": "data"}) from cause
        return self._repeat(lambda: self._attempt(body, is_repeatable), is_repeatable)

    def _repeat(self, attempt: Callable[[], _Result], is_repeatable: bool) -> _Result:
        retry = 0
        while True:
            try:
                return attempt()
            except ImError as error:
                nothing_taken = error.name in _NOTHING_TAKEN or error.details.get("handedOut") is False
                if not error.retryable or not (is_repeatable or nothing_taken) or retry >= self._retries:
                    raise
                asked = min(error.details.get("retryAfterMs", 0) / 1_000, _LONGEST_PAUSE)
                time.sleep(max(asked, _FIRST_PAUSE + random.random() * _FIRST_PAUSE * 2 ** min(retry, 5)))
                retry += 1

    def _attempt(self, body: bytes, is_repeatable: bool) -> PublishedMany:
        """One attempt; raises ImError. ``is_repeatable``: repeating is safe even if it may have been published."""
        raise NotImplementedError

    def _ask_receipt(self, id: str, product: Optional[str]) -> Mapping[str, int]:
        """One attempt: ``of`` and ``delivered``; raises ImError."""
        raise NotImplementedError


class RpcPushClient(PushClient):
    """Pushes over ZeroMQ, through brokers, to whoever serves the service ``push``."""

    def __init__(self, caller: Caller, *, timeout: float = 5.0, retries: int = 3) -> None:
        """``timeout`` in seconds of one attempt, ``retries`` attempts after the first."""
        super().__init__(retries)
        self._caller = caller
        self._timeout = timeout

    def _attempt(self, body: bytes, is_repeatable: bool) -> PublishedMany:
        answer = self._caller.call("push", "$send", body, timeout=self._timeout, idempotent=is_repeatable)
        outcome = _outcome(answer)
        if outcome is None:
            raise ImError(ErrorCode.INVALID_OUTPUT)
        return outcome

    def _ask_receipt(self, id: str, product: Optional[str]) -> Mapping[str, int]:
        asked = {"id": id} if product is None else {"id": id, "product": product}
        sums = _sums(self._caller.call("push", "$receipt", asked, timeout=self._timeout, idempotent=True))
        if sums is None:
            raise ImError(ErrorCode.INVALID_OUTPUT)
        return sums


class HttpPushClient(PushClient):
    """Pushes over HTTP: ``POST /v1/push``, ``GET /v1/receipts``. Every push is a request of its own."""

    def __init__(self, url: str, token: str, *, timeout: float = 5.0, retries: int = 3) -> None:
        """``timeout`` in seconds of one attempt, ``retries`` attempts after the first."""
        super().__init__(retries)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ImError(ErrorCode.INVALID_ARGUMENT, message=f"not a http url: {url}", details={"argument": "url"})
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise ImError(ErrorCode.INVALID_ARGUMENT, details={"argument": "token"})
        self._host = parts.hostname
        self._port = parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._receipts_path = urljoin(parts.path or "/", "receipts")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._token = token
        self._timeout = timeout

    def _attempt(self, body: bytes, is_repeatable: bool) -> PublishedMany:
        answer = self._request("POST", self._path, body, _outcome)
        if answer.value.failed and not answer.value.published:
            raise _error(next(iter(answer.raw["failed"].values())), answer.retry_after_ms)
        return answer.value

    def _ask_receipt(self, id: str, product: Optional[str]) -> Mapping[str, int]:
        query = urlencode({"id": id} if product is None else {"id": id, "product": product})
        return self._request("GET", f"{self._receipts_path}?{query}", None, _sums).value

    def _request(
        self, method: str, path: str, body: Optional[bytes], parse: Callable[[Any], Optional[_Result]]
    ) -> _Answer[_Result]:
        connection: http.client.HTTPConnection
        if self._tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        else:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)
        headers = {"Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body, headers)
            # Redirects are not followed: the token is not for whoever they name.
            response = connection.getresponse()
            text = response.read(MAX_ANSWER_BYTES)
        except socket.timeout as cause:
            raise ImError(ErrorCode.TIMEOUT) from cause
        except (OSError, http.client.HTTPException) as cause:
            raise ImError(ErrorCode.DISCONNECTED, message=f"the endpoint cannot be reached: {cause}") from cause
        finally:
            connection.close()
        return _understood(response.status, response.headers.get("retry-after", ""), text, parse)


@dataclass(frozen=True)
class _Answer(Generic[_Result]):
    value: _Result
    raw: Any
    retry_after_ms: int


def _understood(
    status: int, retry_after: str, text: bytes, parse: Callable[[Any], Optional[_Result]]
) -> _Answer[_Result]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    retry_after_ms = int(retry_after) * 1_000 if re.fullmatch(r"[0-9]{1,6}", retry_after) else 0
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        raise _error(answer["error"], retry_after_ms)
    value = parse(answer)
    if value is not None:
        return _Answer(value, answer, retry_after_ms)
    # Something between here and the endpoint answered, or the url is wrong.
    if status in (401, 403):
        raise ImError(ErrorCode.UNAUTHORIZED)
    if status == 413:
        raise ImError(ErrorCode.BODY_TOO_LARGE)
    if status in (408, 429) or status >= 500:
        raise ImError(ErrorCode.DISCONNECTED, details={"status": status})
    message = f"no push endpoint answers at the url: HTTP {status}"
    raise ImError(ErrorCode.INVALID_ARGUMENT, message=message, details={"argument": "url", "status": status})


def _sums(answer: Any) -> Optional[Mapping[str, int]]:
    """None for what is no answer of this interface."""
    is_answer = isinstance(answer, dict) and all(isinstance(answer.get(name), int) for name in ("of", "delivered"))
    return answer if is_answer else None


def _complete(sums: Mapping[str, int], at_least: Optional[int]) -> PushReceipt:
    of, delivered = sums["of"], sums["delivered"]
    return PushReceipt(of, delivered, delivered >= (of if at_least is None else at_least))


def _outcome(answer: Any) -> Optional[PublishedMany]:
    """None for what is no answer of this interface."""
    if not isinstance(answer, dict):
        return None
    published, failed = answer.get("published"), answer.get("failed")
    if not isinstance(published, list) or not isinstance(failed, dict):
        return None
    return PublishedMany(
        [_published(one) for one in published if isinstance(one, dict)],
        {group: _error(error, 0) for group, error in failed.items() if isinstance(error, dict)},
    )


def _published(one: Mapping[str, Any]) -> Published:
    return Published(str(one.get("group", "")), one.get("epoch"), one.get("version"), one.get("duplicate") is True)


def _error(body: Mapping[str, Any], retry_after_ms: int) -> ImError:
    details = dict(body["details"]) if isinstance(body.get("details"), dict) else {}
    if retry_after_ms > 0:
        details.setdefault("retryAfterMs", retry_after_ms)
    return ImError(
        int(body.get("code", ErrorCode.INTERNAL)),
        body.get("name"),
        body.get("message"),
        retryable=body.get("retryable") is True,
        details=details,
    )
