"""`python3 worker.py <service> <address>…`: the worker that tests/clients drives, the same in every language."""

import itertools
import logging
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from im_rpc import ErrorCode, ImError, Keys, Reply, Request, Worker

logging.disable()
carried_out = itertools.count(1)


def say(word: str) -> None:
    print(word, flush=True)


def fail(_: Request) -> None:
    raise RuntimeError("a secret")


def sold_out(_: Request) -> None:
    raise ImError(1001, "SOLD_OUT", "sold out", retryable=True, details={"left": 0})


def count(request: Request) -> int:
    for part in range(request.input()):
        request.send(part)
    return request.input()


def hang(request: Request) -> None:
    say("hanging")
    while not request.wait_cancelled(1):
        pass
    say("cancelled")
    raise ImError(ErrorCode.DEADLINE_EXCEEDED, details={"handedOut": True})


def slow(request: Request) -> str:
    say("slow")
    time.sleep(request.input() / 1_000)
    return "done"


worker = Worker(sys.argv[2:], keys=Keys.load(os.environ["KEYS"]) if "KEYS" in os.environ else None)
worker.serve(
    sys.argv[1],
    {
        "echo": lambda request: Reply.of(request.input(), request.headers),
        "pid": lambda _: os.getpid(),
        "fail": fail,
        "soldOut": sold_out,
        "once": lambda _: next(carried_out),
        "trace": lambda request: [request.trace, request.key, request.route],
        "count": count,
        "hang": hang,
        "slow": slow,
    },
    concurrency=1,
)
worker.run()
say("drained")
