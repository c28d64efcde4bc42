<?php

declare(strict_types=1);

namespace Im;

/** A call that has begun: `value` waits for its answer, while the others that have begun go on. */
final class PendingCall
{
    private const GRANT = 16;
    /** What a worker may send unasked, and again after another took the call over. */
    private const MAX_PARTS = 64;

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
    private bool $hasParts = false;

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

    /** @internal whether carrying it out twice is harmless, and nobody has seen a part of the first time */
    public function isRepeatable(): bool
    {
        return !$this->hasParts && (isset($this->members['idempotent']) || isset($this->members['key']));
    }

    /** @internal false when more wait than ever should: the part is not taken */
    public function push(string $part): bool
    {
        $this->hasParts = true;
        if (count($this->parts) >= self::MAX_PARTS) {
            return false;
        }
        $this->parts->enqueue($part);
        return true;
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
