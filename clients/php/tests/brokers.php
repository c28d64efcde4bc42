<?php

/** Tests of callers and workers against brokers that the tests play, for `run.php`. */

declare(strict_types=1);

use Im\Caller;
use Im\Connections;
use Im\ErrorCode;
use Im\ImError;
use Im\PendingCall;
use Im\Wire\Message;
use Im\Worker;

/** A ROUTER that says what a test wants. */
final class PlayedBroker
{
    public readonly string $address;
    private ?ZMQSocket $router;
    private string $peer = '';

    public function __construct()
    {
        $this->router = new ZMQSocket(new ZMQContext(1, false), ZMQ::SOCKET_ROUTER);
        $this->router->setSockOpt(ZMQ::SOCKOPT_LINGER, 0);
        $this->router->bind('tcp://127.0.0.1:*');
        $this->address = rtrim($this->router->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT), "\0");
    }

    /** The next message of that kind, if it has come. */
    public function next(string $kind): ?array
    {
        while (($frames = @$this->router->recvmulti(ZMQ::MODE_DONTWAIT)) !== false) {
            $this->peer = $frames[0];
            $message = json_decode($frames[1], true, 16, JSON_THROW_ON_ERROR);
            if ($message['kind'] === $kind) {
                return $message;
            }
        }
        return null;
    }

    public function say(array $message): void
    {
        $this->sayText(json_encode($message, JSON_THROW_ON_ERROR));
    }

    public function sayText(string $text): void
    {
        $this->router->sendmulti([$this->peer, $text]);
    }

    public function close(): void
    {
        $this->router = null;
    }

    public function __destruct()
    {
        $this->close();
    }
}

/** What `$look` gives as soon as that is something, while `$go` makes things happen. */
function awaited(callable $look, callable $go, string $what): mixed
{
    for ($until = Connections::now() + 10_000; Connections::now() < $until; $go()) {
        if (($found = $look()) !== null && $found !== false) {
            return $found;
        }
    }
    throw new RuntimeException("$what: it did not come");
}

function pump(Caller $caller): Closure
{
    return static fn () => $caller->pump(Connections::now() + 5);
}

/** @return list<PlayedBroker> */
function played(int $count): array
{
    return array_map(static fn (): PlayedBroker => new PlayedBroker(), range(1, $count));
}

/** @param list<PlayedBroker> $brokers */
function connected(array $brokers): Caller
{
    $caller = new Caller(array_map(static fn (PlayedBroker $one): string => $one->address, $brokers));
    foreach ($brokers as $broker) {
        awaited(static fn () => $broker->next('ping'), pump($caller), 'a ping');
    }
    return $caller;
}

/**
 * What a call fails with that each of two brokers answers so, and how many got it.
 *
 * @return array{ImError, int}
 */
function outcomeOfTwo(ErrorCode $code, ?array $details): array
{
    $brokers = played(2);
    $caller = connected($brokers);
    $call = $caller->begin('gift', 'send');
    $count = 0;
    $answer = ['kind' => 'error', 'code' => $code->value, 'name' => $code->name]
        + ($details === null ? [] : ['details' => $details]);
    awaited($call->isDone(...), static function () use ($brokers, $caller, $answer, &$count): void {
        pump($caller)();
        foreach ($brokers as $broker) {
            if (($got = $broker->next('call')) !== null) {
                $count++;
                $broker->say(['id' => $got['id']] + $answer);
            }
        }
    }, 'an outcome');
    return [$call->outcome, $count];
}

/**
 * A call refused by its broker, of several that count as up, while one other is gone unnoticed.
 *
 * @return array{PendingCall, list<PlayedBroker>} the call, and the brokers that are left beside the one that refused
 */
function refusedBesideOneGone(int $count): array
{
    $brokers = played($count);
    $caller = connected($brokers);
    $all = (new ReflectionProperty($caller, 'connections'))->getValue($caller)->all;
    $call = $caller->begin('gift', 'send');
    $at = array_search($call->connection, $all, true);
    // The first that is tried.
    $gone = $at === 0 ? 1 : 0;
    $brokers[$gone]->close();
    $isGone = static fn (): bool => ($all[$gone]->socket()->getSockOpt(ZMQ::SOCKOPT_EVENTS) & ZMQ::POLL_OUT) === 0;
    awaited($isGone, static fn () => usleep(1_000), 'the loss');
    same($all[$gone]->isUp(), true, 'nobody has looked since');
    $error = new Message('error', $call->id, [
        'code' => 306, 'name' => 'UNAVAILABLE', 'details' => ['handedOut' => false],
    ]);
    (new ReflectionMethod($caller, 'take'))->invoke($caller, $call->connection, $error, Connections::now());
    unset($brokers[$at], $brokers[$gone]);
    foreach ($brokers as $broker) {
        awaited(static fn () => $broker->next('call'), pump($caller), 'the call');
    }
    return [$call, array_values($brokers)];
}

/** A worker of `gift` with that handler, and the broker that it serves at. */
function working(callable $handler): array
{
    $broker = new PlayedBroker();
    $worker = new Worker($broker->address, onFailure: static function (): void {
    });
    $worker->serve('gift', ['send' => $handler]);
    awaited(static fn () => $broker->next('serve'), static fn () => $worker->listen(5), 'serve');
    return [$worker, $broker];
}

/** What such a call is answered by a worker whose handler throws that. */
function answerTo(array $call, ?ImError $thrown = null): array
{
    [$worker, $broker] = working(static fn () => throw $thrown ?? new LogicException('it is not called'));
    $broker->say(['kind' => 'call', 'id' => 7] + $call + ['service' => 'gift', 'method' => 'send', 'target' => 1]);
    $round = new ReflectionMethod($worker, 'round');
    $calls = new ReflectionProperty($worker, 'requests');
    awaited(
        static fn () => $calls->getValue($worker) !== [],
        static fn () => $worker->listen(5),
        'the call',
    );
    $round->invoke($worker);
    $answer = awaited(static fn () => $broker->next('error'), static fn () => usleep(1_000), 'an answer');
    same($answer['id'], 7, 'the id');
    return $answer;
}

return [
    'what a broker refused goes to another' => static function (): void {
        foreach ([ErrorCode::UNAVAILABLE, ErrorCode::SERVICE_UNKNOWN] as $code) {
            [$error, $count] = outcomeOfTwo($code, ['handedOut' => false]);
            same([$error->getCode(), $count], [$code->value, 2], $code->name);
        }
    },
    'a worker\'s own error of that name is carried out once' => static function (): void {
        foreach ([ErrorCode::UNAVAILABLE, ErrorCode::SERVICE_UNKNOWN] as $code) {
            foreach ([null, ['handedOut' => true], ['handedOut' => 0], ['nested' => true]] as $details) {
                [$error, $count] = outcomeOfTwo($code, $details);
                same([$error->getCode(), $count], [$code->value, 1], $code->name . json_encode($details));
            }
        }
    },
    'a refused call that another broker does not take is tried at the next' => static function (): void {
        [$call, $left] = refusedBesideOneGone(3);
        same([$call->stage, count($left)], ['sent', 1], 'the call');
    },
    'a refused call that no broker takes fails at once' => static function (): void {
        [$call] = refusedBesideOneGone(2);
        same($call->stage, 'done', 'the call');
        same($call->outcome->getCode(), ErrorCode::UNAVAILABLE->value, 'its error');
    },
    'what a handler throws never says that it was not handed out' => static function (): void {
        $details = ['handedOut' => false, 'breaker' => 'open'];
        $answer = answerTo([], ImError::of(ErrorCode::UNAVAILABLE, details: $details));
        same(canonical($answer['details']), ['breaker' => 'open', 'handedOut' => true], 'with the member');
        $answer = answerTo([], ImError::of(ErrorCode::UNAVAILABLE, details: ['left' => 0]));
        same($answer['details'], ['left' => 0], 'without it');
    },
    'what no handler began says so' => static function (): void {
        $unavailable = answerTo(['target' => 9]);
        same([$unavailable['code'], $unavailable['details']], [306, ['handedOut' => false]], 'another target');
        $unknown = answerTo(['method' => 'other']);
        same([$unknown['code'], $unknown['details']], [301, ['handedOut' => false]], 'another method');
    },
    'a malformed call is answered' => static function (): void {
        [$worker, $broker] = working(static fn () => throw new LogicException('it is not called'));
        $deep = '{"a":' . str_repeat('[', 4_000) . str_repeat(']', 4_000) . '}';
        // 4 bytes that become many.
        $grown = '{"a":[' . implode(',', array_fill(0, 1_500, '1e20')) . ']}';
        foreach (['"\ud800"', '{"x":"\ud800"}', '{"x":1e999}', '{"\u0000x":1}', $deep, $grown, '7'] as $id => $headers) {
            $broker->sayText('{"kind":"call","id":' . $id . ',"service":"gift","method":"send","headers":' . $headers . '}');
            $go = static fn () => $worker->listen(5);
            $answer = awaited(static fn () => $broker->next('error'), $go, substr($headers, 0, 20));
            same([$answer['id'], $answer['code'], $answer['name']], [$id, 100, 'MALFORMED'], substr($headers, 0, 20));
            same($answer['details']['handedOut'], false, 'handedOut');
        }
    },
];
