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
    private const MAX_LOOK_MS = 2_000;
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

    /**
     * How many have the push that was made under this id with `receipt: true`.
     *
     * @throws ImError
     */
    public function receiptOf(string $id, ?string $product = null): PushReceipt
    {
        return $this->repeat(fn (): PushReceipt => $this->askReceipt(self::named($id, $product)), true);
    }

    /**
     * Waits until enough have it, at most `$timeoutMs`: then it says how many have it by then. A question that is under way
     * then is awaited.
     *
     * @param ?int $atLeast how many are enough; null: all to whom it went
     *
     * @throws ImError what is retryable only if nothing else came
     */
    public function waitDelivered(
        string $id,
        ?int $atLeast = null,
        int $timeoutMs = 10_000,
        ?string $product = null,
    ): PushReceipt {
        if ($atLeast !== null && $atLeast < 1) {
            $details = ['field' => 'atLeast'];
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, 'atLeast: not from 1', $details);
        }
        $begun = hrtime(true);
        $latest = null;
        $failure = null;
        do {
            try {
                $now = $this->askReceipt(self::named($id, $product));
                $latest = new PushReceipt($now->of, $now->delivered, $now->delivered >= ($atLeast ?? $now->of));
                if ($latest->isComplete) {
                    return $latest;
                }
            } catch (ImError $error) {
                if (!$error->retryable) {
                    throw $error;
                }
                $failure = $error;
            }
            $waitedMs = intdiv(hrtime(true) - $begun, 1_000_000);
            $leftMs = $timeoutMs - $waitedMs;
            // Whoever has it not is looked up every time; the last look is shortly before the end.
            $missing = $latest === null ? 0 : $latest->of - $latest->delivered;
            $wantedMs = min(self::MAX_LOOK_MS, intdiv($leftMs, 2), max($waitedMs / 4, $missing / 10));
            usleep(1_000 * (int) max(0, min($leftMs, max(self::MIN_BACKOFF_MS, $wantedMs))));
        } while ($leftMs > 0);
        return $latest ?? throw $failure;
    }

    /** @return array<string, string> */
    private static function named(string $id, ?string $product): array
    {
        return ['id' => $id] + ($product === null ? [] : ['product' => $product]);
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
        return $this->repeat(fn (): PublishedMany => $this->attempt($push, $isRepeatable), $isRepeatable);
    }

    /**
     * @template Result
     *
     * @param callable(): Result $attempt
     *
     * @return Result
     */
    private function repeat(callable $attempt, bool $isRepeatable): mixed
    {
        for ($retry = 0; ; $retry++) {
            try {
                return $attempt();
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
     * One attempt to ask for a receipt.
     *
     * @param array<string, string> $push its id, and its product
     *
     * @throws ImError
     */
    abstract protected function askReceipt(array $push): PushReceipt;

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
