/** Brokers and workers as processes, killed, stopped and started again under load: what becomes of every call. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CallOptions, RpcCaller } from '@im/rpc';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const WAIT = { timeout: 20_000, interval: 5 };
const programs = path.resolve(import.meta.dirname, 'programs');

interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it said. */
  readonly lines: string[];
}

interface Place {
  readonly callers: string;
  readonly workers: string;
}

let folder: string;
let running: Program[];
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'im-survival-'));
  running = [];
  closing = [];
});

afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  await Promise.all(running.map(end));
  await rm(folder, { recursive: true });
});

function place(name: string): Place {
  return { callers: `ipc://${folder}/${name}.callers`, workers: `ipc://${folder}/${name}.workers` };
}

async function start(name: string, ...args: string[]): Promise<Program> {
  const child = spawn(process.execPath, [path.join(programs, name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (text: Buffer) => {
    const parts = (rest + String(text)).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const program = { child, pid: child.pid ?? 0, lines };
  running.push(program);
  await vi.waitFor(() => expect(lines).toContain('ready'), WAIT);
  return program;
}

const startBroker = ({ callers, workers }: Place) => start('rpc-broker.mjs', callers, workers);
const startWorker = (...places: Place[]) => start('rpc-worker.mjs', ...places.map(({ workers }) => workers));

/** Kills it, as kill -9 does. */
async function end({ child }: Program): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

function connect(...places: Place[]): RpcCaller {
  const rpc = createZeromqRpc({ brokers: places });
  closing.push(() => rpc.close());
  return rpc.createCaller();
}

/** Keeps so many calls open until it is stopped, and keeps the books. */
class Load {
  sent = 0;
  answered = 0;
  readonly failed: string[] = [];
  /** Processes that answered. */
  readonly servedBy = new Set<number>();
  #isStopped = false;
  readonly #loops: Promise<void>[];

  constructor(caller: RpcCaller, width: number, options: CallOptions) {
    closing.push(async () => {
      this.#isStopped = true;
    });
    this.#loops = Array.from({ length: width }, async () => {
      while (!this.#isStopped) {
        this.sent++;
        await caller.call('work', 'do', new Uint8Array(0), options).then(
          ({ body }) => {
            this.answered++;
            this.servedBy.add(Number(Buffer.from(body).toString()));
          },
          (error: Error) => void this.failed.push(error.name),
        );
      }
    });
  }

  /** Waits for so many answers from now. */
  async answers(count: number): Promise<void> {
    const until = this.answered + count;
    await vi.waitFor(() => expect(this.answered).toBeGreaterThanOrEqual(until), WAIT);
  }

  /** Every call that was sent has been answered or has failed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
    expect(this.answered + this.failed.length).toBe(this.sent);
  }
}

describe('calls', () => {
  it('[RP-25] [RP-36] that may be repeated survive workers killed with -9 in turn; the others are told', async () => {
    const at = place('one');
    await startBroker(at);
    let workers: Program[] = await Promise.all([startWorker(at), startWorker(at), startWorker(at)]);
    const caller = connect(at);
    const safe = new Load(caller, 40, { idempotent: true });
    const once = new Load(caller, 40, {});
    for (let round = 0; round < 4; round++) {
      await once.answers(300);
      const [victim, ...others] = workers as [Program, ...Program[]];
      await end(victim);
      workers = [...others, await startWorker(at)];
    }
    await safe.answers(300);
    await Promise.all([safe.stop(), once.stop()]);
    expect(safe.failed).toEqual([]);
    expect(new Set(once.failed)).toEqual(new Set(['CALL_LOST']));
  });

  it('[RP-39] that may be repeated survive one of two brokers killed with -9', async () => {
    const places = [place('one'), place('two')];
    const [first] = await Promise.all(places.map(startBroker));
    await startWorker(...places);
    await startWorker(...places);
    const caller = connect(...places);
    const safe = new Load(caller, 40, { idempotent: true });
    const once = new Load(caller, 40, {});
    await safe.answers(500);
    await end(first as Program);
    await safe.answers(2_000);
    await Promise.all([safe.stop(), once.stop()]);
    expect(safe.failed).toEqual([]);
    expect(once.failed.filter((name) => name !== 'CALL_LOST')).toEqual([]);
  });

  it('[RP-38] [RP-39] that may be repeated survive a broker killed and started again; everybody comes back', async () => {
    const at = place('one');
    const broker = await startBroker(at);
    const workers = [await startWorker(at), await startWorker(at)];
    const safe = new Load(connect(at), 40, { idempotent: true });
    await safe.answers(500);
    await end(broker);
    await startBroker(at);
    safe.servedBy.clear();
    await safe.answers(1_000);
    await vi.waitFor(() => expect(safe.servedBy).toEqual(new Set(workers.map(({ pid }) => pid))), WAIT);
    await safe.stop();
    expect(safe.failed).toEqual([]);
  });

  it('[RP-37] that may be repeated leave a worker that hangs, which serves again when it wakes', async () => {
    const at = place('one');
    await startBroker(at);
    const hangs = await startWorker(at);
    const other = await startWorker(at);
    const safe = new Load(connect(at), 40, { idempotent: true });
    await safe.answers(300);
    expect(safe.servedBy).toEqual(new Set([hangs.pid, other.pid]));
    hangs.child.kill('SIGSTOP');
    // Calls that it has hang with it until it is found silent; then all of them go on elsewhere.
    const stuckUntil = safe.sent;
    await vi.waitFor(() => expect(safe.answered + safe.failed.length).toBeGreaterThan(stuckUntil + 1_000), WAIT);
    safe.servedBy.clear();
    hangs.child.kill('SIGCONT');
    await vi.waitFor(() => expect(safe.servedBy).toContain(hangs.pid), WAIT);
    await safe.stop();
    expect(safe.failed).toEqual([]);
  });

  it('[RP-24] [RP-40] that expired on the way to a broker that stood still are begun by nobody', async () => {
    const at = place('one');
    const broker = await startBroker(at);
    const worker = await startWorker(at);
    const caller = connect(at);
    const call = (body: string, timeoutMs: number) => caller.call('work', 'do', Buffer.from(body), { timeoutMs });
    await call('before', 10_000);
    broker.child.kill('SIGSTOP');
    const expired = await Promise.allSettled(['a', 'b', 'c'].map((body) => call(body, 200)));
    broker.child.kill('SIGCONT');
    for (const one of expired) expect(one).toMatchObject({ status: 'rejected', reason: { name: 'DEADLINE_EXCEEDED' } });
    await call('after', 10_000);
    await vi.waitFor(() => expect(worker.lines).toContain('begun after'), WAIT);
    expect(worker.lines).toEqual(['ready', 'begun before', 'begun after']);
  });
});
