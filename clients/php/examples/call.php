<?php

/** `php call.php [address]`: calls the greeter that serve.php serves. */

declare(strict_types=1);

use Im\Caller;
use Im\CallOptions;
use Im\ImError;

require __DIR__ . '/../autoload.php';

$caller = new Caller($argv[1] ?? 'tcp://127.0.0.1:7401');
$options = new CallOptions(timeoutMs: 2_000, idempotent: true);

try {
    echo $caller->call('greeter', 'greet', ['name' => 'Ann'], $options)['text'], "\n";

    foreach ($caller->stream('greeter', 'spell', ['name' => 'Ann']) as $letter) {
        echo $letter, "\n";
    }

    $caller->call('greeter', 'greet', ['name' => ''], $options);
} catch (ImError $error) {
    echo $error->getCode(), ' ', $error->name, ': ', $error->getMessage(), "\n";
}
