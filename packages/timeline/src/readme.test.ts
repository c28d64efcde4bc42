import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it, vi } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

it('the first example of the README prints what its comments say', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const printed = example.split('\n').flatMap((line) => (line.startsWith('// ') ? [line.slice(3)] : []));
  expect(printed.length).toBeGreaterThan(0);
  const { outputFiles } = await build({
    stdin: { contents: example, resolveDir: packageFolder, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  const program = Buffer.from(outputFiles[0]?.text ?? '').toString('base64');
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import(/* @vite-ignore */ `data:text/javascript;base64,${program}`);
  const lines = log.mock.calls.map((values) => values.map(String).join(' '));
  log.mockRestore();
  expect(lines).toEqual(printed);
});
