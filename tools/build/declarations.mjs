/**
 * The types of a publishable package, for each of its entry points. Apart from the build: it takes twenty times as long,
 * and only those who install the package need it: everything here type-checks on sources.
 */
import { defineConfig } from 'tsup';
import { readPackage } from '../workspace/packages.mjs';

const { entryPoints } = readPackage(process.cwd());

export default defineConfig({
  entry: Object.fromEntries(entryPoints.map(({ name, source }) => [name, source])),
  format: 'esm',
  // `paths` point at sources; a package's declarations must name its siblings instead. tsup sets a `baseUrl`, which
  // TypeScript 6 calls deprecated.
  dts: { only: true, compilerOptions: { paths: {}, ignoreDeprecations: '6.0' } },
  external: [/^@im\//],
});
