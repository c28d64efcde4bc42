<?php

declare(strict_types=1);

namespace Im;

/** Pushes over ZeroMQ, through brokers, to whoever serves the service `push`. */
final class RpcPushClient extends PushClient
{
    /**
     * @param int $timeoutMs of one attempt
     * @param int $retries attempts after the first
     */
    public function __construct(
        private readonly Caller $caller,
        private readonly int $timeoutMs = 5_000,
        int $retries = 3,
    ) {
        parent::__construct($retries);
    }

    protected function attempt(array $push, bool $isRepeatable): PublishedMany
    {
        $options = new CallOptions(timeoutMs: $this->timeoutMs, idempotent: $isRepeatable);
        $answer = $this->caller->call('push', '$send', $push, $options);
        if (!is_array($answer['published'] ?? null) || !is_array($answer['failed'] ?? null)) {
            throw ImError::of(ErrorCode::INVALID_OUTPUT);
        }
        return PublishedMany::fromAnswer($answer['published'], $answer['failed']);
    }

    protected function askReceipt(array $push): PushReceipt
    {
        $options = new CallOptions(timeoutMs: $this->timeoutMs, idempotent: true);
        return PushReceipt::fromAnswer($this->caller->call('push', '$receipt', $push, $options))
            ?? throw ImError::of(ErrorCode::INVALID_OUTPUT);
    }
}
