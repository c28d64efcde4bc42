<?php

declare(strict_types=1);

namespace Im;

/**
 * What calls fail with, and what handlers throw to answer an error. Decide by `getCode()` (docs/errors.md) and
 * `$retryable`; `getMessage()` is for people.
 */
final class ImError extends \RuntimeException
{
    /**
     * @param int $code registered below 1000, the application's own from 1000 on
     * @param bool $retryable whether the same call, tried again, may succeed
     * @param array<string, mixed> $details JSON values for programs
     */
    public function __construct(
        int $code,
        public readonly string $name,
        string $message = '',
        public readonly bool $retryable = false,
        public readonly array $details = [],
        ?\Throwable $previous = null,
    ) {
        parent::__construct($message === '' ? $name : $message, $code, $previous);
    }

    /**
     * A registered error: `throw ImError::of(ErrorCode::FORBIDDEN)`.
     *
     * @param array<string, mixed> $details
     */
    public static function of(
        ErrorCode $code,
        ?string $message = null,
        array $details = [],
        ?\Throwable $previous = null,
    ): self {
        $text = $message ?? $code->message();
        return new self($code->value, $code->name, $text, $code->isRetryable(), $details, $previous);
    }

    /** What a handler threw, as the caller may see it: anything but an ImError is INTERNAL, its text is kept back. */
    public static function wrap(\Throwable $thrown): self
    {
        return $thrown instanceof self ? $thrown : self::of(ErrorCode::INTERNAL, previous: $thrown);
    }

    /** Whether this is that registered error. */
    public function is(ErrorCode $code): bool
    {
        return $this->getCode() === $code->value;
    }
}
