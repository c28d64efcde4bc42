<?php

declare(strict_types=1);

namespace Im\Wire;

/** Messages to frames and back, in the plain form of docs/rpc.md, section 2. Pure; knows no sockets. */
final class PlainCodec
{
    public const MAX_ID = 4_294_967_295;
    private const MAX_DEPTH = 64;
    private const MAX_HEADER_BYTES = 8_192;

    /** How brokers begin a call: its id can be read even where the rest cannot. */
    private const CALL = '/^\{"kind":"call","id":(\d{1,10})[,}]/';

    /** Kinds whose `id` may be left out. */
    private const ANONYMOUS = ['ping', 'bye', 'again'];

    /** Members that a message of the kind must have, and what they are; those with `?` may be left out. */
    private const SHAPES = [
        'call' => [
            'service' => 'name', 'method' => 'name', 'timeoutMs?' => 'count', 'idempotent?' => 'flag', 'key?' => 'route',
            'route?' => 'route', 'trace?' => 'trace', 'headers?' => 'headers', 'stream?' => 'flag', 'late?' => 'flag',
            'target?' => 'count',
        ],
        'cancel' => ['reason?' => 'reason'],
        'more' => ['count' => 'count'],
        'reply' => ['headers?' => 'headers'],
        'part' => [],
        'error' => [
            'code' => 'integer', 'name' => 'text', 'message?' => 'text', 'retryable?' => 'flag', 'details?' => 'object',
        ],
        'serve' => [
            'worker' => 'key', 'service' => 'name', 'version' => 'version', 'methods' => 'names',
            'concurrency' => 'count', 'pingMs?' => 'count',
        ],
        'serving' => [],
        'refused' => [
            'code' => 'integer', 'name' => 'text', 'message?' => 'text', 'retryable?' => 'flag', 'details?' => 'object',
        ],
        'drain' => [],
        'drained' => [],
        'bye' => [],
        'ping' => [],
        'pong' => ['caller?' => 'count', 'broker?' => 'text'],
        'again' => [],
    ];

    /**
     * @return list<string> one frame, or two if there is a body
     * @throws \JsonException for members that JSON cannot say
     */
    public static function encode(Message $message): array
    {
        $head = ['kind' => $message->kind];
        if ($message->id !== null) {
            $head['id'] = $message->id;
        }
        $json = Json::encode($head + $message->members);
        return $message->body === '' ? [$json] : [$json, $message->body];
    }

    /**
     * @param list<string> $frames an empty one may stand in front
     * @return Message|null null for kinds of later versions, which are ignored
     * @throws MalformedMessage
     */
    public static function decode(array $frames): ?Message
    {
        if (count($frames) > 1 && $frames[0] === '') {
            array_shift($frames);
        }
        $json = $frames[0] ?? '';
        if (!str_starts_with($json, '{')) {
            throw new MalformedMessage('the first frame is no JSON object');
        }
        try {
            $members = get_object_vars(json_decode($json, false, self::MAX_DEPTH, JSON_THROW_ON_ERROR));
        } catch (\JsonException $cause) {
            $isCall = preg_match(self::CALL, $json, $begun) === 1 && self::has((int) $begun[1], 'count');
            $head = $isCall ? [(int) $begun[1], 'call'] : [null, null];
            throw new MalformedMessage('the first frame is no JSON object', ...$head, previous: $cause);
        }
        $id = self::has($members['id'] ?? null, 'count') ? (int) $members['id'] : null;
        $kind = $members['kind'] ?? null;
        if (!is_string($kind)) {
            throw new MalformedMessage('kind: a text', $id);
        }
        $shape = self::SHAPES[$kind] ?? null;
        if ($shape === null) {
            return null;
        }
        $mayLackId = in_array($kind, self::ANONYMOUS, true) || $kind === 'error';
        if ($id === null && !($mayLackId && !array_key_exists('id', $members))) {
            throw new MalformedMessage('id: an integer from 0 to ' . self::MAX_ID);
        }
        $taken = [];
        foreach ($shape as $key => $type) {
            $name = rtrim($key, '?');
            $value = $members[$name] ?? null;
            if (!array_key_exists($name, $members) && $key !== $name) {
                continue;
            }
            try {
                if (!self::has($value, $type)) {
                    throw new MalformedMessage("$name: a $type", $id, $kind);
                }
                $taken[$name] = match ($type) {
                    'count' => (int) $value,
                    'object', 'headers' => Json::toArray($value),
                    default => $value,
                };
            } catch (\JsonException $cause) {
                // It cannot be said in JSON again, such as a number beyond all.
                throw new MalformedMessage("$name: a $type", $id, $kind, $cause);
            }
        }
        return new Message($kind, $id, $taken, $frames[1] ?? '');
    }

    private static function has(mixed $value, string $type): bool
    {
        return match ($type) {
            'count' => (is_int($value) || (is_float($value) && floor($value) === $value))
                && $value >= 0 && $value <= self::MAX_ID,
            'integer' => is_int($value),
            'flag' => is_bool($value),
            'text' => is_string($value),
            'object' => $value instanceof \stdClass,
            'headers' => $value instanceof \stdClass && strlen(Json::encode($value)) <= self::MAX_HEADER_BYTES,
            'name' => is_string($value) && preg_match('/^[a-zA-Z$][A-Za-z0-9_-]{0,63}$/D', $value) === 1,
            'names' => is_array($value) && array_reduce(
                $value,
                static fn (bool $all, mixed $one): bool => $all && self::has($one, 'name'),
                true,
            ),
            'version' => self::isText($value, 64),
            'key' => self::isText($value, 128),
            'route' => self::isText($value, 256),
            'trace' => is_string($value) && preg_match('/^[\x21-\x7e]{1,255}$/D', $value) === 1,
            'reason' => $value === 'cancelled' || $value === 'deadline',
        };
    }

    private static function isText(mixed $value, int $limit): bool
    {
        return is_string($value) && preg_match('/^.{1,' . $limit . '}$/Dus', $value) === 1;
    }
}
