<?php

declare(strict_types=1);

namespace Im;

/** What is pushed: `new PushMessage('gift', ['gift' => 'rocket'], lane: 'priority', id: 'order-4711')`. */
final class PushMessage
{
    /** On the priority lane always set, so that repeating is safe. */
    public readonly ?string $id;

    /**
     * @param string $event what clients listen to
     * @param mixed $data any JSON value; `new stdClass()` for `{}`
     * @param string $lane `normal` may be shed under pressure; `priority` gets a version and is never lost
     * @param ?string $id 1 to 64 characters; on the priority lane the same id to the same group is sent once. Give your
     *     own, such as the number of the order behind it, if your program may start again between two attempts
     * @param string $acknowledge `none`, `accepted` or `durable`: when the answer comes
     * @param ?string $product whose users and groups, where several products share the system
     */
    public function __construct(
        public readonly string $event,
        public readonly mixed $data = null,
        public readonly string $lane = 'normal',
        ?string $id = null,
        public readonly string $acknowledge = 'accepted',
        public readonly ?string $product = null,
    ) {
        $this->id = $id ?? ($lane === 'priority' ? bin2hex(random_bytes(16)) : null);
    }

    /**
     * As the endpoint takes them.
     *
     * @internal
     *
     * @return array<string, mixed>
     */
    public function members(): array
    {
        $optional = ['id' => $this->id, 'product' => $this->product];
        return ['event' => $this->event, 'data' => $this->data, 'lane' => $this->lane, 'acknowledge' => $this->acknowledge]
            + array_filter($optional, static fn (?string $value): bool => $value !== null);
    }
}
