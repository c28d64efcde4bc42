/** Owns: where the built page is. */
import { createRequire } from 'node:module';
import path from 'node:path';

export function siteFolder(): string {
  return path.dirname(createRequire(import.meta.url).resolve('@im/demo/index.html'));
}
