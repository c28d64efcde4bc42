"""Answers by idempotency key, bounded by number, bytes and age; the oldest go first."""

from __future__ import annotations

from typing import Dict, Optional, Tuple, Union

from .errors import ImError
from .plain import encode_json
from .reply import Reply

Answer = Union[Reply, ImError]


class KeptAnswers:
    """Not for several threads at once."""

    def __init__(self, max_entries: int = 10_000, max_bytes: int = 33_554_432, ttl: float = 600.0) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._ttl = ttl
        #: answer, bytes, when it is too old; in order of age
        self._entries: Dict[str, Tuple[Answer, int, float]] = {}
        self._bytes = 0

    def get(self, key: str, now: float) -> Optional[Answer]:
        self._drop_expired(now)
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def keep(self, key: str, answer: Answer, now: float) -> None:
        self._drop_expired(now)
        self._drop(key)
        size = len(key) + _bytes_of(answer)
        self._entries[key] = (answer, size, now + self._ttl)
        self._bytes += size
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop_expired(self, now: float) -> None:
        while self._entries:
            key = next(iter(self._entries))
            if self._entries[key][2] > now:
                return
            self._drop(key)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry[1]


def _bytes_of(answer: Answer) -> int:
    """What is kept has been encoded before, so that JSON can say its headers and details."""
    if isinstance(answer, Reply):
        return len(answer.body) + (len(encode_json(dict(answer.headers))) if answer.headers else 0)
    size = len(answer.name) + len(answer.message)
    return size + (len(encode_json(dict(answer.details))) if answer.details else 0)
