/** The build of a Node application: `src/main.ts` to `dist/main.js`; packages stay imports. */
import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/main.ts'],
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
  external: [/^@im\//],
});
