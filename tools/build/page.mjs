/** The build of a browser page: `src/main.ts` with everything it imports in one minified file, and `public/` beside it. */
import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/main.ts'],
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  sourcemap: true,
  clean: true,
  noExternal: [/.*/],
  publicDir: 'public',
});
