<?php

declare(strict_types=1);

namespace Im;

/** What became of a push to many users. */
final class PublishedMany
{
    /**
     * @param list<Published> $published
     * @param array<string, ImError> $failed by group, why it was not reached
     */
    public function __construct(public readonly array $published, public readonly array $failed)
    {
    }

    /**
     * @internal
     *
     * @param array<mixed> $published
     * @param array<mixed> $failed
     */
    public static function fromAnswer(array $published, array $failed): self
    {
        return new self(
            array_map(
                static fn (mixed $one): Published => new Published(
                    (string) ($one['group'] ?? ''),
                    $one['epoch'] ?? null,
                    $one['version'] ?? null,
                    $one['duplicate'] ?? false,
                ),
                array_values($published),
            ),
            array_map(static fn (mixed $error): ImError => self::error((array) $error, 0), $failed),
        );
    }

    /**
     * @internal
     *
     * @param array<mixed> $body
     */
    public static function error(array $body, int $retryAfterMs): ImError
    {
        $details = is_array($body['details'] ?? null) ? $body['details'] : [];
        return new ImError(
            (int) ($body['code'] ?? ErrorCode::INTERNAL->value),
            (string) ($body['name'] ?? ErrorCode::INTERNAL->name),
            (string) ($body['message'] ?? ''),
            ($body['retryable'] ?? false) === true,
            $details + ($retryAfterMs > 0 ? ['retryAfterMs' => $retryAfterMs] : []),
        );
    }
}
