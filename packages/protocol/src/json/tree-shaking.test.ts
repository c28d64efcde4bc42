import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

it('a bundle with the client’s half alone has nothing of the gateway’s', async () => {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: "export { jsonClientCodec } from './index.ts'",
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    metafile: true,
  });
  const [bundle] = Object.values(metafile.outputs);
  const used = Object.entries(bundle?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  expect(used.map(([file]) => file.replace(/.*\//, '')).sort()).toEqual([
    'client-codec.ts',
    'coded-error.ts',
    'server-shapes.ts',
    'subprotocol.ts',
  ]);
  expect(outputFiles[0]?.text).not.toMatch(/TextDecoder|TextEncoder/);
});
