<?php

declare(strict_types=1);

namespace Im;

/**
 * What a worker serves under one name, checked.
 *
 * @internal
 */
final class Service
{
    /**
     * @param array<string, callable(Request): mixed> $methods handlers by their names
     * @throws ImError INVALID_ARGUMENT
     */
    public function __construct(
        public readonly string $name,
        public readonly string $version,
        public readonly array $methods,
        public readonly int $concurrency,
    ) {
        self::check('service', preg_match('/^[a-zA-Z][A-Za-z0-9_-]{0,63}$/D', $name) === 1);
        self::check('version', $version !== '' && strlen($version) <= 64);
        self::check('concurrency', $concurrency >= 1 && $concurrency <= 65_536);
        foreach ($methods as $method => $handler) {
            $isName = preg_match('/^[a-zA-Z$][A-Za-z0-9_-]{0,63}$/D', (string) $method) === 1;
            self::check('methods', $isName && is_callable($handler));
        }
    }

    /** @return array<string, mixed> members of `serve` */
    public function members(string $worker): array
    {
        return [
            'worker' => $worker,
            'service' => $this->name,
            'version' => $this->version,
            'methods' => array_map(strval(...), array_keys($this->methods)),
            'concurrency' => $this->concurrency,
        ];
    }

    private static function check(string $argument, bool $isValid): void
    {
        if (!$isValid) {
            throw ImError::of(ErrorCode::INVALID_ARGUMENT, details: ['argument' => $argument]);
        }
    }
}
