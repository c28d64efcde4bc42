"""Calls services and serves them, over ZeroMQ, in the plain form of docs/rpc.md; pushes, over HTTP."""

from .brokers import Keys
from .caller import Caller
from .errors import ErrorCode, ImError
from .push import HttpPushClient, Published, PublishedMany, PushClient, PushReceipt, RpcPushClient
from .reply import Reply
from .request import Request
from .worker import Worker

__all__ = [
    "Caller",
    "ErrorCode",
    "HttpPushClient",
    "ImError",
    "Keys",
    "Published",
    "PublishedMany",
    "PushClient",
    "PushReceipt",
    "Reply",
    "Request",
    "RpcPushClient",
    "Worker",
]
