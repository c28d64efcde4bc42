"""`python3 caller.py <address>…`: the caller that tests/clients drives, the same in every language.

A line of JSON in, a call; a line of JSON out, its outcome.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from im_rpc import Caller, ImError, Keys

with Caller(sys.argv[1:], keys=Keys.load(os.environ["KEYS"]) if "KEYS" in os.environ else None) as caller:
    for line in sys.stdin:
        ask = json.loads(line)
        terms = {name: ask[name] for name in ("idempotent", "key", "route", "headers", "trace") if name in ask}
        terms["timeout"] = ask.get("timeoutMs", 10_000) / 1_000
        try:
            if ask.get("stream"):
                parts = []
                stream = caller.stream(ask["service"], ask["method"], ask.get("input"), **terms)
                while True:
                    try:
                        parts.append(next(stream))
                    except StopIteration as end:
                        outcome = {"value": end.value, "parts": parts}
                        break
            else:
                reply = caller.begin(ask["service"], ask["method"], ask.get("input"), **terms).result()
                outcome = {"value": reply.value(), "headers": reply.headers}
        except ImError as error:
            described = {name: getattr(error, name) for name in ("code", "name", "message", "retryable", "details")}
            outcome = {"error": described}
        print(json.dumps(outcome), flush=True)
