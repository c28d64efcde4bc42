"""Answers, as callers get them and handlers may return them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from . import plain
from .errors import ErrorCode, ImError

MAX_BODY_BYTES = 1_048_576
MAX_HEADER_BYTES = 8_192


@dataclass(frozen=True)
class Reply:
    """An answer: bytes, empty for no value, and JSON values beside them."""

    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(value: Any, headers: Optional[Mapping[str, Any]] = None) -> "Reply":
        """Of what JSON can say, None for no value; bytes are taken as they are."""
        return Reply(encode_value(value, ErrorCode.INVALID_OUTPUT), dict(headers or {}))

    def value(self) -> Any:
        """The body's value. Raises ImError INVALID_OUTPUT when it is no JSON."""
        return decode_value(self.body, ErrorCode.INVALID_OUTPUT)


def encode_value(value: Any, otherwise: ErrorCode) -> bytes:
    """Raises the error of that code for what JSON cannot say."""
    if value is None:
        return b""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    try:
        return plain.encode_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ImError(otherwise, message=f"not JSON: {error}") from error


def decode_value(body: bytes, otherwise: ErrorCode) -> Any:
    """Raises the error of that code for what is no JSON."""
    try:
        return plain.decode_json(body)
    except ValueError as error:
        raise ImError(otherwise, message="not JSON") from error


def check_sizes(body: bytes, headers: Mapping[str, Any], max_body_bytes: int) -> None:
    """Raises ImError BODY_TOO_LARGE, or INVALID_ARGUMENT for headers that JSON cannot say."""
    header_bytes = len(encode_value(dict(headers), ErrorCode.INVALID_ARGUMENT)) if headers else 0
    for part, size, limit in (("body", len(body), max_body_bytes), ("headers", header_bytes, MAX_HEADER_BYTES)):
        if size > limit:
            raise ImError(ErrorCode.BODY_TOO_LARGE, details={"part": part, "limitBytes": limit})
