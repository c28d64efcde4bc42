/** What every online list promises, as tests. An engine is in order when the whole suite passes on it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_PAGE, type OnlineList, type OnlineMember } from '../online-list.js';

export interface OnlineListUnderTest {
  readonly list: OnlineList;
  /** Resolves when what was entered and left so far can be read. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const GROUP = 'r:1';

/** @param factory makes an empty list; it is closed by the suite */
export function describeOnlineListContract(name: string, factory: () => Promise<OnlineListUnderTest>): void {
  describe(`online list: ${name}`, () => {
    let subject: OnlineListUnderTest;
    let list: OnlineList;
    beforeEach(async () => {
      subject = await factory();
      list = subject.list;
    });
    afterEach(() => subject.close());

    /** Users of all pages, page by page. */
    async function pages(limit: number, between: () => void = () => {}): Promise<string[][]> {
      const seen: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await list.page(GROUP, cursor === undefined ? { limit } : { limit, cursor });
        seen.push(page.members.map(({ user }) => user));
        cursor = page.cursor;
        between();
        await subject.settled();
      } while (cursor !== undefined);
      return seen;
    }

    it('is empty where nobody entered', async () => {
      expect(await list.count(GROUP)).toBe(0);
      expect(await list.has(GROUP, 'ann')).toBe(false);
      expect(await list.page(GROUP, { limit: 10 })).toEqual({ members: [] });
    });

    it('lists members in the order in which they entered, with what was said of them', async () => {
      list.enter(GROUP, 's1', { user: 'bob', attributes: { level: 3, vip: true }, sinceMs: 1_000 });
      list.enter(GROUP, 's2', { user: 'ann', attributes: { name: '安' }, sinceMs: 2_000 });
      await subject.settled();
      expect(await list.page(GROUP, { limit: 10 })).toEqual({
        members: [
          { user: 'bob', attributes: { level: 3, vip: true }, sinceMs: 1_000 },
          { user: 'ann', attributes: { name: '安' }, sinceMs: 2_000 },
        ],
      });
      expect(await list.has(GROUP, 'ann')).toBe(true);
    });

    it('counts a user with several sessions once, until the last of them left', async () => {
      list.enter(GROUP, 's1', named('ann', 1));
      list.enter(GROUP, 's2', named('ann', 2));
      list.enter(GROUP, 's2', named('ann', 3));
      await subject.settled();
      expect(await list.count(GROUP)).toBe(1);
      list.leave(GROUP, 's1');
      await subject.settled();
      expect([await list.count(GROUP), await list.has(GROUP, 'ann')]).toEqual([1, true]);
      list.leave(GROUP, 's2');
      await subject.settled();
      expect([await list.count(GROUP), await list.has(GROUP, 'ann')]).toEqual([0, false]);
    });

    it('shows a user since the first session, with the attributes of the last', async () => {
      list.enter(GROUP, 's1', { user: 'ann', attributes: { mood: 'old', level: 1 }, sinceMs: 1_000 });
      list.enter(GROUP, 's2', { user: 'ann', attributes: { mood: 'new' }, sinceMs: 2_000 });
      await subject.settled();
      expect((await list.page(GROUP, { limit: 1 })).members).toEqual([
        { user: 'ann', attributes: { mood: 'new' }, sinceMs: 1_000 },
      ]);
    });

    it('puts a user who left and came back at the end', async () => {
      for (const user of ['ann', 'bob', 'cat']) list.enter(GROUP, user, named(user));
      list.leave(GROUP, 'ann');
      list.enter(GROUP, 'ann', named('ann'));
      await subject.settled();
      expect(await pages(10)).toEqual([['bob', 'cat', 'ann']]);
    });

    it('moves a session that enters as another user', async () => {
      list.enter(GROUP, 's1', named('ann'));
      list.enter(GROUP, 's1', named('bob'));
      await subject.settled();
      expect(await pages(10)).toEqual([['bob']]);
    });

    it('ignores the leaving of unknown sessions and keeps groups apart', async () => {
      list.enter(GROUP, 's1', named('ann'));
      list.leave(GROUP, 's2');
      list.leave('r:2', 's1');
      await subject.settled();
      expect(await list.count(GROUP)).toBe(1);
      expect(await list.count('r:2')).toBe(0);
    });

    it('pages through everyone once, without a cursor on the last page', async () => {
      const users = Array.from({ length: 7 }, (_, i) => `user${i}`);
      for (const user of users) list.enter(GROUP, user, named(user));
      await subject.settled();
      expect(await pages(3)).toEqual([users.slice(0, 3), users.slice(3, 6), users.slice(6)]);
      expect(await pages(7)).toEqual([users]);
    });

    it('shows those who stay exactly once, whoever comes and goes between the pages', async () => {
      const users = Array.from({ length: 200 }, (_, i) => `user${i}`);
      for (const user of users) list.enter(GROUP, user, named(user));
      await subject.settled();
      let turn = 0;
      const seen = await pages(20, () => {
        // Odd ones leave from the front, others come at the end.
        for (let i = 0; i < 20; i += 1) {
          const leaving = turn * 20 + i;
          if (leaving % 2 === 1 && turn < 10) list.leave(GROUP, `user${leaving}`);
        }
        if (turn < 5) list.enter(GROUP, `late${turn}`, named(`late${turn}`));
        turn += 1;
      });
      const all = seen.flat();
      expect(new Set(all).size).toBe(all.length);
      expect(all.filter((user) => users.includes(user) && Number(user.slice(4)) % 2 === 0)).toEqual(
        users.filter((_, i) => i % 2 === 0),
      );
    });

    it('goes on after a cursor whose members have all left', async () => {
      for (let i = 0; i < 100; i += 1) list.enter(GROUP, `s${i}`, named(`user${i}`));
      await subject.settled();
      const { cursor } = await list.page(GROUP, { limit: 50 });
      for (let i = 0; i < 98; i += 1) list.leave(GROUP, `s${i}`);
      await subject.settled();
      expect(cursor).toBeDefined();
      const { members } = await list.page(GROUP, { limit: 50, cursor: cursor as string });
      expect(members.map(({ user }) => user)).toEqual(['user98', 'user99']);
    });

    it.each([0, -1, 1.5, MAX_PAGE + 1, Number.NaN])('refuses the limit %d', async (limit) => {
      await expect(list.page(GROUP, { limit })).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
    });

    it.each(['', '../1', 'x'.repeat(64)])('refuses the cursor %j', async (cursor) => {
      await expect(list.page(GROUP, { limit: 1, cursor })).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
    });
  });
}

function named(user: string, level = 1): OnlineMember {
  return { user, attributes: { level }, sinceMs: 1_790_000_000_000 };
}
