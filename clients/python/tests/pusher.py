"""``python3 tests/pusher.py <url> <token>``, or ``<address of a broker>``: makes the pushes, and asks for the
receipts, that it is told, one a line.

Says what became of each.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from im_rpc import Caller, HttpPushClient, ImError, PublishedMany, RpcPushClient


def told(error: ImError) -> dict:
    names = ("code", "name", "message", "retryable", "details")
    return {name: getattr(error, name) for name in names}


is_http = len(sys.argv) > 2
client = HttpPushClient(sys.argv[1], sys.argv[2], timeout=1) if is_http else RpcPushClient(Caller(sys.argv[1]))


def push(ask: dict) -> dict:
    to = ask.pop("to")
    (kind,) = to
    target = [] if kind == "all" else [to[kind]]
    outcome = getattr(client, f"to_{kind}")(*target, ask.pop("event"), ask.pop("data", None), **ask)
    many = outcome if isinstance(outcome, PublishedMany) else PublishedMany([outcome], {})
    published = [vars(one) for one in many.published]
    return {"published": published, "failed": {group: told(error) for group, error in many.failed.items()}}


def receipt(ask: dict) -> dict:
    id, product = ask["receiptOf"], ask.get("product")
    if "timeoutMs" not in ask:
        return vars(client.receipt_of(id, product=product))
    waiting = {"at_least": ask.get("atLeast"), "timeout": ask["timeoutMs"] / 1_000}
    return vars(client.wait_delivered(id, product=product, **waiting))


for line in sys.stdin:
    ask = json.loads(line)
    try:
        answer = receipt(ask) if "receiptOf" in ask else push(ask)
    except ImError as error:
        answer = {"error": told(error)}
    print(json.dumps(answer), flush=True)
