<?php

declare(strict_types=1);

namespace Im;

/**
 * Pushes to users, rooms, groups and everyone, as docs/push.md has it: `HttpPushClient` or `RpcPushClient`. Repeats by
 * itself what may be repeated: on the priority lane every retryable failure, under one id, and so a sum with an id; else on
 * the normal lane only what certainly was not taken.
 */
abstract class PushClient
{
    private const MIN_BACKOFF_MS = 100;
    private const MAX_PAUSE_MS = 30_000;
    /** Errors after which repeating is safe on any lane. */
    private const NOTHING_TAKEN = ['QUEUE_FULL', 'RATE_LIMITED', 'OVERLOADED', 'UNAVAILABLE', 'SHUTTING_DOWN'];

    /** @param int $retries attempts after the first */
    protected function __construct(private readonly int $retries)
    {
    }

    /** To all devices of a user. @throws ImError */
    public function toUser(string $user, PushMessage $message): Published
    {
        return $this->toOne(['user' => $user], $message);
    }

    /** To everybody in a room. @throws ImError */
    public function toRoom(string $room, PushMessage $message): Published
    {
        return $this->toOne(['room' => $room], $message);
    }

    /** To the members of any group, `kind:name`. @throws ImError */
    public function toGroup(string $group, PushMessage $message): Published
    {
        return $this->toOne(['group' => $group], $message);
    }

    /** To everyone connected. @throws ImError */
    public function toAll(PushMessage $message): Published
    {
        return $this->toOne(['all' => true], $message);
    }

    /**
     * To at most 10,000 users, the data carried once; all are tried. Repeating it with the same id completes a partial
     * one.
     *
     * @param list<string> $users
     *
     * @throws ImError for what no user could be sent
     */
    public function toUsers(array $users, PushMessage $message): PublishedMany
    {
        return $this->push(['users' => array_values($users)], $message);
    }

    /** @param array<string, mixed> $to */
    private function toOne(array $to, PushMessage $message): Published
    {
        $outcome = $this->push($to, $message);
        return $outcome->published[0] ?? throw array_values($outcome->failed)[0]
            ?? ImError::of(ErrorCode::INTERNAL, 'the endpoint answered for no group');
    }

    /** @param array<string, mixed> $to */
    private function push(array $to, PushMessage $message): PublishedMany
    {
        $isRepeatable = $message->isRepeatable();
        $push = ['to' => $to] + $message->members();
        for ($retry = 0; ; $retry++) {
            try {
                return $this->attempt($push, $isRepeatable);
            } catch (ImError $error) {
                $nothingTaken = in_array($error->name, self::NOTHING_TAKEN, true)
                    || ($error->details['handedOut'] ?? null) === false;
                if (!$error->retryable || !($isRepeatable || $nothingTaken) || $retry >= $this->retries) {
                    throw $error;
                }
                $backoffMs = self::MIN_BACKOFF_MS + mt_rand(0, self::MIN_BACKOFF_MS * 2 ** min($retry, 5));
                $askedMs = min((int) ($error->details['retryAfterMs'] ?? 0), self::MAX_PAUSE_MS);
                usleep(max($backoffMs, $askedMs) * 1_000);
            }
        }
    }

    /**
     * One attempt.
     *
     * @param array<string, mixed> $push as docs/push.md has it
     * @param bool $isRepeatable repeating is safe even if it may have been published
     *
     * @throws ImError
     */
    abstract protected function attempt(array $push, bool $isRepeatable): PublishedMany;
}
