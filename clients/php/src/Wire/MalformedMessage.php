<?php

declare(strict_types=1);

namespace Im\Wire;

/** Frames that are no message of the plain form. */
final class MalformedMessage extends \UnexpectedValueException
{
    /**
     * @param int|null $id the message's, if that could be read
     * @param string|null $kind likewise
     */
    public function __construct(
        string $reason,
        public readonly ?int $id = null,
        public readonly ?string $kind = null,
        ?\Throwable $previous = null,
    ) {
        parent::__construct($reason, 0, $previous);
    }
}
