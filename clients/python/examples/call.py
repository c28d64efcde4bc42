"""`python3 examples/call.py [address]`: calls the greeter that serve.py serves."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # not needed once the package is installed

from im_rpc import Caller, ImError

address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:7401"

with Caller(address) as caller:
    try:
        print(caller.call("greeter", "greet", {"name": "Ann"}, timeout=2, idempotent=True)["text"])

        for letter in caller.stream("greeter", "spell", {"name": "Ann"}):
            print(letter)

        caller.call("greeter", "greet", {"name": ""}, timeout=2, idempotent=True)
    except ImError as error:
        print(error)
