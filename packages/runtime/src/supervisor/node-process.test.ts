/** With real processes: what fakes cannot prove. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ChildSpec, Readiness } from './child-spec.js';
import { createSupervisor, type Supervisor } from './supervisor.js';
import type { SupervisorEvent } from './supervisor-event.js';

// Processes take their time where others work too.
vi.setConfig({ testTimeout: 30_000 });
const WAIT = { timeout: 15_000, interval: 20 };
const FOREVER = 'setInterval(() => {}, 1000);';

let running: Supervisor | undefined;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'im-supervisor-'));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await rm(folder, { recursive: true });
});

function setUp(code: string, ready: Readiness = { by: 'ipc' }, extra: Partial<ChildSpec> = {}) {
  const events: SupervisorEvent[] = [];
  const spec: ChildSpec = { name: 'child', command: process.execPath, args: ['-e', code], ready, ...extra };
  const supervisor = createSupervisor([spec], { onEvent: (event) => events.push(event), policy: { giveUpAfter: 3 } });
  running = supervisor;
  const pids = () => events.flatMap((event) => (event.kind === 'ready' && event.pid ? [event.pid] : []));
  return { supervisor, events, pids };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a real child', () => {
  it('is started again after kill -9', async () => {
    const { supervisor, events, pids } = setUp(`process.send('ready'); ${FOREVER}`);
    await supervisor.start();
    process.kill(pids()[0] as number, 'SIGKILL');
    await vi.waitFor(() => expect(pids()).toHaveLength(2), WAIT);
    expect(events).toContainEqual({
      kind: 'ended',
      child: 'child',
      pid: pids()[0],
      reason: 'signal SIGKILL',
      expected: false,
    });
    expect(isAlive(pids()[1] as number)).toBe(true);
  });

  it('tells its figures when it is asked', async () => {
    const answer = `process.on('message', () => process.send({ figures: 'up 1' })); process.send('ready');`;
    const { supervisor } = setUp(answer);
    await supervisor.start();
    expect(await supervisor.figures()).toEqual(new Map([['child', 'up 1']]));
  });

  it('takes what it started with it when it is killed', async () => {
    const grandchild = `require('child_process').spawn(process.execPath, ['-e', '${FOREVER}'], { stdio: 'inherit' }).pid`;
    const { supervisor, events, pids } = setUp(`console.log(${grandchild}); process.send('ready'); ${FOREVER}`);
    await supervisor.start();
    const pidOf = () => Number(events.flatMap((event) => (event.kind === 'output' ? [event.line] : []))[0]);
    await vi.waitFor(() => expect(isAlive(pidOf())).toBe(true), WAIT);
    const grandchildPid = pidOf();
    process.kill(pids()[0] as number, 'SIGKILL');
    await vi.waitFor(() => expect(isAlive(grandchildPid)).toBe(false), WAIT);
  });

  it('is killed when it ignores SIGTERM', async () => {
    const code = `process.on('SIGTERM', () => {}); process.send('ready'); ${FOREVER}`;
    const { supervisor, pids } = setUp(code, { by: 'ipc' }, { stopTimeoutMs: 200 });
    await supervisor.start();
    await supervisor.stop();
    expect(isAlive(pids()[0] as number)).toBe(false);
  });

  it('has its output told line by line, both streams, up to the last words', async () => {
    const { supervisor, events } = setUp(`console.log('one\\ntwo'); console.error('three'); process.exitCode = 78;`);
    await expect(supervisor.start()).rejects.toThrow('child failed: it cannot start');
    const lines = events.flatMap((event) => (event.kind === 'output' ? [`${event.stream} ${event.line}`] : []));
    expect(lines.sort()).toEqual(['stderr three', 'stdout one', 'stdout two']);
    const kinds = events.map(({ kind }) => kind);
    expect(kinds.lastIndexOf('output')).toBeLessThan(kinds.indexOf('ended'));
  });

  it('is ready when a line of its output matches', async () => {
    const { supervisor } = setUp(`console.log('warming up'); console.log('listening on 1'); ${FOREVER}`, {
      by: 'line',
      line: /^listening/,
    });
    await supervisor.start();
    expect(supervisor.children()[0]?.state).toBe('running');
  });

  it('is ready when a URL answers well', async () => {
    let calls = 0;
    const server = createServer((_, response) => {
      calls += 1;
      response.writeHead(calls < 3 ? 503 : 200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { supervisor } = setUp(FOREVER, {
      by: 'url',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`,
    });
    await supervisor.start();
    expect(calls).toBe(3);
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  });

  it('that cannot be started at all is given up with the reason', async () => {
    const { supervisor } = setUp('', { by: 'ipc' }, { command: '/nowhere/program' });
    await expect(supervisor.start()).rejects.toThrow('spawn /nowhere/program ENOENT');
  });
});

describe('a real supervisor', () => {
  /** A program that is no Node program: it says a line, does `first`, and goes on for ever, in two processes. */
  const shell = (name: string, ready: object, first = ':') => ({
    name,
    command: '/bin/sh',
    args: ['-c', `${first}; echo here; while :; do sleep 1; done`],
    ready,
    stopTimeoutMs: 1_000,
  });

  it('that is killed with -9 takes its children with it, however they are ready and whatever programs they are', async () => {
    await build({
      entryPoints: ['supervising', 'supervised'].map((name) => path.join(import.meta.dirname, `fixtures/${name}.ts`)),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
    const server = createServer((_, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const specs = [
      { name: 'ipc', command: process.execPath, args: [path.join(folder, 'supervised.mjs')], ready: { by: 'ipc' } },
      shell('line', { by: 'line' }),
      shell('url', { by: 'url', url }),
      shell('stubborn', { by: 'line' }, `trap '' TERM HUP INT`),
      // Says that it is ready, and does not notice that its supervisor is gone.
      {
        ...shell('deaf', { by: 'ipc' }),
        command: process.execPath,
        args: ['-e', `process.send('ready'); process.on('disconnect', () => {}); ${FOREVER}`],
      },
    ];
    const parent = spawn(process.execPath, [path.join(folder, 'supervising.mjs'), JSON.stringify(specs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    parent.stdout.on('data', (chunk) => {
      output += chunk;
    });
    const pids = () => [...output.matchAll(/^\w+ (\d+)$/gm)].map(([, pid]) => Number(pid));
    onTestFinished(() => {
      for (const pid of pids().filter(isAlive)) process.kill(-pid, 'SIGKILL');
    });
    await vi.waitFor(() => expect(pids()).toHaveLength(specs.length), WAIT);
    expect(pids().filter(isAlive)).toEqual(pids());
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(pids().filter(isAlive)).toEqual([]), WAIT);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
