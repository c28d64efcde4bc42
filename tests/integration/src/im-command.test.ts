import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const main = path.resolve(import.meta.dirname, '../../../apps/im/dist/main.js');

it('im --help prints how to use it', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--help']);
  expect(stdout).toContain('Usage: im');
});
