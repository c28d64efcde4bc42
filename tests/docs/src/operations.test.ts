/** docs/operations.md names every setting of the server, and no other. */
import { expect, it } from 'vitest';
import { readHelp } from './command-line.js';
import { readDocuments } from './documents.js';
import { imCommand } from './playground.js';

const spans = readDocuments()
  .find(({ path }) => path === 'docs/operations.md')
  ?.spans.map(({ text }) => text);
const named = (name: RegExp): string[] => [...new Set(spans?.filter((text) => name.test(text)))].sort();

const SERVERS = ['start', 'up'];
const BESIDE = [
  'serve',
  'update',
  'status',
  'scale',
  'down',
  'drain',
  'broker',
  'gateway',
  'worker',
  'manager',
  'broadcast-node',
  'bridge',
  'keys',
  'rpc services',
  'rpc call',
  'rpc tap',
  'rpc bench',
  'rpc weights',
];

/** Of all these commands together. */
async function helpOf(commands: readonly string[]) {
  const helps = await Promise.all(commands.map((command) => readHelp([imCommand, ...command.split(' ')])));
  return {
    flags: new Set(helps.flatMap(({ flags }) => [...flags])),
    variables: new Set(helps.flatMap(({ variables }) => [...variables])),
  };
}

it('docs/operations.md names every flag of `im start` and `im up`, and every variable, and none that no command has', async () => {
  const own = await helpOf(SERVERS);
  own.flags.delete('--help');
  own.variables.delete('IM_CONFIG');
  const all = await helpOf([...SERVERS, ...BESIDE]);
  const [flags, variables] = [named(/^--[a-z-]+$/), named(/^IM_[A-Z_]+$/)];
  expect(flags).toEqual(expect.arrayContaining([...own.flags]));
  expect(variables).toEqual(expect.arrayContaining([...own.variables]));
  expect(flags.filter((flag) => !all.flags.has(flag))).toEqual([]);
  expect(variables.filter((variable) => !all.variables.has(variable))).toEqual([]);
});
