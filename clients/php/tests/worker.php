<?php

/** `php worker.php <service> <address>…`: the worker that tests/clients drives, the same in every language. */

declare(strict_types=1);

use Im\ErrorCode;
use Im\ImError;
use Im\Keys;
use Im\Reply;
use Im\Request;
use Im\Worker;

require __DIR__ . '/../autoload.php';

[, $service] = $argv;
$keys = getenv('KEYS') === false ? null : Keys::load(getenv('KEYS'));
$worker = new Worker(array_slice($argv, 2), keys: $keys, onFailure: static function (): void {
});
$carriedOut = 0;

$worker->serve($service, [
    'echo' => static fn (Request $request): Reply => Reply::of($request->input(), $request->headers),
    'pid' => static fn (): int => getmypid(),
    'fail' => static fn () => throw new RuntimeException('a secret'),
    'soldOut' => static fn () => throw new ImError(1001, 'SOLD_OUT', 'sold out', true, ['left' => 0]),
    'once' => static function () use (&$carriedOut): int {
        return ++$carriedOut;
    },
    'trace' => static fn (Request $request): array => [$request->trace, $request->key, $request->route],
    'count' => static function (Request $request): int {
        for ($part = 0; $part < $request->input(); $part++) {
            $request->send($part);
        }
        return $part;
    },
    'hang' => static function (Request $request): void {
        echo "hanging\n";
        while (!$request->isCancelled()) {
            usleep(5_000);
        }
        echo "cancelled\n";
        throw ImError::of(ErrorCode::DEADLINE_EXCEEDED, details: ['handedOut' => true]);
    },
    'slow' => static function (Request $request): string {
        echo "slow\n";
        $until = hrtime(true) + $request->input() * 1e6;
        while (hrtime(true) < $until) {
            usleep(5_000);
        }
        return 'done';
    },
]);
$worker->run();
echo "drained\n";
