/** `npm start [-- args]`: installs and builds what is missing, then becomes the `im` command with these arguments. */
import './node-version.mjs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { root } from './folders.mjs';
import { ensureInstalled } from './install.mjs';

const ready = (await ensureInstalled()) && (await ensureBuilt('@im/im'));
if (!ready) process.exit(1);

// In this process rather than in a child: signals, the terminal and the exit code are the command's own.
const main = path.join(root, 'apps/im/dist/main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
