import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createExcerpt, type Page, type Want } from './excerpt.js';
import type { Entry } from './service.js';

const entry = (version: number): Entry => ({
  version,
  event: 'message',
  data: { id: `m${version}`, from: { user: 'bob', name: 'Bob' }, text: `text ${version}`, at: version },
});

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n);

/** A log of so many entries, and the service that reads it. */
function pageOf(head: number, { before, after }: Want, limit = 50, epoch = 'e1'): Page {
  const first = after !== undefined ? after + 1 : Math.max(1, (before ?? head + 1) - limit);
  const last = after !== undefined ? Math.min(head, after + limit) : (before ?? head + 1) - 1;
  return { epoch, first, last, version: head, entries: range(first, last).map(entry) };
}

const versions = (entries: readonly Entry[]): number[] => entries.map(({ version }) => version);

describe('an excerpt of a conversation', () => {
  it('wants the newest page first, and then what is live, in order and once', () => {
    const excerpt = createExcerpt();
    expect([excerpt.wanted, excerpt.loaded]).toEqual([{}, false]);
    excerpt.take(entry(101));
    excerpt.page(pageOf(100, {}), {});
    excerpt.take(entry(100));
    excerpt.take(entry(102));
    excerpt.take(entry(102));
    expect(versions(excerpt.entries)).toEqual(range(51, 102));
    expect([excerpt.wanted, excerpt.hasOlder, excerpt.hasNewer]).toEqual([undefined, true, false]);
  });

  it('shows nothing beyond a hole until it is filled', () => {
    const excerpt = createExcerpt();
    excerpt.page(pageOf(3, {}), {});
    excerpt.take(entry(6));
    excerpt.take(entry(5));
    expect(versions(excerpt.entries)).toEqual([1, 2, 3]);
    expect(excerpt.wanted).toEqual({ after: 3 });
    excerpt.take(entry(4));
    expect(versions(excerpt.entries)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(excerpt.wanted).toBeUndefined();
  });

  it('takes of an answer only what has not come meanwhile', () => {
    const excerpt = createExcerpt();
    excerpt.page(pageOf(3, {}), {});
    excerpt.take(entry(7));
    const { wanted } = excerpt;
    excerpt.take(entry(4));
    excerpt.page(pageOf(6, { after: 3 }), wanted as Want);
    expect(versions(excerpt.entries)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('loads older ones, and beyond its bound gives up the newest until they are wanted again', () => {
    const excerpt = createExcerpt();
    excerpt.page(pageOf(2_000, {}, 100), {});
    for (let want = excerpt.toward('older'); want; want = excerpt.toward('older'))
      excerpt.page(pageOf(2_000, want, 100), want);
    expect(versions(excerpt.entries)).toEqual(range(1, 1_000));
    expect([excerpt.hasOlder, excerpt.hasNewer, excerpt.wanted]).toEqual([false, true, undefined]);
    excerpt.take(entry(2_001));
    expect(excerpt.last).toBe(1_000);
    for (let want = excerpt.toward('newer'); want; want = excerpt.toward('newer'))
      excerpt.page(pageOf(2_001, want, 100), want);
    expect(versions(excerpt.entries)).toEqual(range(1_002, 2_001));
    expect([excerpt.hasOlder, excerpt.hasNewer]).toEqual([true, false]);
  });

  it('begins anew at the newest when too much is missing, and in another epoch', () => {
    const excerpt = createExcerpt();
    excerpt.page(pageOf(10, {}), {});
    excerpt.reaches(400);
    expect(excerpt.wanted).toEqual({ after: 10 });
    excerpt.reaches(600);
    expect(excerpt.wanted).toEqual({});
    excerpt.page(pageOf(600, {}), {});
    expect(versions(excerpt.entries)).toEqual(range(551, 600));
    excerpt.reaches(2, 'e2');
    expect([excerpt.entries, excerpt.wanted]).toEqual([[], {}]);
    excerpt.page(pageOf(600, { after: 600 }), { after: 600 });
    expect(excerpt.loaded).toBe(false);
    excerpt.page(pageOf(2, {}, 50, 'e2'), {});
    expect(versions(excerpt.entries)).toEqual([1, 2]);
  });

  it('takes back and forgets also what an answer brings that was on its way', () => {
    const excerpt = createExcerpt();
    excerpt.takeBack(2);
    excerpt.forget({ versions: [4], upTo: 1 });
    excerpt.page(pageOf(5, {}), {});
    excerpt.take(entry(2));
    expect(versions(excerpt.entries)).toEqual([2, 3, 5]);
    expect(excerpt.entries[0]?.data).toEqual({ id: 'm2', from: { user: 'bob', name: 'Bob' }, at: 2, takenBack: true });
    excerpt.takeBack(3);
    excerpt.forget({ upTo: 2 });
    expect(excerpt.entries.map(({ data }) => (data as { takenBack?: boolean }).takenBack)).toEqual([true, undefined]);
  });

  it('does not ask for ever for what the log does not hold', () => {
    const excerpt = createExcerpt();
    excerpt.page(pageOf(5, {}), {});
    excerpt.reaches(9);
    excerpt.page({ epoch: 'e1', first: 6, last: 5, version: 5, entries: [] }, { after: 5 });
    expect(excerpt.wanted).toBeUndefined();
  });

  it('is the log between its first and its last, without what is forgotten, whatever comes in whatever order', () => {
    type Step = readonly [what: string, n: number];
    const steps = fc.array(
      fc.tuple(
        fc.constantFrom(
          'append',
          'append',
          'lose',
          'late',
          'repeat',
          'ask',
          'ask',
          'answer',
          'answer',
          'older',
          'back',
          'forget',
          'newer',
          'reaches',
        ),
        fc.nat(200),
      ),
      { maxLength: 150 },
    );
    fc.assert(
      fc.property(fc.nat(150), steps, (before, taken) => {
        const excerpt = createExcerpt();
        let head = before;
        const late: number[] = [];
        const asked: [Page, Want][] = [];
        const takenBack = new Set<number>();
        const forgotten = new Set<number>();
        const ask = (want: Want | undefined) => want && asked.push([pageOf(head, want, 20), want]);
        const isRight = () => {
          const shown = versions(excerpt.entries);
          const visible = range(shown[0] ?? 1, excerpt.last).filter((version) => !forgotten.has(version));
          if (excerpt.loaded)
            expect(shown).toEqual(visible.filter((version) => version >= (shown[0] ?? Number.POSITIVE_INFINITY)));
          for (const { version, data } of excerpt.entries) {
            expect('text' in (data as object), `${version}`).toBe(!takenBack.has(version));
          }
        };
        const acts: Record<string, (n: number) => void> = {
          append: () => excerpt.take(entry(++head)),
          lose: () => void head++,
          late: (n) => {
            late.push(++head);
            if (late.length > n % 5) excerpt.take(entry(late.splice(n % late.length, 1)[0] as number));
          },
          repeat: (n) => head > 0 && excerpt.take(entry(1 + (n % head))),
          ask: () => ask(excerpt.wanted),
          answer: (n) => {
            const [answer] = asked.splice(n % Math.max(1, asked.length), 1);
            if (answer) excerpt.page(...answer);
          },
          older: () => ask(excerpt.toward('older')),
          newer: () => ask(excerpt.toward('newer')),
          back: (n) => {
            if (head === 0 || takenBack.size >= 200) return;
            takenBack.add(1 + (n % head));
            excerpt.takeBack(1 + (n % head));
          },
          forget: (n) => {
            if (head === 0) return;
            forgotten.add(1 + (n % head));
            excerpt.forget({ versions: [1 + (n % head)] });
          },
          reaches: () => excerpt.reaches(head, 'e1'),
        };
        for (const [what, n] of taken as readonly Step[]) {
          acts[what]?.(n);
          isRight();
        }
        excerpt.reaches(head, 'e1');
        for (let want = excerpt.wanted, turns = 0; want; want = excerpt.wanted) {
          expect(turns++).toBeLessThan(100);
          excerpt.page(pageOf(head, want, 20), want);
          isRight();
        }
        if (!excerpt.hasNewer) expect(excerpt.last).toBe(head);
      }),
      { numRuns: 500 },
    );
  });
});
