<?php

/** Loads the classes without Composer: `require 'autoload.php';`. */

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'Im\\')) {
        $file = __DIR__ . '/src/' . strtr(substr($class, 3), '\\', '/') . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});
