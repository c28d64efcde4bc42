import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RecordingMetrics } from '@im/protocol/testing';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { useProgram } from '../fixtures/program.js';
import { useStoreFolders } from './fixtures/store-folder.js';
import { openLmdbLogStore } from './open-lmdb-log-store.js';

const folders = useStoreFolders();
const start = useProgram(new URL('./fixtures/append-until-killed.ts', import.meta.url));
const entry = { event: 'message', body: new Uint8Array(300), time: 1 };

async function whyNot(folder: string): Promise<string> {
  const refused = await openLmdbLogStore({ path: folder }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ name: 'STORE_UNAVAILABLE' });
  const { message } = refused as Error;
  expect(message.split('\n')).toHaveLength(1);
  return message;
}

describe('opening a store', () => {
  it('makes the folder, keeps what was appended, and takes an empty file for a new store', async () => {
    const folder = path.join(folders.folder(), 'made', 'by itself.v1');
    const store = await openLmdbLogStore({ path: folder });
    const { epoch } = await store.append('d:a', entry);
    await store.close();
    const again = await openLmdbLogStore({ path: folder });
    expect(await again.head('d:a')).toEqual({ epoch, version: 1, first: 1 });
    await again.close();

    const empty = folders.folder();
    writeFileSync(path.join(empty, 'data.mdb'), '');
    await (await openLmdbLogStore({ path: empty })).close();
  });

  it('begins a new epoch when asked to, and keeps it', async () => {
    const folder = folders.folder();
    const store = await openLmdbLogStore({ path: folder });
    const { epoch } = await store.append('d:a', entry);
    await store.close();
    const restored = await openLmdbLogStore({ path: folder, renewEpoch: true });
    const renewed = await restored.head('d:a');
    expect(renewed).toMatchObject({ version: 1, first: 1 });
    expect(renewed.epoch).not.toBe(epoch);
    await restored.close();
    const again = await openLmdbLogStore({ path: folder });
    expect(await again.head('d:a')).toEqual(renewed);
    await again.close();
  });

  it('refuses a path that is a file, or lies below one', async () => {
    const file = path.join(folders.folder(), 'file');
    writeFileSync(file, 'x');
    expect(await whyNot(file)).toMatch(/^cannot open the store in .*file: EEXIST/);
    expect(await whyNot(path.join(file, 'below'))).toMatch(/^cannot open the store in .*below: ENOTDIR/);
  });

  it.each([
    ['text', Buffer.alloc(40_000, 'not a database ')],
    ['zeros', Buffer.alloc(40_000)],
    ['a few bytes', Buffer.from('abc')],
  ])('refuses a file of %s', async (_, content) => {
    const folder = folders.folder();
    writeFileSync(path.join(folder, 'data.mdb'), content);
    expect(await whyNot(folder)).toMatch(/data\.mdb is not an LMDB file, or was cut off$/);
    expect(readFileSync(path.join(folder, 'data.mdb')).equals(content)).toBe(true);
  });

  it.each([8_192, 16_384, 50_000])('refuses a file that was cut off after %i bytes', async (length) => {
    const folder = folders.folder();
    const store = await openLmdbLogStore({ path: folder });
    await Promise.all(Array.from({ length: 500 }, (_, index) => store.append(`d:${index}`, entry)));
    await store.close();
    const file = path.join(folder, 'data.mdb');
    expect(statSync(file).size).toBeGreaterThan(length);
    truncateSync(file, length);
    expect(await whyNot(folder)).toMatch(/MDB_CORRUPTED|not an LMDB file/);
  });

  it('refuses the database of another program', async () => {
    const folder = folders.folder();
    const other = open({ path: folder });
    await other.openDB('sessions', {}).put('a', 1);
    await other.close();
    expect(await whyNot(folder)).toMatch(/holds data of another program$/);
  });

  it('refuses a store that this process has open, by whatever path, until it is closed', async () => {
    const folder = folders.folder();
    const store = await openLmdbLogStore({ path: folder });
    const link = path.join(folders.folder(), 'link');
    symlinkSync(folder, link);
    expect(await whyNot(folder)).toMatch(/already open in this process$/);
    expect(await whyNot(link)).toMatch(/already open in this process$/);
    await store.append('d:a', entry);
    await store.close();
    const again = await openLmdbLogStore({ path: link });
    expect((await again.head('d:a')).version).toBe(1);
    await again.close();
  });

  it('refuses a store that another process has open, and takes it over once that was killed', async () => {
    const folder = folders.folder();
    const program = await start({}, folder, '0', '8192');
    for await (const line of program.lines) {
      if (line !== 'open') break;
    }
    expect(await whyNot(folder)).toMatch(/process \d+ has it open; a store has one writer$/);
    await program.kill();
    const store = await openLmdbLogStore({ path: folder });
    expect((await store.head('d:0')).version).toBeGreaterThan(0);
    await store.close();
  });

  it('tells its figures while it is open and after', async () => {
    const metrics = new RecordingMetrics();
    const figure = (name: string) => metrics.value(`im_timeline_${name}`, { store: 'lmdb' });
    const store = await openLmdbLogStore({ path: folders.folder(), metrics });
    for (const id of ['a', 'b', 'b']) await store.append('d:a', { ...entry, id });
    expect(['appended_total', 'duplicates_total', 'logs', 'journal_entries', 'pending_entries'].map(figure)).toEqual([
      2, 1, 1, 2, 0,
    ]);
    expect(figure('bytes')).toBeGreaterThan(0);
    expect(['cache_hits_total', 'cache_misses_total', 'available'].map(figure)).toEqual([2, 1, 1]);
    expect(metrics.observations('im_timeline_commit_entries', { store: 'lmdb' })).toEqual([1, 1]);
    expect(metrics.observations('im_timeline_commit_ms', { store: 'lmdb' })).toHaveLength(2);
    await store.close();
    expect(['bytes', 'journal_entries'].map(figure)).toEqual([0, 0]);
  });

  it('refuses a retention that keeps nothing', async () => {
    const none = { maxEntries: 0, maxBytes: 1, maxAgeMs: 1 };
    const options = { path: folders.folder(), retention: { default: none } };
    await expect(openLmdbLogStore(options)).rejects.toMatchObject({ name: 'CONFIG_INVALID' });
  });

  it('refuses a store of another format', async () => {
    const folder = folders.folder();
    mkdirSync(folder, { recursive: true });
    const later = open({ path: folder, encoding: 'binary' });
    await later
      .openDB('meta', { encoding: 'binary', keyEncoding: 'binary' })
      .put(Buffer.from('format'), Buffer.from('im-timeline 2'));
    await later.close();
    expect(await whyNot(folder)).toMatch(/has format "im-timeline 2"/);
  });
});
