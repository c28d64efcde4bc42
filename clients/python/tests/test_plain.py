"""The codec against the golden vectors and any bytes; the registry against the documents. `python3 -m unittest`."""

import json
import random
import re
import unittest
from pathlib import Path

from im_rpc import ErrorCode, ImError, Reply
from im_rpc.kept_answers import KeptAnswers
from im_rpc.plain import MAX_ID, MalformedMessage, Message, decode, encode

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "packages/rpc/vectors/plain.json"

SEEDS = [
    b'{"kind":"reply","id":1,"headers":{"a":{"b":[]}}}',
    b'{"kind":"more","id":1,"count":3}',
    '{"kind":"error","id":1,"code":303,"name":"INTERNAL","message":"é","retryable":false,"details":{}}'.encode(),
    b'{"kind":"call","id":4294967295,"service":"a","method":"b","target":1,"timeoutMs":1e3,"key":"k"}',
    b'{"kind":"pong","id":0,"broker":"x","caller":2}',
    b'{"kind":null}',
    b'{"kind":"serving","id":NaN}',
    b"{",
    b"",
    b"\x01\x00",
    b"[]",
    b'{"a":' * 100_000,
    b'{"id":' + b"9" * 5_000 + b"}",
]


class PlainTest(unittest.TestCase):
    @unittest.skipUnless(VECTORS.exists(), "there are no vectors here")
    def test_every_vector(self) -> None:
        for vector in json.loads(VECTORS.read_text("utf-8")):
            with self.subTest(vector["name"]):
                frames = [frame.encode("utf-8") for frame in vector["frames"]]
                if vector.get("malformed"):
                    with self.assertRaises(MalformedMessage):
                        decode(frames)
                    continue
                message = decode(frames)
                if vector["message"] is None:
                    self.assertIsNone(message)
                    continue
                assert message is not None
                head = {"kind": message.kind, **({} if message.id is None else {"id": message.id})}
                self.assertEqual({**head, **message.members}, vector["message"])
                self.assertEqual(message.body, (vector.get("body") or "").encode("utf-8"))
                again = encode(message)
                self.assertEqual(json.loads(again[0]), vector["message"])
                self.assertEqual(again[1:], [message.body] if message.body else [])

    def test_any_bytes_are_a_message_an_unknown_kind_or_malformed(self) -> None:
        chance = random.Random(7)
        for _ in range(5_000):
            text = bytearray(chance.choice(SEEDS))
            for _ in range(chance.randrange(5)):
                if text:
                    at = chance.randrange(len(text))
                    text[at : at + chance.randrange(3)] = bytes([chance.randrange(256)])
            try:
                message = decode([b"", bytes(text), b"\xff"] if chance.random() < 0.1 else [bytes(text)])
            except MalformedMessage:
                continue
            if message is not None:
                encode(message)
        with self.assertRaises(MalformedMessage):
            decode([])

    def test_a_message_is_decoded_to_what_was_encoded(self) -> None:
        for body in (b"", b"\x00\xff"):
            message = Message("call", MAX_ID, {"service": "a", "method": "$b"}, body)
            frames = encode(message)
            self.assertEqual(len(frames), 2 if body else 1)
            self.assertEqual(decode(frames), message)
            self.assertEqual(decode([b"", *frames]), message)
        self.assertIsNone(decode([b'{"kind":"song","id":1}']))
        self.assertEqual(decode([b'{"kind":"part","id":1,"later":true}']), Message("part", 1))


class ErrorCodeTest(unittest.TestCase):
    def test_numbers_names_and_flags_are_those_of_the_document(self) -> None:
        document = (ROOT / "docs/errors.md").read_text("utf-8")
        rows = re.findall(r"^\| (\d+) \| `([A-Z_]+)` \| (yes|no) \|", document, re.M)
        documented = [(int(code), name, flag == "yes") for code, name, flag in rows if int(code) < 1_000]
        self.assertEqual([(int(code), code.name, code.retryable) for code in ErrorCode], documented)


class KeptAnswersTest(unittest.TestCase):
    def test_they_are_bounded_by_number_bytes_and_age(self) -> None:
        kept = KeptAnswers(max_entries=2, max_bytes=100, ttl=10)
        for at, key in enumerate("abc"):
            kept.keep(key, Reply(key.encode()), at)
        self.assertIsNone(kept.get("a", 3))
        self.assertEqual(kept.get("b", 3), Reply(b"b"))
        self.assertIsNone(kept.get("b", 11))
        self.assertEqual(kept.get("c", 11), Reply(b"c"))
        kept.keep("d", Reply(b"x" * 200), 11)
        self.assertIsNone(kept.get("d", 11))
        kept.keep("e", Reply(b"", {"x": "x" * 200}), 11)
        self.assertIsNone(kept.get("e", 11))
        kept.keep("f", ImError(ErrorCode.FORBIDDEN, details={"x": "x" * 200}), 11)
        self.assertIsNone(kept.get("f", 11))


if __name__ == "__main__":
    unittest.main()
