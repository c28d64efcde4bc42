/** Owns: the bundle whose size is limited: the core of the client SDK with everything it imports, as a page would ship it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { root, stateFolder } from '../bootstrap/folders.mjs';

/** Writes the bundle where .size-limit.json expects it. @returns {Promise<{ minified: number, brotli: number }>} bytes */
export async function bundleSdk() {
  const outfile = path.join(stateFolder, 'size/client-sdk.js');
  await build({
    entryPoints: [path.join(root, 'packages/client-sdk/dist/index.js')],
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
}
