/** Owns: how a process is called in the cluster and in registers. */
import { hostname } from 'node:os';

/** Of this host and what tells it from others there: at most 64 letters, digits, `-` and `_`. */
export function nodeName(...parts: readonly (string | number)[]): string {
  return [hostname(), ...parts]
    .join('-')
    .replace(/[^A-Za-z0-9_-]/g, '-')
    .slice(-64)
    .replace(/^[-_]/, 'n');
}
