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
}
