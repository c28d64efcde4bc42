/** Disks that take nothing for a while, for real: nothing acknowledged is lost, and the store goes on by itself. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ImError } from '@im/protocol';
import { describe, expect, it, vi } from 'vitest';
import { type RunningProgram, useProgram } from '../fixtures/program.js';
import type { LogStore, NewEntry } from '../log-store.js';
import { useStoreFolders } from './fixtures/store-folder.js';
import { whyNoTrace } from './fixtures/system-calls.js';

const folders = useStoreFolders();
const start = useProgram(new URL('./fixtures/append-and-tell.ts', import.meta.url));

const ENOUGH = 60;
const noTrace = whyNoTrace();
const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

const mayForbid = (() => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'im-timeline-')), 'file');
  writeFileSync(file, '');
  const forbidden = spawnSync('chattr', ['+i', file]).status === 0 && spawnSync('chattr', ['-i', file]).status === 0;
  rmSync(path.dirname(file), { recursive: true });
  return forbidden;
})();

const entry: NewEntry = { event: 'message', body: new Uint8Array(20_000), time: 1 };

/** Version by group and id, as they were acknowledged. */
type Ledger = Map<string, number>;

interface Account {
  readonly acknowledged: Ledger;
  readonly refused: Set<string>;
}

/** Follows a program until `isEnough`, asked after each line, then kills it. */
async function follow(program: RunningProgram, isEnough: (account: Account) => boolean): Promise<Account> {
  const account: Account = { acknowledged: new Map(), refused: new Set() };
  let killed: Promise<void> | undefined;
  for await (const line of program.lines) {
    const [what, group = '', version, id = ''] = line.split(' ');
    if (what === 'refused') account.refused.add(group);
    if (what === 'stored') account.acknowledged.set(`${group} ${id}`, Number(version));
    if (killed === undefined && isEnough(account)) killed = program.kill();
  }
  await killed;
  return account;
}

/** Whatever was acknowledged is there, once, under its version, and no version is missing. */
async function expectKept(folder: string, { acknowledged }: Account): Promise<void> {
  const { store } = await folders.open(folder);
  const found: Ledger = new Map();
  for (const group of ['d:0', 'd:1', 'd:2', 'd:3']) {
    const { version: last, entries } = await store.read(group, { after: 0, limit: 100_000 });
    expect(entries.map(({ version }) => version)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    expect(new Set(entries.map(({ id }) => id)).size).toBe(last);
    for (const { id, version } of entries) found.set(`${group} ${id}`, version);
  }
  for (const [position, version] of acknowledged) expect(found.get(position), position).toBe(version);
}

describe.skipIf(process.platform !== 'linux')('a disk without room', () => {
  it('refuses with STORE_FULL, and the store goes on once there is some', async () => {
    const folder = folders.folder();
    const program = await start({}, folder, '4');
    const limit = (bytes: number | 'unlimited') =>
      execFileSync('prlimit', ['--pid', `${program.pid}`, `--fsize=${bytes}:`]);
    let stage: 'before' | 'full' | 'after' = 'before';
    let enough = ENOUGH;
    const account = await follow(program, ({ acknowledged, refused }) => {
      if (stage === 'before' && acknowledged.size > enough) {
        limit(statSync(path.join(folder, 'data.mdb')).size);
        stage = 'full';
      } else if (stage === 'full' && refused.size > 0) {
        limit('unlimited');
        stage = 'after';
        enough = acknowledged.size + ENOUGH;
      }
      return stage === 'after' && acknowledged.size > enough;
    });
    expect([...account.refused]).toEqual(['STORE_FULL']);
    await expectKept(folder, account);
  }, 60_000);

  it.skipIf(!mayMount)(
    'of a file system that is full is no other',
    async () => {
      const folder = folders.folder();
      const mount = (...options: string[]) => execFileSync('mount', ['-t', 'tmpfs', ...options, 'im-test', folder]);
      mount('-o', 'size=2m');
      try {
        const { store, clock } = await folders.open(folder);
        const acknowledged = await appendUntilRefused(store, 'STORE_FULL');
        mount('-o', 'remount,size=32m');
        await vi.waitFor(async () => {
          clock.advance(1_000);
          expect(await store.append('d:a', entry)).toMatchObject({ version: acknowledged + 1 });
        });
        expect((await store.read('d:a', { after: 0, limit: 1_000 })).entries).toHaveLength(acknowledged + 1);
        await store.close();
      } finally {
        execFileSync('umount', ['-l', folder]);
      }
    },
    20_000,
  );
});

describe.skipIf(noTrace !== undefined)(
  `a disk that fails${noTrace === undefined ? '' : ` (SKIPPED: ${noTrace})`}`,
  () => {
    /** One call of each thread fails, so many after the start. */
    const failing = (calls: string, error: string) => {
      const inject = `inject=${calls}:error=${error}:when=40`;
      return ['strace', '-f', '--seccomp-bpf', '-e', `trace=${calls}`, '-e', inject, '-o', '/dev/null'];
    };

    it.each([
      ['to flush', 'fdatasync', 'EIO'],
      ['to be written to, since it is read-only', 'access', 'EROFS'],
    ])(
      '%s, for a while: nothing is lost, and the store goes on by itself',
      async (_, calls, error) => {
        const folder = folders.folder();
        const program = await start({ under: failing(calls, error) }, folder, '4');
        let before = Infinity;
        const account = await follow(program, ({ acknowledged, refused }) => {
          if (before === Infinity && refused.size > 0) before = acknowledged.size;
          return acknowledged.size > before + ENOUGH;
        });
        expect([...account.refused]).toEqual(['STORE_UNAVAILABLE']);
        expect(account.acknowledged.size).toBeGreaterThan(before + ENOUGH);
        await expectKept(folder, account);
      },
      60_000,
    );
  },
);

describe.skipIf(!mayForbid)('a file that must not be written to', () => {
  it('refuses with STORE_UNAVAILABLE, and the store goes on once it may', async () => {
    const folder = folders.folder();
    const file = path.join(folder, 'data.mdb');
    const { store, clock } = await folders.open(folder);
    await store.append('d:a', entry);
    execFileSync('chattr', ['+i', file]);
    try {
      await expect(store.append('d:a', entry)).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE', retryable: true });
      expect((await store.read('d:a', { after: 0, limit: 10 })).entries).toHaveLength(1);
    } finally {
      execFileSync('chattr', ['-i', file]);
    }
    await vi.waitFor(async () => {
      clock.advance(1_000);
      expect(await store.append('d:a', entry)).toMatchObject({ version: 2 });
    });
  });
});

describe('a file that is gone', () => {
  it('is not made anew: the store waits until it is back', async () => {
    const folder = folders.folder();
    const { store, database, clock } = await folders.open(folder);
    const file = path.join(folder, 'data.mdb');
    await store.append('d:a', entry);
    renameSync(file, `${file}.away`);
    database.failOnce(new ImError('STORE_UNAVAILABLE'));
    const refused = expect.objectContaining({ name: 'STORE_UNAVAILABLE', retryable: true });
    await expect(store.append('d:a', entry)).rejects.toEqual(refused);
    await vi.waitFor(() => expect(database.reopenings).toBe(1));
    await expect(store.append('d:a', entry)).rejects.toEqual(refused);
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
    renameSync(`${file}.away`, file);
    await vi.waitFor(async () => {
      clock.advance(1_000);
      expect(await store.append('d:a', entry)).toMatchObject({ version: 2 });
    });
  });
});

/** @returns how many were taken */
async function appendUntilRefused(store: LogStore, name: string): Promise<number> {
  for (let taken = 0; ; taken += 1) {
    const error = await store.append('d:a', entry).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) continue;
    expect(error).toMatchObject({ name, retryable: true });
    return taken;
  }
}
