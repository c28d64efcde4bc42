/** The build of a publishable package: every entry point of its package.json as ESM. Siblings stay imports. */
import { defineConfig } from 'tsup';
import { readPackage } from '../workspace/packages.mjs';

const { entryPoints, manifest } = readPackage(process.cwd());

export default defineConfig({
  entry: Object.fromEntries(entryPoints.map(({ name, source }) => [name, source])),
  format: 'esm',
  platform: manifest.nx.tags.includes('runtime:node') ? 'node' : 'neutral',
  target: 'es2022',
  splitting: true,
  sourcemap: true,
  // All but the declarations, which declarations.mjs makes.
  clean: ['**/*.d.ts'],
  removeNodeProtocol: false,
  external: [/^@im\//],
});
