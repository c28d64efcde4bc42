import { copyFileSync, cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { RecordingLogger } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { useProgram } from '../fixtures/program.js';
import type { Appended } from '../log-store.js';
import { useStoreFolders } from './fixtures/store-folder.js';
import { openLmdbLogStore } from './open-lmdb-log-store.js';

const folders = useStoreFolders();
const start = useProgram(new URL('./fixtures/append-and-tell.ts', import.meta.url));

/** Opens it, appends so many entries, closes it. */
async function life(folder: string, entries: number, logger = new RecordingLogger()): Promise<Appended[]> {
  const store = await openLmdbLogStore({ path: folder, logger });
  const entry = { event: 'message', body: new Uint8Array(10), time: 1 };
  const appended = [];
  for (let count = 0; count < entries; count += 1) appended.push(await store.append('d:a', entry));
  await store.close();
  return appended;
}

async function headOf(folder: string) {
  const store = await openLmdbLogStore({ path: folder });
  const head = await store.head('d:a');
  await store.close();
  return head;
}

/** What a copy of everything in the folder overwrites, as `cp -r copy/. folder` does. */
function overwrite(folder: string, copy: string): void {
  for (const name of readdirSync(copy)) copyFileSync(path.join(copy, name), path.join(folder, name));
}

describe('a store that is put back from a copy', () => {
  it.each([
    [
      'in the place of the folder',
      (folder: string, copy: string) => {
        rmSync(folder, { recursive: true });
        cpSync(copy, folder, { recursive: true });
      },
    ],
    [
      'by moving the copy there',
      (folder: string, copy: string) => {
        rmSync(folder, { recursive: true });
        renameSync(copy, folder);
      },
    ],
    [
      'over its file',
      (folder: string, copy: string) => copyFileSync(path.join(copy, 'data.mdb'), path.join(folder, 'data.mdb')),
    ],
    ['over all files of the folder', overwrite],
  ])('%s, begins a new epoch, so that no version is given a second time unseen', async (_, putBack) => {
    const folder = path.join(folders.folder(), 'log');
    const copy = path.join(folders.folder(), 'copy');
    const [before] = await life(folder, 2);
    cpSync(folder, copy, { recursive: true });
    expect((await life(folder, 3)).map(({ epoch, version }) => [epoch, version])).toEqual(
      [3, 4, 5].map((version) => [before?.epoch, version]),
    );
    putBack(folder, copy);
    const logger = new RecordingLogger();
    const [after] = await life(folder, 1, logger);
    expect(after?.version).toBe(3);
    expect(after?.epoch).not.toBe(before?.epoch);
    expect(logger.records.map(({ level }) => level)).toEqual(['warn']);
    expect(await headOf(folder)).toEqual({ epoch: after?.epoch, version: 3, first: 1 });
  });
});

describe('a store that is the same', () => {
  it('keeps its epoch wherever its folder is moved to', async () => {
    const folder = path.join(folders.folder(), 'log');
    const moved = path.join(folders.folder(), 'moved');
    const [first] = await life(folder, 1);
    renameSync(folder, moved);
    expect((await headOf(moved)).epoch).toBe(first?.epoch);
    expect((await headOf(moved)).epoch).toBe(first?.epoch);
  });

  it('keeps its epoch when its process was killed', async () => {
    const folder = folders.folder();
    const [first] = await life(folder, 1);
    const program = await start({}, folder, '1');
    for await (const line of program.lines) if (line.startsWith('stored')) break;
    await program.kill();
    expect((await headOf(folder)).epoch).toBe(first?.epoch);
  });

  it('that lost its file is not taken for one that was never there', async () => {
    const folder = folders.folder();
    const [first] = await life(folder, 1);
    rmSync(path.join(folder, 'data.mdb'));
    const logger = new RecordingLogger();
    const [again] = await life(folder, 1, logger);
    expect(again?.epoch).not.toBe(first?.epoch);
    expect(logger.records.map(({ level }) => level)).toEqual(['warn']);
  });
});
