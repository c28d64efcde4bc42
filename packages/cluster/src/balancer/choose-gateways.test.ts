import type { NodeInfo } from '@im/protocol/ports';
import { seededRandom } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeOf } from '../nodes.fixture.js';
import { chooseGateways } from './choose-gateways.js';
import { routeClient } from './route.js';

const random = seededRandom(1);
const addressOf = (id: string): string => `ws://${id}.test/`;
const choose = (nodes: readonly NodeInfo[], count = 3, prefer: Record<string, string> = {}): string[] =>
  chooseGateways({ epoch: 1, nodes }, { random, count, prefer });

/** How often each came first, in 10,000 choices. */
function firsts(nodes: readonly NodeInfo[]): Map<string, number> {
  const counts = new Map<string, number>(nodes.map(({ id }) => [addressOf(id), 0]));
  for (let i = 0; i < 10_000; i++) {
    const [first = ''] = choose(nodes);
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  return counts;
}

describe('chooseGateways', () => {
  it('has nothing to give without gateways', () => {
    expect(choose([])).toEqual([]);
    expect(choose([nodeOf('b', { role: 'broadcast' })])).toEqual([]);
    expect(routeClient({ epoch: 1, nodes: [] }, { random })).toBeUndefined();
  });

  it('skips who drains, has no weight or no address for clients', () => {
    const nodes = [
      nodeOf('draining', { draining: true }),
      nodeOf('weightless', { weight: 0 }),
      nodeOf('hidden', { addresses: { rpc: 'tcp://10.0.0.1:1' } }),
      nodeOf('good'),
    ];
    expect(choose(nodes)).toEqual([addressOf('good')]);
  });

  it('shares clients out by weight where all are equally loaded', () => {
    const counts = firsts([nodeOf('small'), nodeOf('large', { weight: 3 })]);
    // Of two, both are drawn each time, and the first drawn goes first.
    expect(counts.get(addressOf('large'))).toBeGreaterThan(7_200);
    expect(counts.get(addressOf('large'))).toBeLessThan(7_800);
  });

  it('sends nobody first to the one that is more loaded than all others, and not everybody to the one that is least', () => {
    const nodes = [0, 0.2, 0.4, 0.6, 0.8].map((load, index) => nodeOf(`g${index}`, { load }));
    const counts = firsts(nodes);
    expect(counts.get(addressOf('g4'))).toBe(0);
    // Drawn as one of two: 2 of 5.
    expect(counts.get(addressOf('g0'))).toBeGreaterThan(3_700);
    expect(counts.get(addressOf('g0'))).toBeLessThan(4_300);
  });

  it('names who is full only after everybody who is not', () => {
    const nodes = [nodeOf('full', { load: 1, weight: 1_000 }), nodeOf('a', { load: 0.9 }), nodeOf('b', { load: 0.9 })];
    for (let i = 0; i < 100; i++) expect(choose(nodes)[2]).toBe(addressOf('full'));
  });

  it('names who has the labels asked for first, then the others', () => {
    const nodes = ['us', 'us', 'us', 'eu'].map((region, index) => nodeOf(`g${index}`, { labels: { region } }));
    for (let i = 0; i < 100; i++) {
      const chosen = choose(nodes, 3, { region: 'eu' });
      expect(chosen[0]).toBe(addressOf('g3'));
      expect(chosen).toHaveLength(3);
    }
    expect(choose(nodes, 3, { region: 'mars' })).toHaveLength(3);
  });

  it('names as many as there are up to the count, each once, whatever their weights and loads', () => {
    const shape = fc.record({
      weight: fc.double({ min: 0, max: 1e6, noNaN: true }),
      load: fc.double({ min: 0, max: 2, noNaN: true }),
      draining: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 12 }), fc.integer({ min: 0, max: 5 }), (shapes, count) => {
        const nodes = shapes.map((one, index) => nodeOf(`g${index}`, one));
        const able = nodes.filter(({ weight, draining }) => weight > 0 && !draining);
        const chosen = choose(nodes, count);
        expect(chosen).toHaveLength(Math.min(count, able.length));
        expect(new Set(chosen).size).toBe(chosen.length);
      }),
    );
  });
});
