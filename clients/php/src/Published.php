<?php

declare(strict_types=1);

namespace Im;

/** What became of a push to one group. */
final class Published
{
    /**
     * @param string $group without product
     * @param ?string $epoch with `$version`, its place in the group's log: on the priority lane, when acknowledged
     * @param bool $duplicate the id was known: nothing was sent again
     */
    public function __construct(
        public readonly string $group,
        public readonly ?string $epoch = null,
        public readonly ?int $version = null,
        public readonly bool $duplicate = false,
    ) {
    }
}
