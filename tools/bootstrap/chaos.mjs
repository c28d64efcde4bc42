/** `npm run chaos -- <test> [options]`: installs and builds what is missing, then becomes the program with these arguments. */
import './node-version.mjs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { root } from './folders.mjs';
import { ensureInstalled } from './install.mjs';

const ready = (await ensureInstalled()) && (await ensureBuilt('@im/chaos-tests'));
if (!ready) process.exit(1);

// In this process rather than in a child, as `npm start` does.
const main = path.join(root, 'tests/chaos/dist/main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
