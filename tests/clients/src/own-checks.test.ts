/** Each client's own checks: its codec against the golden vectors and any bytes, its errors against the documents. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { clientsFolder, languages } from './language.js';

const run = promisify(execFile);

const checks = languages('').flatMap(({ name, checks }) => checks.map((check) => [name, check] as const));

it.each(checks)('the client for %s holds to what it says of itself: %s', async (name, [file, ...args]) => {
  const { stdout, stderr } = await run(file, args, { cwd: path.join(clientsFolder, name) });
  expect(stdout + stderr).not.toMatch(/^skip |skipped=/m);
});
