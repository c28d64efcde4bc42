"""Callers and workers against brokers that the tests play: a ROUTER that says what they want. `python3 -m unittest`."""

import json
import logging
import threading
import unittest
from typing import Any, Dict, Optional, Tuple
from unittest import mock

import zmq

from im_rpc import Caller, ErrorCode, ImError, Request, Worker

_WAIT_MS = 10_000


class PlayedBroker:
    def __init__(self, context: zmq.Context) -> None:
        self._router = context.socket(zmq.ROUTER)
        self._router.setsockopt(zmq.LINGER, 0)
        self.address = f"tcp://127.0.0.1:{self._router.bind_to_random_port('tcp://127.0.0.1')}"
        self._peer = b""

    def next(self, kind: str) -> Dict[str, Any]:
        """The next message of that kind; pings are answered on the way."""
        while self._router.poll(_WAIT_MS):
            self._peer, text, *_ = self._router.recv_multipart()
            message: Dict[str, Any] = json.loads(text)
            if message["kind"] == kind:
                return message
            if message["kind"] == "ping":
                self.say(kind="pong", id=message["id"])
        raise AssertionError(f"no {kind} came")

    def say(self, **message: Any) -> None:
        self.say_bytes(json.dumps(message, separators=(",", ":")).encode())

    def say_bytes(self, text: bytes) -> None:
        self._router.send_multipart([self._peer, text])

    def answer_call(self, **answer: Any) -> bool:
        """Answers a call if one is there within a moment, and says whether it was."""
        if not self._router.poll(10):
            return False
        self._peer, text = self._router.recv_multipart()
        message = json.loads(text)
        if message["kind"] != "call":
            return False
        self.say(**answer, id=message["id"])
        return True

    def close(self) -> None:
        self._router.close()


class Played(unittest.TestCase):
    def setUp(self) -> None:
        logging.disable()
        self.addCleanup(logging.disable, logging.NOTSET)
        self._context = zmq.Context()
        self.addCleanup(self._context.term)

    def broker(self) -> PlayedBroker:
        broker = PlayedBroker(self._context)
        self.addCleanup(broker.close)
        return broker

    def caller(self, *brokers: PlayedBroker) -> Caller:
        caller = Caller([broker.address for broker in brokers])
        self.addCleanup(caller.close)
        for broker in brokers:
            broker.next("ping")
        return caller


class CallerTest(Played):
    def outcome_of_two(self, code: ErrorCode, details: Optional[Dict[str, Any]]) -> Tuple[ImError, int]:
        """What a call fails with that the first broker answers so, and how many brokers got it."""
        brokers = [self.broker(), self.broker()]
        caller = self.caller(*brokers)
        future = caller.begin("gift", "send")
        answer: Dict[str, Any] = {"kind": "error", "code": int(code), "name": code.name}
        if details is not None:
            answer["details"] = details
        answered = 0
        while not future.done():
            answered += sum(broker.answer_call(**answer) for broker in brokers)
        error = future.exception(10)
        assert isinstance(error, ImError)
        return error, answered

    def test_what_a_broker_refused_goes_to_another(self) -> None:
        for code in (ErrorCode.UNAVAILABLE, ErrorCode.SERVICE_UNKNOWN):
            with self.subTest(code.name):
                error, brokers = self.outcome_of_two(code, {"handedOut": False})
                self.assertEqual((error.code, brokers), (code, 2))

    def test_a_workers_own_error_of_that_name_is_carried_out_once(self) -> None:
        for code in (ErrorCode.UNAVAILABLE, ErrorCode.SERVICE_UNKNOWN):
            for details in (None, {"handedOut": True}, {"handedOut": 0}, {"nested": True}):
                with self.subTest(code.name, details=details):
                    error, brokers = self.outcome_of_two(code, details)
                    self.assertEqual((error.code, brokers), (code, 1))

    def test_a_reply_that_cannot_be_said_is_passed_over_and_the_next_call_answered(self) -> None:
        broker = self.broker()
        caller = self.caller(broker)
        future = caller.begin("gift", "send")
        id = broker.next("call")["id"]
        broker.say_bytes(b'{"kind":"reply","id":%d,"headers":{"x":"\\ud800"}}' % id)
        broker.say(kind="reply", id=id, headers={"x": "fine"})
        self.assertEqual(future.result(10).headers, {"x": "fine"})

    def test_a_thread_that_fails_fails_all_calls_and_closes(self) -> None:
        broker = self.broker()
        caller = self.caller(broker)
        futures = [caller.begin("gift", "send") for _ in range(2)]
        for _ in futures:
            id = broker.next("call")["id"]
        with mock.patch.object(caller._brokers, "_on_message", side_effect=RuntimeError("a defect")):
            broker.say(kind="reply", id=id)
            for future in futures:
                error = future.exception(10)
                assert isinstance(error, ImError)
                self.assertEqual(error.code, ErrorCode.INTERNAL)
        caller._thread.join(10)
        self.assertFalse(caller._thread.is_alive())
        with self.assertRaises(ImError) as raised:
            caller.begin("gift", "send")
        self.assertEqual(raised.exception.code, ErrorCode.CLOSED)

    def test_calls_that_were_only_posted_fail_with_the_thread_as_well(self) -> None:
        broker = self.broker()
        caller = self.caller(broker)
        with mock.patch.object(caller, "_send", side_effect=RuntimeError("a defect")):
            futures = [caller.begin("gift", "send")]
            try:
                futures.append(caller.begin("gift", "send"))
            except ImError as error:
                self.assertEqual(error.code, ErrorCode.CLOSED)
            for future in futures:
                error = future.exception(10)
                assert isinstance(error, ImError)
                self.assertEqual(error.code, ErrorCode.INTERNAL)


class WorkerTest(Played):
    def setUp(self) -> None:
        super().setUp()
        self.played = self.broker()
        worker = Worker(self.played.address)
        worker.serve("gift", {"send": self.handle}, concurrency=1)
        thread = threading.Thread(target=worker.run)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.drain, worker)
        self.raised: BaseException = ImError(ErrorCode.UNAVAILABLE)
        self.played.next("serve")

    def drain(self, worker: Worker) -> None:
        worker.stop()
        self.played.say(kind="drained", id=self.played.next("drain")["id"])

    def handle(self, _: Request) -> Any:
        raise self.raised

    def answer(self, id: int, **members: Any) -> Dict[str, Any]:
        self.played.say(kind="call", id=id, **{"service": "gift", "method": "send", "target": 1, **members})
        answer = self.played.next("error")
        self.assertEqual(answer["id"], id)
        return answer

    def test_what_a_handler_raises_never_says_that_it_was_not_handed_out(self) -> None:
        self.raised = ImError(ErrorCode.UNAVAILABLE, details={"handedOut": False, "breaker": "open"})
        self.assertEqual(self.answer(1)["details"], {"handedOut": True, "breaker": "open"})
        self.raised = ImError(ErrorCode.UNAVAILABLE, details={"left": 0})
        self.assertEqual(self.answer(2)["details"], {"left": 0})
        self.raised = ImError(ErrorCode.UNAVAILABLE)
        self.assertNotIn("details", self.answer(3))

    def test_what_no_handler_began_says_so(self) -> None:
        unavailable = self.answer(1, target=9)
        self.assertEqual((unavailable["code"], unavailable["details"]), (306, {"handedOut": False}))
        unknown = self.answer(2, method="other")
        self.assertEqual((unknown["code"], unknown["details"]), (301, {"handedOut": False}))

    def test_a_name_that_cannot_be_said_does_not_end_the_worker(self) -> None:
        self.raised = ImError(1001, "\ud800")
        self.assertEqual(self.answer(1)["name"], "?")

    def test_a_malformed_call_is_answered_and_the_next_one_carried_out(self) -> None:
        head = b'{"kind":"call","id":%d,"service":"gift","method":"send","target":1'
        deep = b'{"a":' + b"[" * 4_000 + b"]" * 4_000 + b"}"
        endings = [b'"\\ud800"', b'{"x":"\\ud800"}', b'{"x":1e999}', deep, b'{"x":', b"7"]
        for id, ending in enumerate(endings):
            with self.subTest(ending[:20]):
                self.played.say_bytes(head % id + b',"headers":' + ending + b"}")
                answer = self.played.next("error")
                self.assertEqual((answer["id"], answer["code"], answer["name"]), (id, 100, "MALFORMED"))
                self.assertIs(answer["details"]["handedOut"], False)
        self.played.say_bytes(b'{"kind":"cancel","id":70,"reason":"\\ud800"}')
        self.assertEqual(self.answer(71)["code"], ErrorCode.UNAVAILABLE)


if __name__ == "__main__":
    unittest.main()
