<?php

declare(strict_types=1);

namespace Im;

use Im\Wire\MalformedMessage;
use Im\Wire\Message;
use Im\Wire\PlainCodec;

/**
 * A standing connection to one broker: a DEALER that reconnects by itself, and the question whether the broker lives.
 * Knows nothing of calls. Works only while its owner looks at it: `tick`, then `receive` until there is nothing.
 *
 * @internal
 */
final class Connection
{
    private const PING_MS = 1_000;
    private const SILENT_MS = 4_000;
    private const LINGER_MS = 250;
    /** Of a frame beyond a body: headers, names and details of errors are smaller. */
    private const MARGIN_BYTES = 131_072;

    private \ZMQSocket $socket;
    private bool $isUp = false;
    private float $heardAt = 0.0;
    private float $pingedAt = 0.0;
    private float $tickedAt = 0.0;
    private int $pings = 0;

    /** Messages sent so far on this connection. */
    public int $sent = 0;
    /** What `$sent` was at the last ping. */
    public int $sentAtPing = 0;

    public function __construct(
        private readonly \ZMQContext $context,
        private readonly string $address,
        private readonly ?Keys $keys,
        private readonly int $maxBodyBytes,
    ) {
        $this->open();
    }

    /** Whether a broker was there when last looked at. */
    public function isUp(): bool
    {
        return $this->isUp;
    }

    public function socket(): \ZMQSocket
    {
        return $this->socket;
    }

    /**
     * Looks whether the broker is there, and asks it when it has been silent.
     *
     * @return 'up'|'down'|null what has changed; after `down` and before `up` nothing can be sent
     */
    public function tick(float $now): ?string
    {
        // Nobody looked for a while: the silence may have been ours.
        if ($now - $this->tickedAt > self::PING_MS) {
            $this->heardAt = $now;
        }
        $this->tickedAt = $now;
        // Without a limit of messages a socket takes no more only when nobody is there.
        $isThere = ($this->socket->getSockOpt(\ZMQ::SOCKOPT_EVENTS) & \ZMQ::POLL_OUT) !== 0;
        if (!$this->isUp) {
            if (!$isThere) {
                return null;
            }
            $this->isUp = true;
            $this->heardAt = $now;
            $this->ping($now);
            return 'up';
        }
        if ($isThere && $now - $this->heardAt >= self::SILENT_MS) {
            $this->open();
            $isThere = false;
        }
        if (!$isThere) {
            $this->isUp = false;
            return 'down';
        }
        if ($now - $this->pingedAt >= self::PING_MS) {
            $this->ping($now);
        }
        return null;
    }

    public function ping(float $now): void
    {
        $this->pings = ($this->pings + 1) & PlainCodec::MAX_ID;
        $this->pingedAt = $now;
        $this->sentAtPing = $this->sent;
        $this->send(new Message('ping', $this->pings));
    }

    /** Whether this pong answers the last ping. */
    public function isLastPong(Message $pong): bool
    {
        return $pong->id === $this->pings;
    }

    /** @return bool false if nobody is there to send it to: then it was not sent */
    public function send(Message $message): bool
    {
        return $this->sendFrames(PlainCodec::encode($message));
    }

    /** @param list<string> $frames */
    public function sendFrames(array $frames): bool
    {
        // It warns about what it also returns.
        if (@$this->socket->sendmulti($frames, \ZMQ::MODE_DONTWAIT) === false) {
            return false;
        }
        $this->sent++;
        return true;
    }

    /**
     * The next message, null when there is none now. A malformed call is answered, for its place at the worker must
     * not stay taken; what else is malformed is passed over.
     */
    public function receive(float $now): ?Message
    {
        while (true) {
            $frames = @$this->socket->recvmulti(\ZMQ::MODE_DONTWAIT);
            if ($frames === false) {
                return null;
            }
            $this->heardAt = $now;
            try {
                $message = PlainCodec::decode($frames);
            } catch (MalformedMessage $malformed) {
                if ($malformed->kind === 'call' && $malformed->id !== null) {
                    $this->refuse($malformed->id, $malformed->getMessage());
                }
                continue;
            }
            if ($message !== null) {
                return $message;
            }
        }
    }

    public function close(): void
    {
        if ($this->isUp) {
            $this->send(new Message('bye'));
        }
        $this->isUp = false;
        $this->socket->disconnect($this->address);
    }

    /** Contexts end in the order of their making when a program does, and wait for sockets that are still open. */
    public function __destruct()
    {
        unset($this->socket);
    }

    private function refuse(int $id, string $reason): void
    {
        $code = ErrorCode::MALFORMED;
        $this->send(new Message('error', $id, [
            'code' => $code->value,
            'name' => $code->name,
            'message' => $code->message(),
            'retryable' => $code->isRetryable(),
            'details' => ['handedOut' => false, 'reason' => $reason],
        ]));
    }

    private function open(): void
    {
        $socket = new \ZMQSocket($this->context, \ZMQ::SOCKET_DEALER);
        $options = [
            // What cannot be sent stays with us, where it can go to another broker.
            [\ZMQ::SOCKOPT_IMMEDIATE, 1],
            [\ZMQ::SOCKOPT_SNDHWM, 0],
            [\ZMQ::SOCKOPT_LINGER, self::LINGER_MS],
            [\ZMQ::SOCKOPT_RECONNECT_IVL, 100],
            [\ZMQ::SOCKOPT_RECONNECT_IVL_MAX, 1_000],
            [\ZMQ::SOCKOPT_MAXMSGSIZE, $this->maxBodyBytes + self::MARGIN_BYTES],
            // A host that vanished is found out by ZeroMQ's own thread, also while this program is busy.
            [\ZMQ::SOCKOPT_HEARTBEAT_IVL, 1_000],
            [\ZMQ::SOCKOPT_HEARTBEAT_TIMEOUT, 3_000],
            [\ZMQ::SOCKOPT_HEARTBEAT_TTL, 3_000],
        ];
        if ($this->keys !== null) {
            $options[] = [\ZMQ::SOCKOPT_CURVE_SERVERKEY, $this->keys->broker];
            $options[] = [\ZMQ::SOCKOPT_CURVE_PUBLICKEY, $this->keys->public];
            $options[] = [\ZMQ::SOCKOPT_CURVE_SECRETKEY, $this->keys->secret];
        }
        foreach ($options as [$option, $value]) {
            $socket->setSockOpt($option, $value);
        }
        $socket->connect($this->address);
        $this->socket = $socket;
    }
}
