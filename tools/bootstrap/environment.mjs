/** Owns: the environment of every child process: the pinned pnpm and the workspace's tools on PATH, caches, Nx alone. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, stateFolder } from './folders.mjs';

/** The package manager as pinned in package.json, `pnpm@12.21.0`. @returns {string} */
export function pinnedPackageManager() {
  const { packageManager } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return packageManager.split('+')[0];
}

/**
 * Nx calls `pnpm`, which need not be installed: a shim runs the pinned version through npx.
 * @returns {NodeJS.ProcessEnv}
 */
export function childEnvironment() {
  const shims = path.join(stateFolder, 'bin');
  mkdirSync(shims, { recursive: true });
  writeFileSync(path.join(shims, 'pnpm'), `#!/bin/sh\nexec npx -y ${pinnedPackageManager()} "$@"\n`, { mode: 0o755 });
  const searchPath = [shims, path.join(root, 'node_modules/.bin'), path.dirname(process.execPath), process.env.PATH];
  return {
    ...process.env,
    HOME: process.env.HOME || path.join(stateFolder, 'home'),
    PATH: searchPath.join(path.delimiter),
    NX_DAEMON: 'false',
    NX_NO_CLOUD: 'true',
    NX_TUI: 'false',
    npm_config_update_notifier: 'false',
    // When npx itself started us, its own `-c` and `-p` would be taken for those of the npx that we start.
    npm_config_call: undefined,
    npm_config_package: undefined,
  };
}
