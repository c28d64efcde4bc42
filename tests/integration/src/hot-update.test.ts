/** Workers are replaced while calls come: none fails, and a version that does not start changes nothing. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeJson } from '@im/rpc';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ImProcess, Up } from './im-process.js';
import { connectTo, load } from './rpc-load.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 20_000, interval: 20 };
const CALLS_PER_SECOND = 5_000;
const im = path.resolve(import.meta.dirname, '../../../apps/im/dist/main.js');

/** A worker program whose services are those of `im`. */
const GOOD = `process.argv.splice(2, Infinity, 'worker');\nawait import(${JSON.stringify(im)});\n`;
const BROKEN = `throw new Error('broken on purpose');\n`;

const workplace = new Workplace();
const connections: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  await workplace.clear();
});

async function start(program: string, ...args: string[]) {
  const folder = await workplace.folder();
  const file = path.join(folder, 'code', 'workers.mjs');
  const write = (text: string): Promise<void> => writeFile(file, text);
  await mkdir(path.dirname(file));
  await write(program);
  const up = workplace.run(new Up(['--worker-program', file, ...args], folder));
  await vi.waitFor(() => expect(up.brokers, up.output).toHaveLength(1), WAIT);
  const connection = connectTo(up.brokers);
  connections.push(connection);
  /** Calls that nobody may repeat: each that fails shows. */
  const begin = () =>
    load(connection.caller, CALLS_PER_SECOND, () => ({ service: 'gift', method: 'catalogue', body: encodeJson({}) }));
  return { up, write, begin };
}

describe('a hot update', () => {
  it('fails none of 5,000 calls a second, though it comes again and again', async () => {
    const { up, begin } = await start(GOOD);
    const stop = begin();
    for (let update = 1; update <= 5; update += 1) {
      expect(await up.im('update')).toEqual({ code: 0, output: '2 workers updated\n' });
    }
    expect((await stop()).failed).toEqual([]);
    for (const worker of ['worker-1', 'worker-2']) expect(up.pids(worker)).toHaveLength(6);
  });

  it('with a version that does not start keeps the old one, fails no call, and says so in one line', async () => {
    const { up, begin, write } = await start(GOOD);
    const stop = begin();
    await write(BROKEN);
    const told = 'not updated, the workers go on as they were: the new worker-1 ended before it was ready: exit code 1';
    expect(await up.im('update')).toEqual({ code: 1, output: `im update: ${told}\n` });
    expect(up.log.filter(({ level }) => level === 'error')).toMatchObject([{ process: 'up', message: told }]);
    await write(GOOD);
    expect((await up.im('update')).code).toBe(0);
    expect((await stop()).failed).toEqual([]);
    expect(up.pids('worker-1')).toHaveLength(2);
  });

  it('comes on SIGHUP, and by itself when the code changes if it is watched', async () => {
    const { up, write } = await start(GOOD, '--watch', '--workers', '1');
    up.child.kill('SIGHUP');
    await vi.waitFor(() => expect(up.pids('worker-1'), up.output).toHaveLength(2), WAIT);
    await write(`// changed\n${GOOD}`);
    await vi.waitFor(() => expect(up.pids('worker-1'), up.output).toHaveLength(3), WAIT);
  });

  it('is asked of nobody where no im up runs', async () => {
    const folder = await workplace.folder();
    const { code, output } = await new ImProcess(['update'], folder).finished();
    expect([code, output]).toEqual([3, expect.stringMatching(/^im update: no im up answers at .*--data\n$/)]);
  });
});
