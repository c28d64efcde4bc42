<?php

declare(strict_types=1);

namespace Im;

/** CURVE keys for brokers that have keys configured: Z85 texts of 40 characters. */
final class Keys
{
    /**
     * @param string $broker public key of the brokers
     * @param string $public own public key, which the brokers must know
     * @param string $secret own secret key
     */
    public function __construct(
        public readonly string $broker,
        public readonly string $public,
        #[\SensitiveParameter]
        public readonly string $secret,
    ) {
    }

    /**
     * From a file that `im keys --name …` made.
     *
     * @throws ImError CONFIG_INVALID
     */
    public static function load(string $file): self
    {
        $keys = json_decode((string) @file_get_contents($file), true);
        $texts = [$keys['brokerKey'] ?? null, $keys['publicKey'] ?? null, $keys['secretKey'] ?? null];
        foreach ($texts as $text) {
            if (!is_string($text) || strlen($text) !== 40) {
                throw ImError::of(ErrorCode::CONFIG_INVALID, "$file: not the keys of a peer", ['file' => $file]);
            }
        }
        return new self(...$texts);
    }
}
