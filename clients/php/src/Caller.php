<?php

declare(strict_types=1);

namespace Im;

use Im\Wire\Json;
use Im\Wire\Message;
use Im\Wire\PlainCodec;

/**
 * Calls services through one or several brokers: each call goes to the next one that lives. Keep one for the life of
 * the process (and create it after a fork): connecting takes a moment, calling does not.
 */
final class Caller
{
    private const MAX_BODY_BYTES = 1_048_576;
    private const MAX_HEADER_BYTES = 8_192;
    private const MAX_OPEN = 4_096;
    /** How long the broker may take to say whether a call that ends had been handed out. */
    private const ENDING_MS = 250;
    private const SWEEP_MS = 20;

    private readonly Connections $connections;
    /** @var array<int, PendingCall> by their ids */
    private array $pending = [];
    /** @var array<int, PendingCall> those without a broker, in order */
    private array $waiting = [];
    private int $lastId = 0;
    private int $turn = 0;
    private float $sweptAt = 0.0;
    private bool $isClosed = false;

    /**
     * Needs no broker to be up: calls wait for one until their deadlines.
     *
     * @param string|list<string> $brokers addresses of the callers' ports: `tcp://127.0.0.1:7401`
     * @throws ImError CONFIG_INVALID
     */
    public function __construct(
        string|array $brokers,
        ?Keys $keys = null,
        private readonly int $maxBodyBytes = self::MAX_BODY_BYTES,
    ) {
        $this->connections = new Connections((array) $brokers, $keys, $maxBodyBytes);
    }

    public function __destruct()
    {
        $this->close();
    }

    /**
     * Calls a method and waits for the value that it answers; objects become arrays with keys.
     *
     * @param mixed $input what JSON can say; null for no value
     * @throws ImError whatever the worker threw, or what happened on the way: what has `$details['handedOut']` false
     *     was never carried out, anything else may have been
     */
    public function call(string $service, string $method, mixed $input = null, ?CallOptions $options = null): mixed
    {
        return $this->begin($service, $method, $input, $options)->value();
    }

    /**
     * Begins a call without waiting: begin several, then ask each for its value.
     *
     * @throws ImError QUEUE_FULL with 4,096 open calls, BODY_TOO_LARGE, INVALID_ARGUMENT, DEADLINE_EXCEEDED, CLOSED
     */
    public function begin(
        string $service,
        string $method,
        mixed $input = null,
        ?CallOptions $options = null,
    ): PendingCall {
        return $this->open(['service' => $service, 'method' => $method], $input, $options ?? new CallOptions());
    }

    /**
     * Calls a method that answers in parts: `foreach ($caller->stream(…) as $part)`; the value of the reply is
     * `getReturn()` of the generator. The call begins with the iteration; who leaves it early cancels the call.
     *
     * @return \Generator<int, mixed, void, mixed>
     * @throws ImError as `call`, while iterating
     */
    public function stream(
        string $service,
        string $method,
        mixed $input = null,
        ?CallOptions $options = null,
    ): \Generator {
        $members = ['service' => $service, 'method' => $method, 'stream' => true];
        $call = $this->open($members, $input, $options ?? new CallOptions());
        try {
            while (($part = $call->nextPart()) !== null) {
                yield Reply::valueOf($part);
            }
            return $call->value();
        } finally {
            $call->cancel();
        }
    }

    /** Open calls fail with CLOSED. */
    public function close(): void
    {
        if ($this->isClosed) {
            return;
        }
        $this->isClosed = true;
        foreach ($this->pending as $call) {
            $this->settle($call, ImError::of(ErrorCode::CLOSED));
        }
        foreach ($this->connections->all as $connection) {
            $connection->close();
        }
    }

    /**
     * One round: sends what waits, then takes what comes; returns at the latest then.
     *
     * @param float $until on the monotonic clock
     * @internal
     */
    public function pump(float $until): void
    {
        $now = Connections::now();
        foreach ($this->connections->all as $connection) {
            match ($connection->tick($now)) {
                'up' => $this->sendWaiting($now),
                'down' => $this->lose($connection, $now),
                null => null,
            };
        }
        $this->connections->wait($until - $now);
        $now = Connections::now();
        foreach ($this->connections->all as $connection) {
            while (($message = $connection->receive($now)) !== null) {
                $this->take($connection, $message, $now);
            }
        }
        if ($now - $this->sweptAt >= self::SWEEP_MS || $now >= $until) {
            $this->sweptAt = $now;
            foreach ($this->pending as $call) {
                if ($now >= $call->deadline) {
                    $this->expire($call, $now);
                }
            }
        }
    }

    /** @internal */
    public function cancel(PendingCall $call): void
    {
        if ($call->stage === 'sent') {
            $call->connection?->send(new Message('cancel', $call->id));
        }
        $this->settle($call, ImError::of(ErrorCode::CANCELLED, details: ['handedOut' => $call->stage === 'sent']));
    }

    /** @internal */
    public function grant(PendingCall $call, int $count): void
    {
        if ($call->stage === 'sent') {
            $call->connection?->send(new Message('more', $call->id, ['count' => $count]));
        }
    }

    /** @param array<string, mixed> $members */
    private function open(array $members, mixed $input, CallOptions $options): PendingCall
    {
        if ($this->isClosed) {
            throw ImError::of(ErrorCode::CLOSED);
        }
        if (count($this->pending) >= self::MAX_OPEN) {
            throw ImError::of(ErrorCode::QUEUE_FULL, details: ['limit' => 'open calls']);
        }
        $timeoutMs = $options->effectiveTimeoutMs();
        if ($timeoutMs <= 0) {
            throw ImError::of(ErrorCode::DEADLINE_EXCEEDED, details: ['handedOut' => false]);
        }
        $members += $options->members();
        try {
            $body = Json::encodeBody($input);
            $headerBytes = isset($members['headers']) ? strlen(Json::encode($members['headers'])) : 0;
            Json::encode($members);
        } catch (\JsonException $cause) {
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, "not JSON: {$cause->getMessage()}", previous: $cause);
        }
        self::limit('body', strlen($body), $this->maxBodyBytes);
        self::limit('headers', $headerBytes, self::MAX_HEADER_BYTES);
        $now = Connections::now();
        $call = new PendingCall($this, $members, $body, $now + $timeoutMs);
        $this->number($call);
        $this->waiting[$call->id] = $call;
        $this->sendWaiting($now);
        return $call;
    }

    private static function limit(string $part, int $bytes, int $limit): void
    {
        if ($bytes > $limit) {
            throw ImError::of(ErrorCode::BODY_TOO_LARGE, details: ['part' => $part, 'limitBytes' => $limit]);
        }
    }

    private function number(PendingCall $call): void
    {
        unset($this->pending[$call->id], $this->waiting[$call->id]);
        do {
            $this->lastId = ($this->lastId + 1) & PlainCodec::MAX_ID;
        } while (isset($this->pending[$this->lastId]));
        $call->id = $this->lastId;
        $this->pending[$call->id] = $call;
    }

    private function sendWaiting(float $now): void
    {
        foreach ($this->waiting as $call) {
            $count = count($this->connections->all);
            for ($step = 0; $step < $count; $step++) {
                $this->turn = ($this->turn + 1) % $count;
                if ($this->send($call, $this->connections->all[$this->turn], $now)) {
                    break;
                }
            }
            if ($call->stage === 'waiting') {
                return;
            }
        }
    }

    /** Whether that broker has it now; if not, the call is as before. */
    private function send(PendingCall $call, Connection $connection, float $now): bool
    {
        $members = ['timeoutMs' => max(1, (int) ceil($call->deadline - $now))] + $call->members;
        $message = new Message('call', $call->id, $members, $call->body);
        if (!$connection->isUp() || !$connection->send($message)) {
            return false;
        }
        unset($this->waiting[$call->id]);
        $call->stage = 'sent';
        $call->connection = $connection;
        $call->position = $connection->sent;
        return true;
    }

    private function take(Connection $connection, Message $message, float $now): void
    {
        if ($message->kind === 'pong') {
            $this->compare($connection, $message, $now);
            return;
        }
        $call = $this->pending[$message->id ?? -1] ?? null;
        if ($call === null || $call->connection !== $connection) {
            return;
        }
        if ($message->kind === 'part' && $call->stage === 'sent' && isset($call->members['stream'])) {
            if (!$call->push($message->body)) {
                $connection->send(new Message('cancel', $call->id));
                $text = 'the worker sent more parts than it was granted';
                $this->settle($call, ImError::of(ErrorCode::INTERNAL, $text));
            }
        } elseif ($message->kind === 'reply') {
            $this->settle($call, new Reply($message->body, $message->members['headers'] ?? []));
        } elseif ($message->kind === 'error') {
            $this->fail($call, self::errorOf($message), $now);
        }
    }

    /** A broker that has fewer of our calls than we sent it, has lost them: it or the connection is a new one. */
    private function compare(Connection $connection, Message $pong, float $now): void
    {
        if (!$connection->isLastPong($pong)) {
            return;
        }
        $sent = 0;
        foreach ($this->pending as $call) {
            if ($call->connection === $connection && $call->position <= $connection->sentAtPing) {
                $sent++;
            }
        }
        if (($pong->members['caller'] ?? $sent) < $sent) {
            $this->lose($connection, $now);
        }
    }

    /** One broker has no worker for it now; another one may. A worker's own error of that name stands. */
    private function fail(PendingCall $call, ImError $error, float $now): void
    {
        $isRefusal = ($error->details['handedOut'] ?? null) === false
            && ($error->is(ErrorCode::UNAVAILABLE) || $error->is(ErrorCode::SERVICE_UNKNOWN));
        if ($isRefusal && $call->stage === 'sent' && $call->members['service'] !== '$broker') {
            if (++$call->refusals < count($this->connections->all)) {
                foreach ($this->connections->all as $other) {
                    if ($other !== $call->connection && $this->send($call, $other, $now)) {
                        return;
                    }
                }
            }
        }
        $this->settle($call, $error);
    }

    private function expire(PendingCall $call, float $now): void
    {
        if ($call->stage !== 'sent') {
            $handedOut = $call->stage === 'ending';
            $this->settle($call, ImError::of(ErrorCode::DEADLINE_EXCEEDED, details: ['handedOut' => $handedOut]));
            return;
        }
        $call->connection?->send(new Message('cancel', $call->id, ['reason' => 'deadline']));
        $call->stage = 'ending';
        $call->deadline = $now + self::ENDING_MS;
    }

    private function lose(Connection $connection, float $now): void
    {
        foreach ($this->pending as $call) {
            if ($call->connection !== $connection) {
                continue;
            }
            if ($call->stage === 'ending') {
                $this->expire($call, $now);
            } elseif (!$call->isRepeatable()) {
                $details = ['handedOut' => true, 'lost' => 'broker'];
                $this->settle($call, ImError::of(ErrorCode::CALL_LOST, details: $details));
            } else {
                $call->stage = 'waiting';
                $call->connection = null;
                // Under another number: the broker may still know the old one.
                $this->number($call);
                $this->waiting[$call->id] = $call;
            }
        }
        $this->sendWaiting($now);
    }

    private function settle(PendingCall $call, Reply|ImError $outcome): void
    {
        if ($call->outcome !== null) {
            return;
        }
        unset($this->pending[$call->id], $this->waiting[$call->id]);
        $call->stage = 'done';
        $call->outcome = $outcome;
    }

    private static function errorOf(Message $message): ImError
    {
        ['code' => $code, 'name' => $name] = $message->members;
        $text = $message->members['message'] ?? $name;
        $retryable = $message->members['retryable'] ?? false;
        return new ImError($code, $name, $text, $retryable, $message->members['details'] ?? []);
    }
}
