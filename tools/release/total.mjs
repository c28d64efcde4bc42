/** Prints `N passed, N failed` over `npm test` and the release checks; fails when anything did. */
import { totalOf } from '../bootstrap/results.mjs';

const { passed, failed } = totalOf(['test', 'release']);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
