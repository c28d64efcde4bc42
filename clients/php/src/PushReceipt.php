<?php

declare(strict_types=1);

namespace Im;

/** How far a push has come that asked. */
final class PushReceipt
{
    /**
     * @param int $of people in whose logs it is
     * @param int $delivered how many of them have it, on any of their devices; never less than before
     * @param bool $isComplete whether all have it; after waiting: as many as were waited for
     */
    public function __construct(
        public readonly int $of,
        public readonly int $delivered,
        public readonly bool $isComplete,
    ) {
    }

    /**
     * @internal
     *
     * @param mixed $answer of whoever was asked; null for what is no answer of this interface
     */
    public static function fromAnswer(mixed $answer): ?self
    {
        if (!is_int($answer['of'] ?? null) || !is_int($answer['delivered'] ?? null)) {
            return null;
        }
        return new self($answer['of'], $answer['delivered'], $answer['delivered'] >= $answer['of']);
    }
}
