/**
 * The build of a publishable package: every entry point of its package.json as ESM with declarations.
 * Siblings stay imports, and their types come from their built dist, as a consumer gets them.
 */
import { defineConfig } from 'tsup';
import { readPackage } from '../workspace/packages.mjs';

const { entryPoints, manifest } = readPackage(process.cwd());

export default defineConfig({
  entry: Object.fromEntries(entryPoints.map(({ name, source }) => [name, source])),
  format: 'esm',
  platform: manifest.nx.tags.includes('runtime:node') ? 'node' : 'neutral',
  target: 'es2022',
  // `paths` point at sources; a package's declarations must name its siblings instead. tsup sets a `baseUrl`, which
  // TypeScript 6 calls deprecated.
  dts: { compilerOptions: { paths: {}, ignoreDeprecations: '6.0' } },
  splitting: true,
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
  external: [/^@im\//],
});
