<?php

declare(strict_types=1);

namespace Im;

/** A call that has begun: `value` waits for its answer, while the others that have begun go on. */
final class PendingCall
{
    private const GRANT = 16;

    /** @internal waiting (for a broker) → sent → ending (asked to end, a moment for the broker's word) → done */
    public string $stage = 'waiting';
    /** @internal its number on its connection, at present */
    public int $id = 0;
    /** @internal who has it */
    public ?Connection $connection = null;
    /** @internal position among what was sent on that connection */
    public int $position = 0;
    /** @internal brokers that had no worker for it */
    public int $refusals = 0;
    /** @internal */
    public Reply|ImError|null $outcome = null;

    /** @var \SplQueue<string> */
    private readonly \SplQueue $parts;
    private int $read = 0;

    /**
     * @param array<string, mixed> $members of its message, but for `timeoutMs`
     * @param float $deadline on the monotonic clock
     * @internal
     */
    public function __construct(
        private readonly Caller $caller,
        public readonly array $members,
        public readonly string $body,
        public float $deadline,
    ) {
        $this->parts = new \SplQueue();
    }

    /**
     * Waits for the answer and gives its value; objects become arrays with keys.
     *
     * @throws ImError as `Caller::call`
     */
    public function value(): mixed
    {
        return $this->reply()->value();
    }

    /**
     * Waits for the answer.
     *
     * @throws ImError as `Caller::call`
     */
    public function reply(): Reply
    {
        while ($this->outcome === null) {
            $this->caller->pump($this->deadline);
        }
        return $this->outcome instanceof Reply ? $this->outcome : throw $this->outcome;
    }

    public function isDone(): bool
    {
        return $this->outcome !== null;
    }

    /** Nobody waits for the answer any more: the worker is told, and `value` throws CANCELLED. */
    public function cancel(): void
    {
        $this->caller->cancel($this);
    }

    /** @internal whether carrying it out twice is harmless */
    public function isRepeatable(): bool
    {
        return isset($this->members['idempotent']) || isset($this->members['key']);
    }

    /** @internal */
    public function push(string $part): void
    {
        $this->parts->enqueue($part);
    }

    /**
     * The next part; null at the end.
     *
     * @throws ImError
     * @internal
     */
    public function nextPart(): ?string
    {
        while ($this->parts->isEmpty()) {
            if ($this->outcome !== null) {
                $this->reply();
                return null;
            }
            $this->caller->pump($this->deadline);
        }
        if (++$this->read % self::GRANT === 0) {
            $this->caller->grant($this, self::GRANT);
        }
        return $this->parts->dequeue();
    }
}
