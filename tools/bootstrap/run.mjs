/** `node tools/bootstrap/run.mjs <tool> [args]`: runs a tool of the workspace with its dependencies installed. */
import './node-version.mjs';
import { runCommand } from './command.mjs';
import { ensureInstalled } from './install.mjs';

const [tool, ...args] = process.argv.slice(2);
if (tool === undefined) {
  process.stderr.write('Usage: node tools/bootstrap/run.mjs <tool> [args]\n');
  process.exit(2);
}
// pnpm itself may be what brings the lockfile up to date.
if (tool !== 'pnpm' && !(await ensureInstalled())) process.exit(1);
process.exitCode = (await runCommand(tool, args, { inherit: true })).status;
