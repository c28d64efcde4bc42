import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry, Summary } from './service.js';
import { createSummaries } from './summaries.js';

const message = (version: number, user = 'bob'): Entry => ({
  version,
  event: 'message',
  data: { id: `m${version}`, from: { user, name: user }, text: `text ${version}`, at: version * 10 },
});

const summary = (more: Partial<Summary> = {}): Summary => ({
  conversation: 'g:1',
  kind: 'group',
  name: 'Friends',
  members: 3,
  role: 'member',
  at: 0,
  unread: 0,
  read: 0,
  muted: false,
  epoch: 'e1',
  version: 0,
  ...more,
});

describe('the list of conversations', () => {
  it('counts what others wrote beyond what the service counted, each once, until it is read', () => {
    const summaries = createSummaries();
    summaries.answer(summary({ unread: 2, version: 5, read: 3 }));
    for (const version of [4, 6, 7, 7, 6]) summaries.take('g:1', message(version), 'ann');
    expect(summaries.get('g:1')).toMatchObject({ unread: 4, version: 7, last: { version: 7 }, at: 70 });
    expect(summaries.read('g:1', 6)).toBe(true);
    expect(summaries.unread).toBe(1);
    summaries.read('g:1', 4);
    expect(summaries.get('g:1')).toMatchObject({ unread: 1, read: 6 });
  });

  it('has the service asked where a conversation was read that is not known: an answer on its way may not say so', () => {
    expect(createSummaries().read('g:1', 1)).toBe(false);
  });

  it('has what stands before one’s own message as read, and asks where that is not known', () => {
    const summaries = createSummaries();
    summaries.answer(summary({ unread: 2, version: 5, read: 3 }));
    summaries.take('g:1', message(6), 'ann');
    expect(summaries.take('g:1', message(7, 'ann'), 'ann')).toBe(true);
    expect(summaries.get('g:1')).toMatchObject({ unread: 0, read: 7, version: 7, last: { version: 7 } });
    // Heard late.
    summaries.answer(summary({ unread: 3, version: 12, read: 7 }));
    expect(summaries.take('g:1', message(10, 'ann'), 'ann')).toBe(false);
  });

  it('asks the service where it cannot know how many are left', () => {
    const summaries = createSummaries();
    expect(summaries.take('g:1', message(1), 'ann')).toBe(false);
    summaries.answer(summary({ unread: 5, version: 20 }));
    expect(summaries.read('g:1', 18)).toBe(false);
    expect(summaries.get('g:1')?.unread).toBe(2);
    summaries.take('g:1', message(21), 'ann');
    const takenBack = (version: number, of: number): Entry => ({
      version,
      event: 'taken-back',
      data: { of, by: { user: 'bob' } },
    });
    expect(summaries.take('g:1', takenBack(22, 21), 'ann')).toBe(true);
    expect(summaries.get('g:1')).toMatchObject({ unread: 2, last: { version: 21, data: { takenBack: true } } });
    expect(summaries.take('g:1', takenBack(23, 19), 'ann')).toBe(false);
  });

  it('says 100 for all that are more than 99, and leaves out what is muted', () => {
    const summaries = createSummaries();
    summaries.answer(summary({ unread: 98, version: 98 }));
    for (let version = 99; version < 300; version++) summaries.take('g:1', message(version), 'ann');
    expect(summaries.unread).toBe(100);
    summaries.change('g:1', { muted: true });
    expect(summaries.unread).toBe(0);
    summaries.read('g:1', 299);
    expect(summaries.get('g:1')).toMatchObject({ unread: 0, muted: true });
  });

  it('shows who is in a group, what it is called and one’s role as it changes', () => {
    const summaries = createSummaries();
    summaries.answer(summary());
    const by = { user: 'bob', name: 'Bob' };
    const changes: Omit<Entry, 'version'>[] = [
      { event: 'members', data: { by, at: 1, added: ['cat', 'dan'] } },
      { event: 'members', data: { by, at: 2, removed: ['cat'] } },
      { event: 'members', data: { by, at: 3, role: { user: 'ann', role: 'admin' } } },
      { event: 'renamed', data: { by, at: 4, name: 'Old friends' } },
    ];
    for (const [n, change] of changes.entries()) summaries.take('g:1', { ...change, version: n + 1 }, 'ann');
    expect(summaries.get('g:1')).toMatchObject({ members: 4, role: 'admin', name: 'Old friends', at: 4 });
    summaries.take('g:1', { event: 'members', data: { by, at: 5, left: 'bob', owner: 'ann' }, version: 5 }, 'ann');
    expect(summaries.get('g:1')).toMatchObject({ members: 3, role: 'owner' });
    summaries.take('g:1', { event: 'members', data: { by, at: 5, left: 'bob', owner: 'ann' }, version: 5 }, 'ann');
    expect(summaries.get('g:1')?.members).toBe(3);
  });

  it('puts what happened last first, knows people, and keeps a thousand', () => {
    const summaries = createSummaries();
    for (let n = 1; n <= 1_001; n++) {
      summaries.answer(summary({ conversation: `d:${n}`, kind: 'direct', peer: { user: `u${n}` }, at: n, version: 1 }));
    }
    expect(summaries.list).toHaveLength(1_000);
    expect(summaries.with('u1')).toBeUndefined();
    expect(summaries.with('u1001')?.conversation).toBe('d:1001');
    summaries.take('d:7', message(999), 'ann');
    expect(summaries.list[0]?.conversation).toBe('d:7');
    const { list } = summaries;
    expect(summaries.list).toBe(list);
    summaries.remove('d:7');
    expect(summaries.list.map(({ conversation }) => conversation)).not.toContain('d:7');
  });

  it('is what the service would say, whenever answers are taken and in whatever order people read and write', () => {
    const steps = fc.array(
      fc.tuple(fc.constantFrom('bob', 'bob', 'ann', 'late', 'read', 'ask', 'answer', 'elsewhere'), fc.nat(30)),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (taken) => {
        const summaries = createSummaries();
        const log: string[] = [];
        let read = 0;
        const late: number[] = [];
        const asked: Summary[] = [];
        const unread = () => log.filter((user, n) => user !== 'ann' && n + 1 > read).length;
        const said = () => summary({ version: log.length, unread: Math.min(unread(), 100), read });
        summaries.answer(said());
        let isCertain = true;
        for (const [what, n] of taken) {
          if (what === 'bob' || what === 'ann') {
            log.push(what);
            if (what === 'ann') read = log.length;
            isCertain = summaries.take('g:1', message(log.length, what), 'ann') && isCertain;
          } else if (what === 'late') {
            log.push('bob');
            late.push(log.length);
          } else if (what === 'ask') asked.push(said());
          else if (what === 'answer') {
            const answer = asked.shift();
            if (answer) isCertain = summaries.answer(answer) && isCertain;
          } else {
            const version = Math.min(n, log.length);
            if (version > read) read = version;
            isCertain = summaries.read('g:1', version) && isCertain;
          }
        }
        for (const version of late.reverse()) summaries.take('g:1', message(version), 'ann');
        for (const answer of asked) isCertain = summaries.answer(answer) && isCertain;
        if (!isCertain) summaries.answer(said());
        expect(summaries.get('g:1')).toMatchObject({ unread: unread(), read, version: log.length });
      }),
      { numRuns: 1_000 },
    );
  });
});
