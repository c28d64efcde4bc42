/** `npm run simulate -- [--seeds N] [--seed N]`: fan-out and backlogs under simulated viewers, seed by seed; installs what is missing. */
import './node-version.mjs';
import { parseArgs } from 'node:util';
import { runCommand } from './command.mjs';
import { ensureInstalled } from './install.mjs';

const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' } } });
const { seed = '1', seeds = values.seed === undefined ? '100000' : '1' } = values;
if (![seed, seeds].every((number) => /^\d{1,9}$/.test(number))) {
  process.stderr.write('Usage: npm run simulate -- [--seeds HOW_MANY] [--seed FIRST]\n');
  process.exit(2);
}
if (!(await ensureInstalled())) process.exit(1);
Object.assign(process.env, { IM_SIMULATE_FIRST: seed, IM_SIMULATE_SEEDS: seeds });
const args = ['run', '--project', 'unit:@im/gateway', 'src/simulation'];
process.exitCode = (await runCommand('vitest', args, { inherit: true })).status;
