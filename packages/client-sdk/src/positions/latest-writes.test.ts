import type { Position } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { latestWrites, type PositionChanges } from './latest-writes.js';

const at = (version: number): Position => ({ epoch: 'e', version });

/** A store whose writes end at a test's word. */
function create() {
  const writes: { changes: Record<string, Position | undefined>; end(error?: Error): Promise<void> }[] = [];
  const reported: unknown[] = [];
  const turn = async () => {
    for (let n = 0; n < 10; n++) await Promise.resolve();
  };
  const save = latestWrites(
    (changes: PositionChanges) =>
      new Promise((resolve, reject) => {
        writes.push({
          changes: Object.fromEntries(changes),
          end(error) {
            if (error) reject(error);
            else resolve();
            return turn();
          },
        });
      }),
    (error) => reported.push(error),
  );
  return { writes, reported, save, turn };
}

describe('positions on their way into a store', () => {
  it('of one turn are written together, of each group the latest', async () => {
    const { writes, save, turn } = create();
    save('u:ann', at(1));
    save('g:7', at(5));
    save('u:ann', at(2));
    await turn();
    expect(writes.map(({ changes }) => changes)).toEqual([{ 'u:ann': at(2), 'g:7': at(5) }]);
  });

  it('wait while one write is under way, then go as one', async () => {
    const { writes, save, turn } = create();
    save('u:ann', at(1));
    await turn();
    for (let version = 2; version <= 1_000; version++) {
      save('u:ann', at(version));
      await turn();
    }
    save('g:7', undefined);
    expect(writes).toHaveLength(1);
    await writes[0]?.end();
    expect(writes[1]?.changes).toEqual({ 'u:ann': at(1_000), 'g:7': undefined });
    await writes[1]?.end();
    expect(writes).toHaveLength(2);
    save('u:ann', at(1_001));
    await turn();
    expect(writes).toHaveLength(3);
  });

  it('that could not be written are told, and go with the next change unless there are later ones', async () => {
    const { writes, reported, save, turn } = create();
    save('u:ann', at(1));
    save('g:7', at(1));
    await turn();
    save('u:ann', at(2));
    await writes[0]?.end(new Error('disk full'));
    expect(reported).toEqual([new Error('disk full')]);
    expect(writes).toHaveLength(1);
    save('d:x', at(9));
    await turn();
    expect(writes[1]?.changes).toEqual({ 'u:ann': at(2), 'g:7': at(1), 'd:x': at(9) });
  });
});
