<?php

/**
 * `php caller.php <address>…`: the caller that tests/clients drives, the same in every language. A line of JSON in, a
 * call; a line of JSON out, its outcome.
 */

declare(strict_types=1);

use Im\Caller;
use Im\CallOptions;
use Im\ImError;
use Im\Keys;

require __DIR__ . '/../autoload.php';

$caller = new Caller(array_slice($argv, 1), getenv('KEYS') === false ? null : Keys::load(getenv('KEYS')));
while (($line = fgets(STDIN)) !== false) {
    $ask = json_decode($line, true) + ['input' => null, 'stream' => false];
    $options = new CallOptions(
        timeoutMs: $ask['timeoutMs'] ?? 10_000,
        idempotent: $ask['idempotent'] ?? false,
        key: $ask['key'] ?? null,
        route: $ask['route'] ?? null,
        headers: $ask['headers'] ?? [],
        trace: $ask['trace'] ?? null,
    );
    $parts = [];
    try {
        if ($ask['stream']) {
            $stream = $caller->stream($ask['service'], $ask['method'], $ask['input'], $options);
            foreach ($stream as $part) {
                $parts[] = $part;
            }
            $outcome = ['value' => $stream->getReturn(), 'parts' => $parts];
        } else {
            $reply = $caller->begin($ask['service'], $ask['method'], $ask['input'], $options)->reply();
            $outcome = ['value' => $reply->value(), 'headers' => (object) $reply->headers];
        }
    } catch (ImError $error) {
        $outcome = ['error' => [
            'code' => $error->getCode(),
            'name' => $error->name,
            'message' => $error->getMessage(),
            'retryable' => $error->retryable,
            'details' => (object) $error->details,
        ]];
    }
    echo json_encode($outcome, JSON_PRESERVE_ZERO_FRACTION), "\n";
}
