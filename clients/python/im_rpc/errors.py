"""Errors by number (docs/errors.md): what calls fail with, and what handlers raise to answer an error."""

from __future__ import annotations

import enum
from typing import Any, Mapping, Optional


class ErrorCode(enum.IntEnum):
    """Every error of the system; applications have theirs from 1000 on."""

    CANCELLED = 1
    TIMEOUT = 2
    DISCONNECTED = 3
    CLOSED = 4
    CONFIG_INVALID = 5
    QUEUE_FULL = 6
    INVALID_ARGUMENT = 7
    MALFORMED = 100
    FRAME_TOO_LARGE = 101
    UNKNOWN_COMMAND = 102
    HELLO_REQUIRED = 103
    HELLO_REPEATED = 104
    HELLO_TIMEOUT = 105
    RATE_LIMITED = 106
    TOO_MANY_PENDING = 107
    DUPLICATE_ID = 108
    UNAUTHORIZED = 200
    TOKEN_EXPIRED = 201
    VERIFIER_UNAVAILABLE = 202
    FORBIDDEN = 203
    KICKED = 204
    SERVICE_UNKNOWN = 300
    METHOD_UNKNOWN = 301
    INVALID_INPUT = 302
    INTERNAL = 303
    DEADLINE_EXCEEDED = 304
    OVERLOADED = 305
    UNAVAILABLE = 306
    INVALID_OUTPUT = 307
    CALL_LOST = 308
    GROUP_INVALID = 400
    NOT_A_MEMBER = 401
    TOO_MANY_GROUPS = 402
    EFFECT_REJECTED = 403
    STORE_UNAVAILABLE = 500
    EPOCH_CHANGED = 501
    POSITION_AHEAD = 502
    BODY_TOO_LARGE = 503
    STORE_FULL = 504
    RECORD_CHANGED = 505
    TOO_MANY_RECORDS = 506
    RECEIPTS_UNSERVED = 507
    RECEIPT_UNKNOWN = 508
    SHUTTING_DOWN = 600
    ENGINE_UNSUPPORTED = 601

    @property
    def retryable(self) -> bool:
        """Whether the same thing tried again may succeed."""
        return self in _RETRYABLE

    @property
    def message(self) -> str:
        """What happened, for people."""
        return _MESSAGES[self]


_RETRYABLE = frozenset(
    {
        ErrorCode.TIMEOUT,
        ErrorCode.DISCONNECTED,
        ErrorCode.QUEUE_FULL,
        ErrorCode.HELLO_TIMEOUT,
        ErrorCode.RATE_LIMITED,
        ErrorCode.TOO_MANY_PENDING,
        ErrorCode.TOKEN_EXPIRED,
        ErrorCode.VERIFIER_UNAVAILABLE,
        ErrorCode.DEADLINE_EXCEEDED,
        ErrorCode.OVERLOADED,
        ErrorCode.UNAVAILABLE,
        ErrorCode.CALL_LOST,
        ErrorCode.STORE_UNAVAILABLE,
        ErrorCode.STORE_FULL,
        ErrorCode.RECORD_CHANGED,
        ErrorCode.SHUTTING_DOWN,
    }
)

_MESSAGES = {
    ErrorCode.CANCELLED: "cancelled by the caller",
    ErrorCode.TIMEOUT: "no answer in time; try again, or raise the timeout",
    ErrorCode.DISCONNECTED: "the connection was lost before the answer; whether it was carried out is unknown",
    ErrorCode.CLOSED: "closed; create a new one",
    ErrorCode.CONFIG_INVALID: "configuration is invalid; see details.mistakes",
    ErrorCode.QUEUE_FULL: "the outgoing queue is full; slow down and try again",
    ErrorCode.INVALID_ARGUMENT: "an argument is invalid; see details",
    ErrorCode.MALFORMED: "malformed message; see docs/protocol.md",
    ErrorCode.FRAME_TOO_LARGE: "frame exceeds limits.frameBytes; send smaller ones",
    ErrorCode.UNKNOWN_COMMAND: "unknown command",
    ErrorCode.HELLO_REQUIRED: "send hello first",
    ErrorCode.HELLO_REPEATED: "hello was already sent on this connection",
    ErrorCode.HELLO_TIMEOUT: "no hello in time",
    ErrorCode.RATE_LIMITED: "too many commands; wait details.retryAfterMs",
    ErrorCode.TOO_MANY_PENDING: "too many unanswered calls; await some first",
    ErrorCode.DUPLICATE_ID: "the id belongs to an unanswered command",
    ErrorCode.UNAUTHORIZED: "the token was refused; sign in again",
    ErrorCode.TOKEN_EXPIRED: "the token has expired; fetch a new one",
    ErrorCode.VERIFIER_UNAVAILABLE: "tokens cannot be verified now; try again later",
    ErrorCode.FORBIDDEN: "not allowed",
    ErrorCode.KICKED: "removed by a moderator or the system",
    ErrorCode.SERVICE_UNKNOWN: "no such service",
    ErrorCode.METHOD_UNKNOWN: "the service has no such method",
    ErrorCode.INVALID_INPUT: "the input does not fit the method; see details.issues",
    ErrorCode.INTERNAL: "the service failed; its log says why",
    ErrorCode.DEADLINE_EXCEEDED: "no answer within the deadline; whether it was carried out is unknown",
    ErrorCode.OVERLOADED: "the service is at its limit; try again later",
    ErrorCode.UNAVAILABLE: "no worker serves this now; try again later",
    ErrorCode.INVALID_OUTPUT: "the service answered something it does not declare",
    ErrorCode.CALL_LOST: "the worker or broker was lost before the answer; it may have been carried out",
    ErrorCode.GROUP_INVALID: "not a group id; see docs/protocol.md PR-60",
    ErrorCode.NOT_A_MEMBER: "not in this group; enter it first",
    ErrorCode.TOO_MANY_GROUPS: "in too many groups; leave some first",
    ErrorCode.EFFECT_REJECTED: "the effect came too late or was overtaken by a later call",
    ErrorCode.STORE_UNAVAILABLE: "the store cannot be reached; try again later",
    ErrorCode.EPOCH_CHANGED: "the log began anew; read from its start",
    ErrorCode.POSITION_AHEAD: "the position is ahead of the log",
    ErrorCode.BODY_TOO_LARGE: "the body exceeds its limit; send less",
    ErrorCode.STORE_FULL: "the store has no room; the operator must free some",
    ErrorCode.RECORD_CHANGED: "somebody else changed it meanwhile; try again",
    ErrorCode.TOO_MANY_RECORDS: "this owner has as many records as it may; delete some",
    ErrorCode.SHUTTING_DOWN: "this node is stopping; use another",
    ErrorCode.ENGINE_UNSUPPORTED: "the engine cannot do this; choose another",
}


class ImError(Exception):
    """Decide by `code` and `retryable`; `message` is for people, `details` are JSON values for programs.

    A registered code brings its name, message and flag: `ImError(ErrorCode.FORBIDDEN)`. An application's own
    has a number from 1000 on and a name: `ImError(1001, "SOLD_OUT", "sold out")`.
    """

    def __init__(
        self,
        code: int,
        name: Optional[str] = None,
        message: Optional[str] = None,
        *,
        retryable: Optional[bool] = None,
        details: Optional[Mapping[str, Any]] = None,
    ) -> None:
        known = ErrorCode(code) if code in _CODES else None
        self.code = int(code)
        self.name = name or (known.name if known else f"E{code}")
        self.message = message or (known.message if known else self.name)
        self.retryable = retryable if retryable is not None else (known.retryable if known else False)
        self.details: Mapping[str, Any] = dict(details or {})
        super().__init__(f"{self.code} {self.name}: {self.message}")


_CODES = frozenset(int(code) for code in ErrorCode)
