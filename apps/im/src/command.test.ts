import { ConfigError, DataFolderError, setting } from '@im/runtime';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { CommandError, defineCommand, runCommand } from './command.js';

const settings = { port: setting(z.int().default(1), { description: 'a port' }) };
const sibling = defineCommand({
  name: 'other',
  summary: '',
  settings: { bots: setting(z.int().default(0), { description: 'viewers' }) },
  examples: [],
  run: async () => {},
});

async function run(args: string[], act: () => Promise<void> = async () => {}, variables: Record<string, string> = {}) {
  const [print, printError, body] = [vi.fn(), vi.fn(), vi.fn(act)];
  const command = defineCommand({
    name: 'try',
    summary: 'for this test',
    settings,
    examples: [['im try', 'tries']],
    run: body,
  });
  const exitCode = await runCommand(command, args, [command, sibling], { variables, print, printError });
  return { exitCode, printed: print.mock.calls.join(''), failed: printError.mock.calls.join(''), body };
}

describe('a command', () => {
  it('gets its configuration', async () => {
    const { body, exitCode } = await run(['--port', '7'], undefined, { IM_BOTS: '3' });
    expect(body.mock.calls[0]).toMatchObject([{ port: 7 }, {}]);
    expect(exitCode).toBeUndefined();
  });

  it('prints its help instead of running', async () => {
    const { body, printed } = await run(['--help']);
    expect(printed).toContain('Usage: im try [options]');
    expect(printed).toContain('im try  # tries');
    expect(body).not.toHaveBeenCalled();
  });

  it.each<[string, () => Promise<void>, number, string]>([
    [
      'a mistake in the configuration',
      () => Promise.reject(new ConfigError([{ path: 'x', expected: 'wrong' }])),
      78,
      'im try: 1 mistake in the configuration:\n  x: wrong\nTry: im try --help\n',
    ],
    ['a failure it foresaw', () => Promise.reject(new CommandError('no luck', 3)), 3, 'im try: no luck\n'],
    [
      'a data folder that cannot be used',
      () => Promise.reject(new DataFolderError('in use')),
      78,
      'im try: in use (--data)\n',
    ],
  ])('tells %s without a stack', async (_, act, code, text) => {
    const { exitCode, failed } = await run([], act);
    expect([exitCode, failed]).toEqual([code, text]);
  });

  it('tells what nobody foresaw with its stack', async () => {
    const { exitCode, failed } = await run([], () => Promise.reject(new Error('surprise')));
    expect(exitCode).toBe(1);
    expect(failed).toMatch(/im try: Error: surprise\n +at /);
  });

  it('does not run when an argument is wrong', async () => {
    const { body, exitCode } = await run(['--prot', '7']);
    expect(body).not.toHaveBeenCalled();
    expect(exitCode).toBe(78);
  });
});
