<?php

declare(strict_types=1);

namespace Im;

/** Every error of the system by its number (docs/errors.md); applications have theirs from 1000 on. */
enum ErrorCode: int
{
    case CANCELLED = 1;
    case TIMEOUT = 2;
    case DISCONNECTED = 3;
    case CLOSED = 4;
    case CONFIG_INVALID = 5;
    case QUEUE_FULL = 6;
    case INVALID_ARGUMENT = 7;
    case MALFORMED = 100;
    case FRAME_TOO_LARGE = 101;
    case UNKNOWN_COMMAND = 102;
    case HELLO_REQUIRED = 103;
    case HELLO_REPEATED = 104;
    case HELLO_TIMEOUT = 105;
    case RATE_LIMITED = 106;
    case TOO_MANY_PENDING = 107;
    case DUPLICATE_ID = 108;
    case UNAUTHORIZED = 200;
    case TOKEN_EXPIRED = 201;
    case VERIFIER_UNAVAILABLE = 202;
    case FORBIDDEN = 203;
    case KICKED = 204;
    case SERVICE_UNKNOWN = 300;
    case METHOD_UNKNOWN = 301;
    case INVALID_INPUT = 302;
    case INTERNAL = 303;
    case DEADLINE_EXCEEDED = 304;
    case OVERLOADED = 305;
    case UNAVAILABLE = 306;
    case INVALID_OUTPUT = 307;
    case CALL_LOST = 308;
    case GROUP_INVALID = 400;
    case NOT_A_MEMBER = 401;
    case TOO_MANY_GROUPS = 402;
    case EFFECT_REJECTED = 403;
    case STORE_UNAVAILABLE = 500;
    case EPOCH_CHANGED = 501;
    case POSITION_AHEAD = 502;
    case BODY_TOO_LARGE = 503;
    case STORE_FULL = 504;
    case RECORD_CHANGED = 505;
    case TOO_MANY_RECORDS = 506;
    case RECEIPTS_UNSERVED = 507;
    case RECEIPT_UNKNOWN = 508;
    case SHUTTING_DOWN = 600;
    case ENGINE_UNSUPPORTED = 601;

    /** Whether the same thing tried again may succeed. */
    public function isRetryable(): bool
    {
        return match ($this) {
            self::TIMEOUT,
            self::DISCONNECTED,
            self::QUEUE_FULL,
            self::HELLO_TIMEOUT,
            self::RATE_LIMITED,
            self::TOO_MANY_PENDING,
            self::TOKEN_EXPIRED,
            self::VERIFIER_UNAVAILABLE,
            self::DEADLINE_EXCEEDED,
            self::OVERLOADED,
            self::UNAVAILABLE,
            self::CALL_LOST,
            self::STORE_UNAVAILABLE,
            self::STORE_FULL,
            self::RECORD_CHANGED,
            self::SHUTTING_DOWN => true,
            default => false,
        };
    }

    /** What happened, for people. */
    public function message(): string
    {
        return match ($this) {
            self::CANCELLED => 'cancelled by the caller',
            self::TIMEOUT => 'no answer in time; try again, or raise the timeout',
            self::DISCONNECTED => 'the connection was lost before the answer; whether it was carried out is unknown',
            self::CLOSED => 'closed; create a new one',
            self::CONFIG_INVALID => 'configuration is invalid; see details.mistakes',
            self::QUEUE_FULL => 'the outgoing queue is full; slow down and try again',
            self::INVALID_ARGUMENT => 'an argument is invalid; see details',
            self::MALFORMED => 'malformed message; see docs/protocol.md',
            self::FRAME_TOO_LARGE => 'frame exceeds limits.frameBytes; send smaller ones',
            self::UNKNOWN_COMMAND => 'unknown command',
            self::HELLO_REQUIRED => 'send hello first',
            self::HELLO_REPEATED => 'hello was already sent on this connection',
            self::HELLO_TIMEOUT => 'no hello in time',
            self::RATE_LIMITED => 'too many commands; wait details.retryAfterMs',
            self::TOO_MANY_PENDING => 'too many unanswered calls; await some first',
            self::DUPLICATE_ID => 'the id belongs to an unanswered command',
            self::UNAUTHORIZED => 'the token was refused; sign in again',
            self::TOKEN_EXPIRED => 'the token has expired; fetch a new one',
            self::VERIFIER_UNAVAILABLE => 'tokens cannot be verified now; try again later',
            self::FORBIDDEN => 'not allowed',
            self::KICKED => 'removed by a moderator or the system',
            self::SERVICE_UNKNOWN => 'no such service',
            self::METHOD_UNKNOWN => 'the service has no such method',
            self::INVALID_INPUT => 'the input does not fit the method; see details.issues',
            self::INTERNAL => 'the service failed; its log says why',
            self::DEADLINE_EXCEEDED => 'no answer within the deadline; whether it was carried out is unknown',
            self::OVERLOADED => 'the service is at its limit; try again later',
            self::UNAVAILABLE => 'no worker serves this now; try again later',
            self::INVALID_OUTPUT => 'the service answered something it does not declare',
            self::CALL_LOST => 'the worker or broker was lost before the answer; it may have been carried out',
            self::GROUP_INVALID => 'not a group id; see docs/protocol.md PR-60',
            self::NOT_A_MEMBER => 'not in this group; enter it first',
            self::TOO_MANY_GROUPS => 'in too many groups; leave some first',
            self::EFFECT_REJECTED => 'the effect came too late or was overtaken by a later call',
            self::STORE_UNAVAILABLE => 'the store cannot be reached; try again later',
            self::EPOCH_CHANGED => 'the log began anew; read from its start',
            self::POSITION_AHEAD => 'the position is ahead of the log',
            self::BODY_TOO_LARGE => 'the body exceeds its limit; send less',
            self::STORE_FULL => 'the store has no room; the operator must free some',
            self::RECORD_CHANGED => 'somebody else changed it meanwhile; try again',
            self::TOO_MANY_RECORDS => 'this owner has as many records as it may; delete some',
            self::SHUTTING_DOWN => 'this node is stopping; use another',
            self::ENGINE_UNSUPPORTED => 'the engine cannot do this; choose another',
        };
    }
}
