/** Owns: where the bootstrap keeps what it knows. All of it goes with `rm -rf node_modules`. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const stateFolder = path.join(root, 'node_modules/.im');
/** Results of the last `npm test` and of the release checks. */
export const resultsFolder = path.join(stateFolder, 'results');
