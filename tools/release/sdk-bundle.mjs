/** Owns: the bundles whose size is limited: entry points of the client SDK with everything they import, as a page would ship them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { root, stateFolder } from '../bootstrap/folders.mjs';

const dist = path.join(root, 'packages/client-sdk/dist');

/** Which entry points, and where .size-limit.json expects them. The core is the first. */
const BUNDLES = /** @type {const} */ ([
  [['index'], 'client-sdk.js'],
  [['index', 'conversations'], 'client-sdk-conversations.js'],
]);

/** @returns {Promise<{ minified: number, brotli: number }>} bytes of the core */
export async function bundleSdk() {
  const [core] = await Promise.all(
    BUNDLES.map(async ([entryPoints, file]) => {
      const outfile = path.join(stateFolder, 'size', file);
      await build({
        stdin: {
          contents: entryPoints.map((name) => `export * from './${name}.js';`).join('\n'),
          resolveDir: dist,
        },
        outfile,
        bundle: true,
        minify: true,
        format: 'esm',
        target: 'es2022',
        platform: 'browser',
        legalComments: 'none',
      });
      const bundle = readFileSync(outfile);
      return { minified: bundle.length, brotli: brotliCompressSync(bundle).length };
    }),
  );
  if (core === undefined) throw new Error('there is no bundle');
  return core;
}
