<?php

declare(strict_types=1);

namespace Im;

use Im\Wire\Json;

/** An answer: what a call gives, and what a handler may return when it has headers. */
final class Reply
{
    /**
     * @param string $body bytes, empty for no value
     * @param array<string, mixed> $headers JSON values beside it
     */
    public function __construct(public readonly string $body, public readonly array $headers = [])
    {
    }

    /**
     * @param mixed $value what JSON can say; null for no value
     * @param array<string, mixed> $headers
     * @throws ImError INVALID_OUTPUT for what JSON cannot say
     */
    public static function of(mixed $value, array $headers = []): self
    {
        try {
            return new self(Json::encodeBody($value), $headers);
        } catch (\JsonException $cause) {
            throw ImError::of(ErrorCode::INVALID_OUTPUT, "not JSON: {$cause->getMessage()}", previous: $cause);
        }
    }

    /**
     * The body as a value; objects become arrays with keys.
     *
     * @throws ImError INVALID_OUTPUT when it is no JSON
     */
    public function value(): mixed
    {
        return self::valueOf($this->body);
    }

    /**
     * @throws ImError INVALID_OUTPUT
     * @internal
     */
    public static function valueOf(string $body): mixed
    {
        try {
            return Json::decodeBody($body);
        } catch (\JsonException $cause) {
            throw ImError::of(ErrorCode::INVALID_OUTPUT, 'the answer is no JSON', previous: $cause);
        }
    }
}
