<?php

/** `php serve.php [address]`: serves the greeter that call.php calls, until Ctrl-C. */

declare(strict_types=1);

use Im\ErrorCode;
use Im\ImError;
use Im\Request;
use Im\Worker;

require __DIR__ . '/../autoload.php';

$worker = new Worker($argv[1] ?? 'tcp://127.0.0.1:7402');

$worker->serve('greeter', [
    'greet' => static function (Request $request): array {
        $name = $request->input()['name'] ?? '';
        if ($name === '') {
            throw ImError::of(ErrorCode::INVALID_INPUT, 'a name, please', ['issues' => [['path' => ['name']]]]);
        }
        return ['text' => "Hello, $name"];
    },
    'spell' => static function (Request $request): void {
        foreach (preg_split('//u', $request->input()['name'], -1, PREG_SPLIT_NO_EMPTY) as $letter) {
            $request->send($letter);
        }
    },
]);

$worker->run();
