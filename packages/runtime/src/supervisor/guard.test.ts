/** With real shells. What a guard does after a real SIGKILL is in node-process.test.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import { startGuard } from './guard.js';
import { spawnProcess } from './node-process.js';

vi.mock('node:child_process', { spy: true });

/** Everything that was started, in order. */
const started = (): ChildProcess[] => vi.mocked(spawn).mock.results.map(({ value }) => value as ChildProcess);

function ended({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

afterEach(() => {
  for (const each of started()) each.kill('SIGKILL');
  vi.mocked(spawn).mockClear();
});

it('starts before its child, and ends with it', async () => {
  const spec = {
    name: 'child',
    command: '/bin/sh',
    args: ['-c', 'sleep 60'],
    ready: { by: 'line', line: /./ },
  } as const;
  const exited = new Promise<void>((resolve) => {
    const child = spawnProcess(spec, {
      onReady: () => {},
      onLine: () => {},
      onFigures: () => {},
      onExit: () => resolve(),
    });
    child.signal('SIGKILL');
  });
  const [guard, child] = started();
  expect(guard?.spawnargs).toContain('im-guard');
  expect(child?.spawnargs).toContain('sleep 60');
  await exited;
  await vi.waitFor(() => expect(ended(guard as ChildProcess)).toBe(true));
});

it('ends when there is no child to guard', async () => {
  startGuard('line', 1_000).watch(undefined);
  const [guard] = started();
  await once(guard as ChildProcess, 'exit');
});

it('ends what is left of its group when its pipe breaks, also where the leader has ended', async () => {
  const leader = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const [pid] = (await once(leader.stdout, 'data')) as [Buffer];
  startGuard('line', 1_000).watch(leader.pid);
  const guard = started().at(-1);
  guard?.stdin?.destroy();
  await vi.waitFor(() => expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH'), { timeout: 10_000 });
});
