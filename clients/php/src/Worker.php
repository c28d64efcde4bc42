<?php

declare(strict_types=1);

namespace Im;

use Im\Wire\Json;
use Im\Wire\Message;

/**
 * Serves services at all brokers, one call after the other: start more processes for more at once. On SIGTERM and
 * SIGINT it takes no new calls, answers those it has, and returns from `run`; a second signal ends the process.
 */
final class Worker
{
    private const MAX_BODY_BYTES = 1_048_576;
    private const MAX_HEADER_BYTES = 8_192;
    private const MAX_MESSAGE_CHARACTERS = 1_024;
    /** SIGTERM and SIGINT, which are constants of ext-pcntl only. */
    private const SIGNALS = [15, 2];

    private readonly Connections $connections;
    private readonly string $name;
    /** @var \Closure(\Throwable, Request): void */
    private readonly \Closure $onFailure;
    private readonly KeptAnswers $kept;
    /** @var array<int, Service> by the ids of their registrations */
    private array $services = [];
    /** @var array<string, Request> calls to be answered, by connection and id, in order */
    private array $requests = [];
    /** @var array<int, array<int, true>> registrations that are not drained yet, by connection */
    private array $draining = [];
    private bool $isStopping = false;

    /**
     * @param string|list<string> $brokers addresses of the workers' ports: `tcp://127.0.0.1:7402`
     * @param string|null $name unique in the system, the same at every broker; made up if left out
     * @param (callable(\Throwable, Request): void)|null $onFailure what handlers throw that is no ImError, to be
     *     logged: callers learn of INTERNAL only. `error_log` if left out
     * @throws ImError CONFIG_INVALID
     */
    public function __construct(
        string|array $brokers,
        ?string $name = null,
        ?Keys $keys = null,
        ?callable $onFailure = null,
        private readonly int $maxBodyBytes = self::MAX_BODY_BYTES,
    ) {
        $this->name = $name ?? sprintf('php-%d-%s', getmypid(), bin2hex(random_bytes(6)));
        if (preg_match('/^[\x21-\x7e]{1,128}$/D', $this->name) !== 1) {
            throw ImError::of(ErrorCode::CONFIG_INVALID, 'name: 1 to 128 visible ASCII characters');
        }
        $this->onFailure = $onFailure === null ? self::log(...) : $onFailure(...);
        $this->kept = new KeptAnswers();
        $this->connections = new Connections((array) $brokers, $keys, $maxBodyBytes);
    }

    /**
     * Offers a service once `run` is called. A handler gets a Request and returns what JSON can say, or a Reply. What
     * it throws is answered: an ImError as it is, anything else as INTERNAL.
     *
     * @param array<string, callable(Request): mixed> $methods handlers by the names of their methods
     * @param string $version of the code
     * @param int $concurrency calls that a broker may hand out ahead, to wait here; they are carried out one by one
     * @throws ImError INVALID_ARGUMENT
     */
    public function serve(string $service, array $methods, string $version = '1.0.0', int $concurrency = 1): void
    {
        $this->services[count($this->services) + 1] = new Service($service, $version, $methods, $concurrency);
    }

    /**
     * Serves until `stop` is called or a signal comes, then drains.
     *
     * @throws ImError what a broker refuses a service with
     */
    public function run(): void
    {
        $restore = $this->listenToSignals();
        try {
            while (!$this->isStopping) {
                $this->round();
            }
            $this->beginDraining();
            while ($this->draining !== [] || $this->requests !== []) {
                $this->round();
            }
        } finally {
            $restore();
            foreach ($this->connections->all as $connection) {
                $connection->close();
            }
        }
    }

    /** `run` drains and returns. May be called by a handler or a signal's. */
    public function stop(): void
    {
        $this->isStopping = true;
    }

    /**
     * Takes what the brokers say, without carrying out calls.
     *
     * @param float $ms how long it may wait for that
     * @internal
     */
    public function listen(float $ms): void
    {
        $now = Connections::now();
        foreach ($this->connections->all as $index => $connection) {
            match ($connection->tick($now)) {
                'up' => $this->serveAt($connection),
                'down' => $this->lose($index, $connection),
                null => null,
            };
        }
        $this->connections->wait($ms);
        if (function_exists('pcntl_signal_dispatch')) {
            pcntl_signal_dispatch();
        }
        $now = Connections::now();
        foreach ($this->connections->all as $index => $connection) {
            while (($message = $connection->receive($now)) !== null) {
                $this->take($index, $connection, $message, $now);
            }
        }
    }

    /** @internal */
    public function answer(Request $request, Message $message): void
    {
        if (!$request->isLost()) {
            $request->connection->send($message);
        }
    }

    private function round(): void
    {
        $this->listen($this->requests === [] ? PHP_FLOAT_MAX : 0.0);
        foreach ($this->requests as $place => $request) {
            try {
                $this->carryOut($request);
            } finally {
                if (($this->requests[$place] ?? null) === $request) {
                    unset($this->requests[$place]);
                }
            }
            return;
        }
    }

    private function take(int $index, Connection $connection, Message $message, float $now): void
    {
        $id = $message->id;
        $place = "$index $id";
        switch ($message->kind) {
            case 'call':
                $this->requests[$place] = new Request($this, $connection, $message, $now);
                break;
            case 'cancel':
                ($this->requests[$place] ?? null)?->end();
                break;
            case 'more':
                ($this->requests[$place] ?? null)?->grant($message->members['count']);
                break;
            case 'again':
                $this->lose($index, $connection);
                $this->serveAt($connection);
                break;
            case 'drained':
                $this->drained($index, $id);
                break;
            case 'refused':
                ['code' => $code, 'name' => $name] = $message->members;
                throw new ImError(
                    $code,
                    $name,
                    $message->members['message'] ?? $name,
                    $message->members['retryable'] ?? false,
                    $message->members['details'] ?? [],
                );
        }
    }

    private function carryOut(Request $request): void
    {
        $target = $request->call->members['target'] ?? null;
        $service = $this->services[$target] ?? null;
        if ($service === null) {
            $this->answerError($request, ImError::of(ErrorCode::UNAVAILABLE, details: ['handedOut' => false]));
            return;
        }
        $handler = $service->methods[$request->method] ?? null;
        if ($handler === null) {
            $this->answerError($request, ImError::of(ErrorCode::METHOD_UNKNOWN, details: ['handedOut' => false]));
            return;
        }
        if ($request->remainingMs() === 0) {
            $this->answerError($request, ImError::of(ErrorCode::DEADLINE_EXCEEDED, details: ['handedOut' => false]));
            return;
        }
        if ($request->isCancelled()) {
            $this->answerError($request, ImError::of(ErrorCode::CANCELLED, details: ['handedOut' => false]));
            return;
        }
        $key = $request->key === null ? null : "{$request->service} {$request->method} {$request->key}";
        $answer = $key === null ? null : $this->kept->get($key, Connections::now());
        if ($answer === null) {
            $answer = $this->handle($handler, $request);
            $isFinal = $answer instanceof Reply || !($answer->retryable || $request->isCancelled());
            if ($key !== null && $isFinal) {
                $this->kept->keep($key, $answer, Connections::now());
            }
        }
        if ($answer instanceof Reply) {
            $members = $answer->headers === [] ? [] : ['headers' => (object) $answer->headers];
            $this->answer($request, new Message('reply', $request->call->id, $members, $answer->body));
        } else {
            $this->answerError($request, $answer);
        }
    }

    /** @param callable(Request): mixed $handler */
    private function handle(callable $handler, Request $request): Reply|ImError
    {
        try {
            $answer = $handler($request);
            $reply = $answer instanceof Reply ? $answer : Reply::of($answer);
            $headerBytes = strlen(Json::encode($reply->headers));
            if (strlen($reply->body) > $this->maxBodyBytes || $headerBytes > self::MAX_HEADER_BYTES) {
                throw ImError::of(ErrorCode::BODY_TOO_LARGE, details: ['part' => 'reply']);
            }
            return $reply;
        } catch (\Throwable $thrown) {
            if (!$thrown instanceof ImError) {
                ($this->onFailure)($thrown, $request);
            }
            return self::begun(ImError::wrap($thrown));
        }
    }

    /** What a handler throws may come from a call of its own that never began; this one has. */
    private static function begun(ImError $error): ImError
    {
        if (!array_key_exists('handedOut', $error->details)) {
            return $error;
        }
        $details = ['handedOut' => true] + $error->details;
        return new ImError($error->getCode(), $error->name, $error->getMessage(), $error->retryable, $details, $error);
    }

    private function answerError(Request $request, ImError $error): void
    {
        $members = [
            'code' => $error->getCode(),
            'name' => $error->name,
            'message' => self::shorten($error->getMessage()),
            'retryable' => $error->retryable,
        ];
        try {
            $details = Json::encode((object) $error->details);
            if ($error->details !== [] && strlen($details) <= self::MAX_HEADER_BYTES) {
                $members['details'] = (object) $error->details;
            }
        } catch (\JsonException) {
            // Code and message still tell the caller what to do.
        }
        $this->answer($request, new Message('error', $request->call->id, $members));
    }

    /** Valid UTF-8 of bounded length, without ext-mbstring. */
    private static function shorten(string $text): string
    {
        $valid = preg_match('//u', $text) === 1 ? $text : (string) preg_replace('/[^\x20-\x7e]/', '?', $text);
        preg_match('/^.{0,' . self::MAX_MESSAGE_CHARACTERS . '}/su', $valid, $match);
        return $match[0];
    }

    private function serveAt(Connection $connection): void
    {
        if ($this->isStopping) {
            return;
        }
        foreach ($this->services as $id => $service) {
            $connection->send(new Message('serve', $id, $service->members($this->name)));
        }
    }

    private function beginDraining(): void
    {
        foreach ($this->connections->all as $index => $connection) {
            if (!$connection->isUp()) {
                continue;
            }
            foreach (array_keys($this->services) as $id) {
                $connection->send(new Message('drain', $id));
                $this->draining[$index][$id] = true;
            }
        }
    }

    private function drained(int $index, ?int $id): void
    {
        unset($this->draining[$index][$id]);
        if (($this->draining[$index] ?? null) === []) {
            unset($this->draining[$index]);
        }
    }

    /** A broker is gone, and whoever waited there for an answer with it. */
    private function lose(int $index, Connection $connection): void
    {
        unset($this->draining[$index]);
        foreach ($this->requests as $place => $request) {
            if ($request->connection === $connection) {
                $request->lose();
                unset($this->requests[$place]);
            }
        }
    }

    /** @return \Closure(): void which undoes it */
    private function listenToSignals(): \Closure
    {
        if (!function_exists('pcntl_signal')) {
            return static function (): void {
            };
        }
        // Asynchronous handlers are lost when the signal interrupts a poll, which throws: `listen` dispatches.
        $wasAsync = pcntl_async_signals(false);
        $previous = array_map(pcntl_signal_get_handler(...), self::SIGNALS);
        foreach (self::SIGNALS as $signal) {
            pcntl_signal($signal, function (): void {
                $this->stop();
                foreach (self::SIGNALS as $each) {
                    pcntl_signal($each, SIG_DFL);
                }
            });
        }
        return static function () use ($wasAsync, $previous): void {
            foreach (self::SIGNALS as $index => $signal) {
                pcntl_signal($signal, $previous[$index]);
            }
            pcntl_async_signals($wasAsync);
        };
    }

    private static function log(\Throwable $thrown, Request $request): void
    {
        error_log("{$request->service}.{$request->method} failed: $thrown");
    }
}
