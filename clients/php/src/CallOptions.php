<?php

declare(strict_types=1);

namespace Im;

/** How a call is made: `new CallOptions(timeoutMs: 2_000, idempotent: true)`. */
final class CallOptions
{
    public const DEFAULT_TIMEOUT_MS = 10_000;
    public const MAX_TIMEOUT_MS = 3_600_000;

    /**
     * @param int $timeoutMs the deadline, from now; more than an hour counts as an hour
     * @param bool $idempotent carrying it out twice is harmless, so it is repeated when a worker or broker is lost
     * @param string|null $key idempotency key: a worker answers calls of one key once and repeats that answer
     * @param string|null $route routing key: calls of one key go to one worker
     * @param array<string, mixed> $headers JSON values beside the input, at most 8 KiB
     * @param string|null $trace W3C traceparent
     * @param Request|null $within the call that this one is made on behalf of: its deadline bounds this one's, and its
     *     trace is passed on
     */
    public function __construct(
        public readonly int $timeoutMs = self::DEFAULT_TIMEOUT_MS,
        public readonly bool $idempotent = false,
        public readonly ?string $key = null,
        public readonly ?string $route = null,
        public readonly array $headers = [],
        public readonly ?string $trace = null,
        public readonly ?Request $within = null,
    ) {
    }

    /** Milliseconds until the deadline of a call that begins now. */
    public function effectiveTimeoutMs(): int
    {
        return min($this->timeoutMs, self::MAX_TIMEOUT_MS, $this->within?->remainingMs() ?? self::MAX_TIMEOUT_MS);
    }

    /**
     * The members of `call` that say all this.
     *
     * @return array<string, mixed>
     * @internal
     */
    public function members(): array
    {
        return array_filter([
            'idempotent' => $this->idempotent,
            'key' => $this->key,
            'route' => $this->route,
            'trace' => $this->trace ?? $this->within?->trace,
            'headers' => $this->headers === [] ? null : (object) $this->headers,
        ], static fn (mixed $member): bool => $member !== null && $member !== false);
    }
}
