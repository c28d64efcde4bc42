<?php

declare(strict_types=1);

namespace Im;

/**
 * Answers by idempotency key, bounded by number, bytes and age; the oldest go first.
 *
 * @internal
 */
final class KeptAnswers
{
    /** @var array<string, array{Reply|ImError, int, float}> answer, bytes, when it is too old; in order of age */
    private array $entries = [];
    private int $bytes = 0;

    public function __construct(
        private readonly int $maxEntries = 10_000,
        private readonly int $maxBytes = 33_554_432,
        private readonly float $ttlMs = 600_000.0,
    ) {
    }

    public function get(string $key, float $now): Reply|ImError|null
    {
        $this->dropExpired($now);
        return $this->entries[$key][0] ?? null;
    }

    public function keep(string $key, Reply|ImError $answer, float $now): void
    {
        $this->dropExpired($now);
        $this->drop($key);
        $size = strlen($answer instanceof Reply ? $answer->body : $answer->getMessage());
        $this->entries[$key] = [$answer, strlen($key) + $size, $now + $this->ttlMs];
        $this->bytes += $this->entries[$key][1];
        while (count($this->entries) > $this->maxEntries || $this->bytes > $this->maxBytes) {
            $this->drop((string) array_key_first($this->entries));
        }
    }

    private function dropExpired(float $now): void
    {
        foreach ($this->entries as $key => [, , $expiresAt]) {
            if ($expiresAt > $now) {
                return;
            }
            $this->drop((string) $key);
        }
    }

    private function drop(string $key): void
    {
        $this->bytes -= $this->entries[$key][1] ?? 0;
        unset($this->entries[$key]);
    }
}
