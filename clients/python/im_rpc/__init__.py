"""Calls services and serves them, over ZeroMQ, in the plain form of docs/rpc.md."""

from .brokers import Keys
from .caller import Caller
from .errors import ErrorCode, ImError
from .reply import Reply
from .request import Request
from .worker import Worker

__all__ = ["Caller", "ErrorCode", "ImError", "Keys", "Reply", "Request", "Worker"]
