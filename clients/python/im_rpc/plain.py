"""Messages to frames and back, in the plain form of docs/rpc.md, section 2. Pure; knows no sockets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

MAX_ID = 4_294_967_295
_MAX_HEADER_BYTES = 8_192

_NAME = re.compile(r"[a-zA-Z$][A-Za-z0-9_-]{0,63}")
_TRACE = re.compile(r"[\x21-\x7e]{1,255}")
#: How brokers begin a call: its id can be read even where the rest cannot.
_CALL = re.compile(rb'\{"kind":"call","id":(\d{1,10})[,}]')
_ANONYMOUS = frozenset({"ping", "bye", "again", "error"})


@dataclass(frozen=True)
class Message:
    """A message as docs/rpc.md lists its members."""

    kind: str
    id: Optional[int] = None
    #: without ``kind`` and ``id``
    members: Mapping[str, Any] = field(default_factory=dict)
    #: empty for no value
    body: bytes = b""


class MalformedMessage(ValueError):
    """Frames that are no message of the plain form; ``id`` and ``kind`` are the message's, if they could be read."""

    def __init__(self, reason: str, id: Optional[int] = None, kind: Optional[str] = None) -> None:
        super().__init__(reason)
        self.id = id
        self.kind = kind


def encode_json(value: Any) -> bytes:
    """JSON in UTF-8. Raises TypeError or ValueError for what JSON cannot say."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def decode_json(body: bytes) -> Any:
    """The value of a body; None for an empty one. Raises ValueError for what is no JSON."""
    if not body:
        return None
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def encode(message: Message) -> List[bytes]:
    """One frame, or two if there is a body. Raises TypeError or ValueError for members that JSON cannot say."""
    head: Dict[str, Any] = {"kind": message.kind}
    if message.id is not None:
        head["id"] = message.id
    text = encode_json({**head, **message.members})
    return [text, message.body] if message.body else [text]


def decode(frames: Sequence[bytes]) -> Optional[Message]:
    """The message; None for kinds of later versions, which are ignored. Raises MalformedMessage for anything else."""
    if len(frames) > 1 and not frames[0]:
        frames = frames[1:]
    try:
        members = decode_json(frames[0]) if frames else None
    except ValueError:
        members = None
    if not isinstance(members, dict):
        begun = _CALL.match(frames[0]) if frames else None
        id = int(begun[1]) if begun is not None else None
        raise MalformedMessage("the first frame is no JSON object", *((id, "call") if _is_count(id) else ()))
    id = int(members["id"]) if _is_count(members.get("id")) else None
    kind = members.get("kind")
    if not isinstance(kind, str):
        raise MalformedMessage("kind: a text", id)
    shape = _SHAPES.get(kind)
    if shape is None:
        return None
    if id is None and not (kind in _ANONYMOUS and "id" not in members):
        raise MalformedMessage(f"id: an integer from 0 to {MAX_ID}")
    taken = {}
    for key, check in shape.items():
        name = key.rstrip("?")
        if name not in members and name != key:
            continue
        value = members.get(name)
        try:
            is_valid = check(value)
        except (ValueError, RecursionError):
            # It cannot be said in JSON again: a lone surrogate, a number beyond all, a depth beyond ours.
            is_valid = False
        if not is_valid:
            raise MalformedMessage(f"{name}: {check.__name__.strip('_')} is false", id, kind)
        taken[name] = int(value) if check is _is_count else value
    return Message(kind, id, taken, bytes(frames[1]) if len(frames) > 1 else b"")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer() and 0 <= value <= MAX_ID
    return _is_integer(value) and 0 <= value <= MAX_ID


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_headers(value: Any) -> bool:
    return _is_object(value) and len(encode_json(value)) <= _MAX_HEADER_BYTES


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_name, value))


def _is_version(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 64


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 128


def _is_route(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 256


def _is_trace(value: Any) -> bool:
    return isinstance(value, str) and _TRACE.fullmatch(value) is not None


def _is_reason(value: Any) -> bool:
    return value in ("cancelled", "deadline")


_Shape = Dict[str, Callable[[Any], bool]]
_ERROR: _Shape = {
    "code": _is_integer,
    "name": _is_text,
    "message?": _is_text,
    "retryable?": _is_flag,
    "details?": _is_object,
}

#: Members that a message of the kind must have; those with ``?`` may be left out.
_SHAPES: Dict[str, _Shape] = {
    "call": {
        "service": _is_name,
        "method": _is_name,
        "timeoutMs?": _is_count,
        "idempotent?": _is_flag,
        "key?": _is_route,
        "route?": _is_route,
        "trace?": _is_trace,
        "headers?": _is_headers,
        "stream?": _is_flag,
        "late?": _is_flag,
        "target?": _is_count,
    },
    "cancel": {"reason?": _is_reason},
    "more": {"count": _is_count},
    "reply": {"headers?": _is_headers},
    "part": {},
    "error": _ERROR,
    "serve": {
        "worker": _is_key,
        "service": _is_name,
        "version": _is_version,
        "methods": _is_names,
        "concurrency": _is_count,
        "pingMs?": _is_count,
    },
    "serving": {},
    "refused": _ERROR,
    "drain": {},
    "drained": {},
    "bye": {},
    "ping": {},
    "pong": {"caller?": _is_count, "broker?": _is_text},
    "again": {},
}
