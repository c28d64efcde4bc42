import type { Position } from '@im/protocol';
import { encodeJson } from '@im/rpc';
import type { Entry, Page } from '@im/timeline';
import { describe, expect, it } from 'vitest';
import type { GroupFeed } from '../feed/group-feed.js';
import type { LogAccess } from '../feed/log-access.js';
import { kicksSince, readKick } from './removals.js';

const kick = (
  version: number,
  body: unknown = { type: 'kick', code: 1, reason: 'x', group: `r:${version}` },
): Entry => ({
  ...{ version, event: '$kick', body: encodeJson(body), time: 0 },
});
const other = (version: number): Entry => ({ ...kick(version), event: 'notice' });

/** A log of the given entries, pages of two; and a feed that stands where told. */
function setUp(entries: readonly Entry[], { position = { epoch: 'e', version: entries.length }, first = 1 } = {}) {
  const feed = { group: 'u:ann', position };
  const reads: number[] = [];
  const log = {
    read: async (_group: string, after: number): Promise<Page> => {
      reads.push(after);
      const kept = entries.filter(({ version }) => version > after && version >= first).slice(0, 2);
      return { epoch: 'e', version: entries.length, first, entries: kept };
    },
  };
  const since = (from: Position) => kicksSince(from, feed as unknown as GroupFeed, log as unknown as LogAccess);
  return { feed, log, reads, since };
}

describe('kicksSince', () => {
  it('finds every kick between the position and where the feed stands [PR-92]', async () => {
    const { since } = setUp([kick(1), other(2), kick(3), other(4), kick(5)]);
    expect((await since({ epoch: 'e', version: 1 }))?.map(({ group }) => group)).toEqual(['r:3', 'r:5']);
  });

  it('asks no log when nothing was added', async () => {
    const { since, reads } = setUp([kick(1)]);
    expect(await since({ epoch: 'e', version: 1 })).toEqual([]);
    expect(reads).toEqual([]);
  });

  it('goes on as far as the feed has come meanwhile', async () => {
    const { since, feed, log } = setUp([kick(1), kick(2), kick(3)], { position: { epoch: 'e', version: 2 } });
    const { read } = log;
    log.read = async (group, after) => {
      const page = await read(group, after);
      feed.position = { epoch: 'e', version: 3 };
      return { ...page, entries: page.entries.filter(({ version }) => version <= after + 2) };
    };
    expect((await since({ epoch: 'e', version: 0 }))?.map(({ group }) => group)).toEqual(['r:1', 'r:2', 'r:3']);
  });

  it.each([
    ['the position is of another epoch', { epoch: 'x', version: 1 }, {}],
    ['the position is ahead of the log', { epoch: 'e', version: 9 }, {}],
    ['the log was trimmed behind the position', { epoch: 'e', version: 0 }, { first: 2 }],
  ])('proves nothing when %s [PR-93]', async (_case, from, options) => {
    const { since } = setUp([kick(1), kick(2), kick(3)], options);
    expect(await since(from)).toBeUndefined();
  });

  it('proves nothing when the log cannot be read, began anew, or has less than the feed saw [PR-93]', async () => {
    const failing = setUp([kick(1)]);
    failing.log.read = () => Promise.reject(new Error('away'));
    expect(await failing.since({ epoch: 'e', version: 0 })).toBeUndefined();
    const changed = setUp([kick(1)]);
    const { read } = changed.log;
    changed.log.read = async (group, after) => ({ ...(await read(group, after)), epoch: 'x' });
    expect(await changed.since({ epoch: 'e', version: 0 })).toBeUndefined();
    const behind = setUp([kick(1)], { position: { epoch: 'e', version: 2 } });
    expect(await behind.since({ epoch: 'e', version: 0 })).toBeUndefined();
  });

  it('reads no more than a bounded number of entries [PR-93]', async () => {
    const { since } = setUp(Array.from({ length: 5_000 }, (_, i) => other(i + 1)));
    expect(await since({ epoch: 'e', version: 0 })).toBeUndefined();
    expect(await since({ epoch: 'e', version: 1_000 })).toEqual([]);
  });
});

describe('readKick', () => {
  it('reads what a kick says, and for which session', () => {
    expect(readKick(kick(1))).toEqual({ type: 'kick', code: 1, reason: 'x', group: 'r:1' });
    expect(readKick(kick(1, { type: 'kick', code: 1, reason: 'x', session: 's_1' }))).toMatchObject({ session: 's_1' });
  });

  it('reads nothing from anything else', () => {
    for (const body of [
      null,
      1,
      [],
      {},
      { type: 'join', group: 'r:1' },
      { type: 'kick' },
      { type: 'kick', code: 1, reason: 'x', group: 'no' },
    ]) {
      expect(readKick(kick(1, body)), JSON.stringify(body)).toBeUndefined();
    }
    expect(readKick({ event: '$kick', body: Buffer.from('{') })).toBeUndefined();
    expect(readKick(other(1))).toBeUndefined();
  });
});
