<?php

declare(strict_types=1);

namespace Im\Wire;

/** A message as docs/rpc.md lists its members. */
final class Message
{
    /**
     * @param array<string, mixed> $members without `kind` and `id`
     * @param int|null $id null for kinds whose id names nothing
     * @param string $body bytes, empty for no value
     */
    public function __construct(
        public readonly string $kind,
        public readonly ?int $id = null,
        public readonly array $members = [],
        public readonly string $body = '',
    ) {
    }
}
