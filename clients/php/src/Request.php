<?php

declare(strict_types=1);

namespace Im;

use Im\Wire\Json;
use Im\Wire\Message;

/** A call as a handler gets it. */
final class Request
{
    /** Parts that may be sent unasked. */
    private const FIRST_CREDIT = 32;
    private const DEFAULT_TIMEOUT_MS = 10_000;

    public readonly string $service;
    public readonly string $method;
    /** Input as bytes; empty for no value. */
    public readonly string $body;
    /** @var array<string, mixed> */
    public readonly array $headers;
    /** W3C traceparent; calls made `within` this one pass it on. */
    public readonly ?string $trace;
    /** Idempotency key. */
    public readonly ?string $key;
    /** Routing key. */
    public readonly ?string $route;
    /** Whether the caller takes parts. */
    public readonly bool $isStream;

    private readonly float $deadline;
    private int $credit = self::FIRST_CREDIT;
    private bool $isEnded = false;
    private bool $isLost = false;

    /** @internal */
    public function __construct(
        private readonly Worker $worker,
        public readonly Connection $connection,
        public readonly Message $call,
        float $now,
    ) {
        $members = $call->members;
        $this->service = $members['service'];
        $this->method = $members['method'];
        $this->body = $call->body;
        $this->headers = $members['headers'] ?? [];
        $this->trace = $members['trace'] ?? null;
        $this->key = $members['key'] ?? null;
        $this->route = $members['route'] ?? null;
        $this->isStream = $members['stream'] ?? false;
        $this->deadline = $now + ($members['timeoutMs'] ?? self::DEFAULT_TIMEOUT_MS);
    }

    /**
     * The input as a value; objects become arrays with keys.
     *
     * @throws ImError INVALID_INPUT when it is no JSON
     */
    public function input(): mixed
    {
        try {
            return Json::decodeBody($this->body);
        } catch (\JsonException $cause) {
            throw ImError::of(ErrorCode::INVALID_INPUT, 'the input is no JSON', previous: $cause);
        }
    }

    /** Milliseconds left until the deadline; 0 when it has passed. */
    public function remainingMs(): int
    {
        return max(0, (int) ($this->deadline - Connections::now()));
    }

    /** Whether nobody waits for the answer any more. A handler that takes long asks now and then. */
    public function isCancelled(): bool
    {
        $this->worker->listen(0.0);
        return $this->isEnded || $this->remainingMs() === 0;
    }

    /**
     * Sends a part of the answer; waits while the caller is slow.
     *
     * @throws ImError INVALID_ARGUMENT when the caller takes none, CANCELLED or DEADLINE_EXCEEDED when nobody
     *     waits any more
     */
    public function send(mixed $part): void
    {
        if (!$this->isStream) {
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, 'the caller takes no parts: it did not call stream');
        }
        $body = Reply::of($part)->body;
        $wait = 0.0;
        do {
            $this->worker->listen($wait);
            if ($this->isEnded || $this->remainingMs() === 0) {
                $why = $this->remainingMs() === 0 ? ErrorCode::DEADLINE_EXCEEDED : ErrorCode::CANCELLED;
                throw ImError::of($why, details: ['handedOut' => true]);
            }
            $wait = (float) $this->remainingMs();
        } while ($this->credit === 0);
        $this->credit--;
        $this->worker->answer($this, new Message('part', $this->call->id, body: $body));
    }

    /** @internal */
    public function grant(int $count): void
    {
        $this->credit += $count;
    }

    /** @internal */
    public function end(): void
    {
        $this->isEnded = true;
    }

    /** @internal its broker is gone: the next one may give its number to another call */
    public function lose(): void
    {
        $this->isEnded = $this->isLost = true;
    }

    /** @internal */
    public function isLost(): bool
    {
        return $this->isLost;
    }
}
