<?php

declare(strict_types=1);

namespace Im;

use Im\Wire\Json;

/**
 * Pushes to users, rooms, groups and everyone: `POST /v1/push` of docs/push.md. Needs no extension but, for https,
 * `openssl`. Repeats by itself what may be repeated: on the priority lane every retryable failure, under an id that it
 * makes when none is given; on the normal lane only what certainly was not taken.
 */
final class PushClient
{
    private const MAX_ANSWER_BYTES = 16_777_216;
    private const MIN_BACKOFF_MS = 100;
    private const MAX_PAUSE_MS = 30_000;
    /** Errors after which repeating is safe on any lane. */
    private const NOTHING_TAKEN = ['QUEUE_FULL', 'RATE_LIMITED', 'OVERLOADED', 'UNAVAILABLE', 'SHUTTING_DOWN'];

    /**
     * @param string $url of the endpoint: `https://im.example.com/v1/push`
     * @param int $timeoutMs of one attempt
     * @param int $retries attempts after the first
     *
     * @throws ImError INVALID_ARGUMENT for a url or token that cannot be used
     */
    public function __construct(
        private readonly string $url,
        #[\SensitiveParameter] private readonly string $token,
        private readonly int $timeoutMs = 5_000,
        private readonly int $retries = 3,
    ) {
        if (!preg_match('~^https?://[^\s/]~i', $url)) {
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, "not a http url: $url", ['argument' => 'url']);
        }
        if (!preg_match('/^[\x21-\x7e]+$/D', $token)) {
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, details: ['argument' => 'token']);
        }
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
        $isPriority = $message->lane === 'priority';
        try {
            $body = Json::encode(['to' => $to] + $message->members());
        } catch (\JsonException $cause) {
            $details = ['field' => 'data'];
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, 'data: cannot be said in JSON', $details, $cause);
        }
        for ($retry = 0; ; $retry++) {
            try {
                return $this->post($body);
            } catch (ImError $error) {
                $mayRepeat = $isPriority || in_array($error->name, self::NOTHING_TAKEN, true);
                if (!$error->retryable || !$mayRepeat || $retry >= $this->retries) {
                    throw $error;
                }
                $backoffMs = self::MIN_BACKOFF_MS + mt_rand(0, self::MIN_BACKOFF_MS * 2 ** min($retry, 5));
                $askedMs = min((int) ($error->details['retryAfterMs'] ?? 0), self::MAX_PAUSE_MS);
                usleep(max($backoffMs, $askedMs) * 1_000);
            }
        }
    }

    /** @throws ImError */
    private function post(string $body): PublishedMany
    {
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => ["Authorization: Bearer {$this->token}", 'Content-Type: application/json', 'Connection: close'],
            'content' => $body,
            'timeout' => $this->timeoutMs / 1_000,
            'ignore_errors' => true,
            // The token is not for whoever a redirect names.
            'follow_location' => 0,
        ]]);
        $stream = @fopen($this->url, 'rb', false, $context);
        if ($stream === false) {
            throw ImError::of(ErrorCode::DISCONNECTED, 'the endpoint cannot be reached, or gave no answer in time');
        }
        $meta = stream_get_meta_data($stream);
        $text = (string) stream_get_contents($stream, self::MAX_ANSWER_BYTES);
        $isLate = stream_get_meta_data($stream)['timed_out'];
        fclose($stream);
        if ($isLate) {
            throw ImError::of(ErrorCode::TIMEOUT);
        }
        return $this->understood(self::headers($meta['wrapper_data'] ?? []), $text);
    }

    /**
     * @param array{int, int} $headers status, and milliseconds that it asks to wait
     *
     * @throws ImError
     */
    private function understood(array $headers, string $text): PublishedMany
    {
        [$status, $retryAfterMs] = $headers;
        $answer = json_decode($text, true);
        if (is_array($answer) && is_array($answer['error'] ?? null)) {
            throw PublishedMany::error($answer['error'], $retryAfterMs);
        }
        if (is_array($answer) && is_array($answer['published'] ?? null) && is_array($answer['failed'] ?? null)) {
            $outcome = PublishedMany::fromAnswer($answer['published'], $answer['failed']);
            if ($outcome->published === [] && $outcome->failed !== []) {
                throw PublishedMany::error(array_values($answer['failed'])[0], $retryAfterMs);
            }
            return $outcome;
        }
        // Something between here and the endpoint answered, or the url is wrong.
        throw match (true) {
            $status === 401, $status === 403 => ImError::of(ErrorCode::UNAUTHORIZED),
            $status === 413 => ImError::of(ErrorCode::BODY_TOO_LARGE),
            $status === 408, $status === 429, $status >= 500 =>
                ImError::of(ErrorCode::DISCONNECTED, details: ['status' => $status]),
            default => ImError::of(
                ErrorCode::INVALID_ARGUMENT,
                "no push endpoint answers at the url: HTTP $status",
                ['argument' => 'url', 'status' => $status],
            ),
        };
    }

    /**
     * @param array<mixed> $lines
     *
     * @return array{int, int}
     */
    private static function headers(array $lines): array
    {
        $status = 0;
        $retryAfterMs = 0;
        foreach ($lines as $line) {
            if (preg_match('~^HTTP/\S+ (\d{3})~', (string) $line, $match)) {
                $status = (int) $match[1];
            } elseif (preg_match('/^retry-after:\s*(\d{1,6})/i', (string) $line, $match)) {
                $retryAfterMs = (int) $match[1] * 1_000;
            }
        }
        return [$status, $retryAfterMs];
    }
}
