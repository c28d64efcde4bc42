<?php

/**
 * `php tests/run.php`: the codec against the golden vectors and any bytes, the registry against the documents, callers
 * and workers against played brokers.
 */

declare(strict_types=1);

use Im\ErrorCode;
use Im\KeptAnswers;
use Im\Reply;
use Im\Wire\Json;
use Im\Wire\MalformedMessage;
use Im\Wire\Message;
use Im\Wire\PlainCodec;

require __DIR__ . '/../autoload.php';

const ROOT = __DIR__ . '/../../..';
const VECTORS = ROOT . '/packages/rpc/vectors/plain.json';

function same(mixed $actual, mixed $expected, string $what): void
{
    if ($actual !== $expected) {
        $shown = json_encode($actual) . ' instead of ' . json_encode($expected);
        throw new RuntimeException("$what: $shown");
    }
}

/** @return Message|string|null the message, `malformed`, or null for unknown kinds */
function decoded(array $frames): Message|string|null
{
    try {
        return PlainCodec::decode($frames);
    } catch (MalformedMessage) {
        return 'malformed';
    }
}

/** Sorted, so that the order of members does not matter. */
function canonical(mixed $value): mixed
{
    if (is_array($value)) {
        ksort($value);
        return array_map(canonical(...), $value);
    }
    return $value;
}

$tests = [
    'every vector of the plain form' => static function (): void {
        $vectors = json_decode((string) @file_get_contents(VECTORS), true) ?? [];
        foreach ($vectors as $vector) {
            $message = decoded($vector['frames']);
            if ($vector['malformed'] ?? false) {
                same($message, 'malformed', $vector['name']);
                continue;
            }
            if ($vector['message'] === null) {
                same($message, null, $vector['name']);
                continue;
            }
            if (!$message instanceof Message) {
                throw new RuntimeException("{$vector['name']}: not understood");
            }
            $members = ['kind' => $message->kind] + ($message->id === null ? [] : ['id' => $message->id]);
            same(canonical($members + $message->members), canonical($vector['message']), $vector['name']);
            same($message->body, $vector['body'] ?? '', $vector['name']);
            $again = PlainCodec::encode($message);
            same(canonical(json_decode($again[0], true)), canonical($vector['message']), "{$vector['name']}, encoded");
            same($again[1] ?? '', $vector['body'] ?? '', "{$vector['name']}, encoded");
        }
    },
    'any bytes are a message, an unknown kind or malformed' => static function (): void {
        mt_srand(7);
        $seeds = [
            '{"kind":"reply","id":1,"headers":{"a":{"b":[]}}}', '{"kind":"more","id":1,"count":3}',
            '{"kind":"error","id":1,"code":303,"name":"INTERNAL","message":"é","retryable":false,"details":{}}',
            '{"kind":"call","id":4294967295,"service":"a","method":"b","target":1,"timeoutMs":1,"key":"k"}',
            '{"kind":"pong","id":0,"broker":"x","caller":2}', '{"kind":null}', '{', '', "\x01\0", '[]', '{"":1}',
        ];
        $deep = str_repeat('{"a":', 5_000) . str_repeat('}', 5_000);
        for ($round = 0; $round < 20_000; $round++) {
            $text = $round === 0 ? $deep : $seeds[mt_rand(0, count($seeds) - 1)];
            for ($change = mt_rand(0, 4); $change > 0 && $text !== ''; $change--) {
                $at = mt_rand(0, strlen($text) - 1);
                $text = substr($text, 0, $at) . chr(mt_rand(0, 255)) . substr($text, $at + mt_rand(0, 3));
            }
            $message = decoded(mt_rand(0, 9) === 0 ? ['', $text, random_bytes(3)] : [$text]);
            if ($message instanceof Message) {
                PlainCodec::encode($message);
            }
        }
        same(decoded([]), 'malformed', 'no frames');
    },
    'a message is decoded to what was encoded' => static function (): void {
        foreach (['', "\0\xff", Json::encodeBody(['a' => 1.0])] as $body) {
            $message = new Message('call', PlainCodec::MAX_ID, ['service' => 'a', 'method' => '$b'], $body);
            $frames = PlainCodec::encode($message);
            same(count($frames), $body === '' ? 1 : 2, 'frames');
            same((array) decoded($frames), (array) $message, 'decoded');
            same((array) decoded(['', ...$frames]), (array) $message, 'decoded after an empty frame');
        }
        same(decoded(['{"kind":"song","id":1}']), null, 'an unknown kind');
        same(decoded(['{"kind":"part","id":1,"later":true}'])->members, [], 'an unknown member');
    },
    'names, numbers and flags of errors are those of docs/errors.md' => static function (): void {
        $document = (string) file_get_contents(ROOT . '/docs/errors.md');
        preg_match_all('/^\| (\d+) \| `([A-Z_]+)` \| (yes|no) \|/m', $document, $rows);
        $documented = array_map(null, $rows[1], $rows[2], $rows[3]);
        $documented = array_values(array_filter($documented, static fn (array $row): bool => $row[0] < 1000));
        $own = array_map(
            static fn (ErrorCode $one): array => [(string) $one->value, $one->name, $one->isRetryable() ? 'yes' : 'no'],
            ErrorCode::cases(),
        );
        same($own, $documented, 'errors');
    },
    'kept answers are bounded by number, bytes and age' => static function (): void {
        $kept = new KeptAnswers(2, 100, 10.0);
        foreach (['a', 'b', 'c'] as $at => $key) {
            $kept->keep($key, new Reply($key), (float) $at);
        }
        same($kept->get('a', 3.0), null, 'the oldest of three');
        same($kept->get('b', 3.0)->body, 'b', 'the second');
        same($kept->get('b', 11.0), null, 'the second, too old');
        same($kept->get('c', 11.0)->body, 'c', 'the third');
        $kept->keep('d', new Reply(str_repeat('x', 200)), 11.0);
        same($kept->get('d', 11.0), null, 'one that is too large');
    },
];
$tests += require __DIR__ . '/brokers.php';

$failed = 0;
foreach ($tests as $name => $test) {
    if (str_contains($name, 'vector') && !is_file(VECTORS)) {
        echo "skip $name: there are none here\n";
        continue;
    }
    try {
        $test();
        echo "ok   $name\n";
    } catch (Throwable $thrown) {
        $failed++;
        echo "FAIL $name\n     {$thrown->getMessage()} ({$thrown->getFile()}:{$thrown->getLine()})\n";
    }
}
exit($failed === 0 ? 0 : 1);
