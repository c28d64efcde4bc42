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
     * @param ?string $sender on the normal lane: whose message it is, 1 to 64 characters; where room is short every sender
     *     gets a share
     * @param ?bool $reserved on the normal lane: goes before the others where room is short
     * @param ?array{mode: string, key: string, amount?: int} $conflate on the normal lane: `['mode' => 'latest', 'key' => …]`,
     *     or `['mode' => 'sum', 'key' => …, 'amount' => …]`: those of one key that wait at the same time become one
     * @param bool $receipt to users on the priority lane, by an id of 1 to 63 characters: asks how many have it, see
     *     `PushClient::receiptOf`
     */
    public function __construct(
        public readonly string $event,
        public readonly mixed $data = null,
        public readonly string $lane = 'normal',
        ?string $id = null,
        public readonly string $acknowledge = 'accepted',
        public readonly ?string $product = null,
        public readonly ?string $sender = null,
        public readonly ?bool $reserved = null,
        public readonly ?array $conflate = null,
        public readonly bool $receipt = false,
    ) {
        $this->id = $id ?? ($lane === 'priority' ? bin2hex(random_bytes(16)) : null);
    }

    /** Whether it counts once however often it is sent: always on the priority lane, and a sum that has an id. */
    public function isRepeatable(): bool
    {
        $isSum = ($this->conflate['mode'] ?? null) === 'sum';
        return $this->lane === 'priority' || ($isSum && $this->id !== null);
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
        $optional = [
            'id' => $this->id, 'product' => $this->product,
            'sender' => $this->sender, 'reserved' => $this->reserved, 'conflate' => $this->conflate,
            'receipt' => $this->receipt ?: null,
        ];
        return ['event' => $this->event, 'data' => $this->data, 'lane' => $this->lane, 'acknowledge' => $this->acknowledge]
            + array_filter($optional, static fn (mixed $value): bool => $value !== null);
    }
}
