"""`python3 examples/serve.py [address]`: serves the greeter that call.py calls, until Ctrl-C."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # not needed once the package is installed

from im_rpc import ErrorCode, ImError, Request, Worker


def greet(request: Request) -> dict:
    name = request.input().get("name")
    if not name:
        raise ImError(ErrorCode.INVALID_INPUT, message="a name, please", details={"issues": [{"path": ["name"]}]})
    return {"text": f"Hello, {name}"}


def spell(request: Request) -> None:
    for letter in request.input()["name"]:
        request.send(letter)


worker = Worker(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:7402")
worker.serve("greeter", {"greet": greet, "spell": spell})
worker.run()
