<?php

declare(strict_types=1);

namespace Im;

use Im\Wire\Json;

/** Pushes over HTTP: `POST /v1/push`, `GET /v1/receipts`. Needs no extension but, for https, `openssl`. */
final class HttpPushClient extends PushClient
{
    private const MAX_ANSWER_BYTES = 16_777_216;

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
        int $retries = 3,
    ) {
        parent::__construct($retries);
        if (!preg_match('~^https?://[^\s/]~i', $url)) {
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, "not a http url: $url", ['argument' => 'url']);
        }
        if (!preg_match('/^[\x21-\x7e]+$/D', $token)) {
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, details: ['argument' => 'token']);
        }
    }

    protected function attempt(array $push, bool $isRepeatable): PublishedMany
    {
        try {
            $body = Json::encode($push);
        } catch (\JsonException $cause) {
            $details = ['field' => 'data'];
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, 'data: cannot be said in JSON', $details, $cause);
        }
        [$answer, $status, $retryAfterMs] = $this->ask($this->url, $body);
        if (!is_array($answer['published'] ?? null) || !is_array($answer['failed'] ?? null)) {
            throw self::foreign($status);
        }
        $outcome = PublishedMany::fromAnswer($answer['published'], $answer['failed']);
        if ($outcome->published === [] && $outcome->failed !== []) {
            throw PublishedMany::error(array_values($answer['failed'])[0], $retryAfterMs);
        }
        return $outcome;
    }

    protected function askReceipt(array $push): PushReceipt
    {
        // Beside the other: `/v1/receipts`.
        $path = preg_replace('~[^/]*$~', '', preg_replace('~[?#].*$~', '', $this->url));
        [$answer, $status] = $this->ask($path . 'receipts?' . http_build_query($push));
        return PushReceipt::fromAnswer($answer) ?? throw self::foreign($status);
    }

    /**
     * One request.
     *
     * @param ?string $body of a `POST`; null: it is a `GET`
     *
     * @return array{mixed, int, int} what was answered, if that is JSON, with its status and the milliseconds that it asks to wait
     *
     * @throws ImError also the one that was answered
     */
    private function ask(string $url, ?string $body = null): array
    {
        $context = stream_context_create(['http' => [
            'method' => $body === null ? 'GET' : 'POST',
            'header' => ["Authorization: Bearer {$this->token}", 'Content-Type: application/json', 'Connection: close'],
            'content' => $body ?? '',
            'timeout' => $this->timeoutMs / 1_000,
            'ignore_errors' => true,
            // The token is not for whoever a redirect names.
            'follow_location' => 0,
        ]]);
        $stream = @fopen($url, 'rb', false, $context);
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
        [$status, $retryAfterMs] = self::headers($meta['wrapper_data'] ?? []);
        $answer = json_decode($text, true);
        if (is_array($answer) && is_array($answer['error'] ?? null)) {
            throw PublishedMany::error($answer['error'], $retryAfterMs);
        }
        return [$answer, $status, $retryAfterMs];
    }

    /** Something between here and the endpoint answered, or the url is wrong. */
    private static function foreign(int $status): ImError
    {
        return match (true) {
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
