<?php

declare(strict_types=1);

namespace Im;

/**
 * The connections to all brokers, waited on together.
 *
 * @internal
 */
final class Connections
{
    /** How long a lost connection may go unnoticed while waiting. */
    private const TICK_MS = 200.0;

    /** @var list<Connection> */
    public readonly array $all;

    /**
     * @param list<string> $addresses
     * @throws ImError CONFIG_INVALID
     */
    public function __construct(array $addresses, ?Keys $keys, int $maxBodyBytes)
    {
        if ($addresses === []) {
            throw ImError::of(ErrorCode::CONFIG_INVALID, 'brokers: at least one address');
        }
        $context = new \ZMQContext(1, false);
        $all = [];
        foreach ($addresses as $address) {
            try {
                $all[] = new Connection($context, $address, $keys, $maxBodyBytes);
            } catch (\ZMQSocketException $cause) {
                $message = "cannot connect to $address: {$cause->getMessage()}";
                throw ImError::of(ErrorCode::CONFIG_INVALID, $message, ['address' => $address], $cause);
            }
        }
        $this->all = $all;
    }

    /** Milliseconds on a clock that nobody sets. */
    public static function now(): float
    {
        return hrtime(true) / 1e6;
    }

    /** Returns when something can be read, a broker has come, a signal came, or after so many milliseconds at most. */
    public function wait(float $ms): void
    {
        $poll = new \ZMQPoll();
        foreach ($this->all as $connection) {
            $poll->add($connection->socket(), $connection->isUp() ? \ZMQ::POLL_IN : \ZMQ::POLL_IN | \ZMQ::POLL_OUT);
        }
        $readable = $writable = [];
        try {
            $poll->poll($readable, $writable, (int) ceil(max(0.0, min($ms, self::TICK_MS))));
        } catch (\ZMQPollException) {
            // A signal: its handler runs when whoever waits looks.
        }
    }
}
