import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutbox } from './outbox.js';
import type { Entry } from './service.js';

const item = (key: string) => ({ key, text: `text ${key}`, receipt: false, at: 1 });
const stored = (version: number): Entry => ({ version, event: 'message', data: {} });

describe('an outbox', () => {
  it('sends one at a time, in order, and the next once the first is stored or refused', () => {
    const outbox = createOutbox();
    for (const key of ['a', 'b', 'c']) outbox.add(item(key));
    expect(outbox.begin(7)?.key).toBe('a');
    expect(outbox.begin(7)).toBeUndefined();
    expect(outbox.current).toMatchObject({ item: { key: 'a' }, above: 7 });
    outbox.acknowledge(stored(9));
    expect(outbox.stored).toEqual([stored(9)]);
    expect(outbox.begin(8)?.key).toBe('b');
    expect(outbox.current?.above).toBe(9);
    outbox.refuse('no');
    expect(outbox.begin(9)?.key).toBe('c');
    expect(outbox.items).toMatchObject([
      { key: 'b', state: 'failed', error: 'no' },
      { key: 'c', state: 'sending' },
    ]);
    outbox.settle(9);
    expect(outbox.stored).toEqual([]);
  });

  it('sends a failed one again behind the others, or gives it up', () => {
    const outbox = createOutbox();
    for (const key of ['a', 'b']) outbox.add(item(key));
    outbox.begin(0);
    outbox.discard('a');
    outbox.refuse('no');
    outbox.retry('a', { key: 'a2', at: 5 });
    outbox.discard('b');
    expect(outbox.items).toEqual([
      { ...item('b'), state: 'sending' },
      { ...item('a2'), text: 'text a', at: 5, state: 'sending' },
    ]);
    outbox.begin(0);
    outbox.refuse('no');
    outbox.discard('b');
    expect(outbox.items.map(({ key }) => key)).toEqual(['a2']);
  });

  it('takes no more than a hundred', () => {
    const outbox = createOutbox();
    expect(Array.from({ length: 101 }, (_, n) => outbox.add(item(`${n}`))).filter(Boolean)).toHaveLength(100);
  });

  it('loses none and sends none twice, whatever happens', () => {
    const steps = fc.array(fc.constantFrom('add', 'begin', 'store', 'refuse', 'retry', 'discard', 'settle'), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, (taken) => {
        const outbox = createOutbox();
        let keys = 0;
        let version = 0;
        const written: string[] = [];
        const under: string[] = [];
        const kept: string[] = [];
        const given: string[] = [];
        for (const step of taken) {
          const failed = outbox.items.find(({ state }) => state === 'failed');
          if (step === 'add') {
            const key = `k${++keys}`;
            if (outbox.add(item(key))) written.push(key);
          } else if (step === 'begin') {
            const next = outbox.begin(version);
            if (next) under.push(next.key);
          } else if (step === 'store' && outbox.current) {
            kept.push(outbox.current.item.key);
            outbox.acknowledge(stored(++version));
          } else if (step === 'refuse' && outbox.current) outbox.refuse('no');
          else if (step === 'retry' && failed) {
            outbox.retry(failed.key, { key: `k${++keys}`, at: 1 });
            written.splice(written.indexOf(failed.key), 1);
            written.push(`k${keys}`);
          } else if (step === 'discard' && failed) {
            outbox.discard(failed.key);
            given.push(failed.key);
          } else if (step === 'settle') outbox.settle(version);
        }
        expect(new Set(under).size).toBe(under.length);
        const left = outbox.items.map(({ key }) => key);
        expect([...kept, ...given, ...left].sort()).toEqual([...written].sort());
        expect(kept).toEqual(written.filter((key) => kept.includes(key)));
      }),
    );
  });
});
