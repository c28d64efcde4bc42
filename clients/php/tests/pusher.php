<?php

/**
 * `php tests/pusher.php <url> <token>`, or `<address of a broker>`: makes the pushes, and asks for the receipts, that it is
 * told, one a line, and says what became of each.
 */

declare(strict_types=1);

use Im\Caller;
use Im\HttpPushClient;
use Im\ImError;
use Im\Published;
use Im\PublishedMany;
use Im\PushMessage;
use Im\RpcPushClient;

require __DIR__ . '/../autoload.php';

function told(ImError $error): array
{
    return [
        'code' => $error->getCode(), 'name' => $error->name, 'message' => $error->getMessage(),
        'retryable' => $error->retryable, 'details' => (object) $error->details,
    ];
}

$client = isset($argv[2])
    ? new HttpPushClient($argv[1], $argv[2], timeoutMs: 1_000)
    : new RpcPushClient(new Caller($argv[1]));
while (($line = fgets(STDIN)) !== false) {
    $ask = json_decode($line, true);
    try {
        if (isset($ask['receiptOf'])) {
            [$id, $product] = [$ask['receiptOf'], $ask['product'] ?? null];
            $receipt = isset($ask['timeoutMs'])
                ? $client->waitDelivered($id, $ask['atLeast'] ?? null, $ask['timeoutMs'], $product)
                : $client->receiptOf($id, $product);
            echo json_encode($receipt), "\n";
            continue;
        }
        $message = new PushMessage(
            $ask['event'],
            $ask['data'] ?? null,
            $ask['lane'] ?? 'normal',
            $ask['id'] ?? null,
            $ask['acknowledge'] ?? 'accepted',
            $ask['product'] ?? null,
            $ask['sender'] ?? null,
            $ask['reserved'] ?? null,
            $ask['conflate'] ?? null,
            $ask['receipt'] ?? false,
        );
        $to = $ask['to'];
        $outcome = match (array_key_first($to)) {
            'user' => $client->toUser($to['user'], $message),
            'room' => $client->toRoom($to['room'], $message),
            'group' => $client->toGroup($to['group'], $message),
            'all' => $client->toAll($message),
            'users' => $client->toUsers($to['users'], $message),
        };
        $many = $outcome instanceof Published ? new PublishedMany([$outcome], []) : $outcome;
        $answer = ['published' => $many->published, 'failed' => (object) array_map(told(...), $many->failed)];
    } catch (ImError $error) {
        $answer = ['error' => told($error)];
    }
    echo json_encode($answer), "\n";
}
