import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { main: 'src/main.ts' },
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  splitting: false,
  clean: true,
  removeNodeProtocol: false,
  external: [/^@im\/(?!test-servers)/],
  // Has no build of its own: tests run on its sources.
  noExternal: ['@im/test-servers'],
  esbuildOptions(options) {
    options.alias = { '@im/test-servers': '../servers/src/index.ts' };
  },
});
