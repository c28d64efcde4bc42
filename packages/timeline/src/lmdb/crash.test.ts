import { seededRandom } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { useProgram } from '../fixtures/program.js';
import { useStoreFolders } from './fixtures/store-folder.js';

const folders = useStoreFolders();
const start = useProgram(new URL('./fixtures/append-until-killed.ts', import.meta.url));

describe('a process that is killed while it appends', () => {
  it.each([
    ['entries in the journal', 100_000],
    ['entries on their way to rows', 50],
  ])(
    'leaves every acknowledged version, without a hole and without a repeat, and every record as it was written last: %s',
    async (_, checkpointFrom) => {
      const folder = folders.folder();
      const random = seededRandom(checkpointFrom);
      /** Group and version → id, of all lives. */
      const acknowledged = new Map<string, string>();
      /** Owner → number of its last acknowledged write. */
      const written = new Map<string, number>();
      for (let life = 0; life < 6; life += 1) {
        const program = await start({}, folder, `${life}`, `${checkpointFrom}`);
        let left = 1 + Math.floor(random() * 600);
        let killed: Promise<void> | undefined;
        for await (const line of program.lines) {
          const [group, version, id] = line.split(' ');
          if (version === 'record') {
            written.set(group as string, Number(id));
          } else if (id !== undefined) {
            expect(acknowledged.get(`${group} ${version}`), `${group} ${version} given twice`).toBeUndefined();
            acknowledged.set(`${group} ${version}`, id);
          }
          left -= 1;
          if (left === 0) killed = program.kill();
        }
        await killed;

        const { store } = await folders.open(folder);
        const found = new Map<string, string | undefined>();
        for (let group = 0; group < 6; group += 1) {
          const { version, entries } = await store.read(`d:${group}`, { after: 0, limit: 1_000_000 });
          expect(entries.map((entry) => entry.version)).toEqual(
            Array.from({ length: version }, (__, index) => index + 1),
          );
          expect(new Set(entries.map(({ id }) => id)).size).toBe(version);
          for (const entry of entries) found.set(`d:${group} ${entry.version}`, entry.id);
        }
        for (const [position, id] of acknowledged) expect(found.get(position), position).toBe(id);
        for (const [owner, count] of written) {
          const both = [...(await store.records.get(owner, ['one', 'other'])).values()];
          const counts = both.map(({ body }) => Number(Buffer.from(body).toString()));
          // The write that was under way may be there, whole.
          expect([`${count},${count}`, `${count + 1},${count + 1}`], owner).toContain(counts.join());
        }
        await store.close();
      }
      expect(acknowledged.size).toBeGreaterThan(600);
      expect(Math.min(...written.values())).toBeGreaterThan(6);
    },
    120_000,
  );
});
