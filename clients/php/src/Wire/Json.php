<?php

declare(strict_types=1);

namespace Im\Wire;

/** Values of bodies and members: JSON in UTF-8, an empty body for no value. */
final class Json
{
    private const MAX_DEPTH = 64;
    private const FLAGS = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE
        | JSON_PRESERVE_ZERO_FRACTION;

    /** @throws \JsonException for what JSON cannot say */
    public static function encode(mixed $value): string
    {
        return json_encode($value, self::FLAGS, self::MAX_DEPTH);
    }

    /** @throws \JsonException for what JSON cannot say */
    public static function encodeBody(mixed $value): string
    {
        return $value === null ? '' : self::encode($value);
    }

    /**
     * Objects become arrays with keys.
     *
     * @throws \JsonException for what is no JSON
     */
    public static function decodeBody(string $body): mixed
    {
        return $body === '' ? null : json_decode($body, true, self::MAX_DEPTH, JSON_THROW_ON_ERROR);
    }

    /**
     * What json_decode gave as objects, as arrays with keys.
     *
     * @return array<string, mixed>
     */
    public static function toArray(\stdClass $object): array
    {
        return json_decode(json_encode($object, self::FLAGS), true, self::MAX_DEPTH, JSON_THROW_ON_ERROR);
    }
}
