import type { NodeInfo, Topology } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeOf } from '../nodes.fixture.js';
import { TopologyView, VIEW_SWEEP_MS } from './topology-view.js';

function setUp() {
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const view = new TopologyView({ clock, onError: (error) => errors.push(error) });
  const seen: Topology[] = [];
  view.subscribe((topology) => seen.push(topology));
  const from = (manager: string, incarnation = `${manager}-1`) => ({ manager, incarnation, intervalMs: 1_000 });
  return {
    clock,
    errors,
    view,
    seen,
    publish: (manager: string, epoch: number, nodes: readonly NodeInfo[], incarnation?: string) =>
      view.published({ kind: 'topology', ...from(manager, incarnation), topology: { epoch, nodes } }),
    beat: (manager: string, epoch: number | undefined, incarnation?: string) =>
      view.beat({
        kind: 'beat',
        ...from(manager, incarnation),
        ...(epoch !== undefined && { epoch }),
        refused: [],
        orders: [],
      }),
    pass: (ms: number, during = (): void => {}) => {
      for (let passed = 0; passed < ms; passed += VIEW_SWEEP_MS) {
        clock.advance(VIEW_SWEEP_MS);
        during();
        view.sweep();
      }
    },
    ids: () => view.current.nodes.map(({ id }) => id),
  };
}

const [a, b, c] = [nodeOf('a'), nodeOf('b'), nodeOf('c')];

describe('TopologyView', () => {
  it('knows nobody at first', () => {
    expect(setUp().view.current).toEqual({ epoch: 0, nodes: [] });
  });

  it('has a node as long as one manager hears it', () => {
    const { publish, ids } = setUp();
    publish('m1', 1, [a, b]);
    publish('m2', 1, [b, c]);
    expect(ids()).toEqual(['a', 'b', 'c']);
    publish('m1', 2, [b]);
    expect(ids()).toEqual(['b', 'c']);
    publish('m1', 3, []);
    expect(ids()).toEqual(['b', 'c']);
  });

  it('tells of each later topology once, and of none that says the same', () => {
    const { publish, seen } = setUp();
    publish('m1', 1, [a]);
    publish('m2', 1, [a]);
    publish('m2', 3, [a]);
    publish('m1', 3, [a]);
    publish('m1', 4, [a, b]);
    expect(seen.map(({ epoch }) => epoch)).toEqual([1, 3, 4]);
  });

  it('goes on growing when a manager with a lower epoch changes something', () => {
    const { publish, view } = setUp();
    publish('m1', 9, [a]);
    publish('m2', 2, [a, b]);
    expect(view.current).toEqual({ epoch: 10, nodes: [a, b] });
  });

  it('keeps the last topology when all managers are dead', () => {
    const { publish, pass, view, ids } = setUp();
    publish('m1', 1, [a, b]);
    publish('m2', 1, [a, c]);
    pass(3_600_000);
    expect([ids(), view.managers]).toEqual([['a', 'b', 'c'], 0]);
  });

  it('forgets what a silent manager said when another speaks', () => {
    const { publish, pass, beat, ids } = setUp();
    publish('m1', 1, [a, b]);
    publish('m2', 1, [b]);
    pass(3_000, () => void beat('m2', 1));
    expect(ids()).toEqual(['a', 'b']);
    pass(1_000, () => void beat('m2', 1));
    expect(ids()).toEqual(['b']);
  });

  it('keeps what a silent manager said while the others only warm up', () => {
    const { publish, pass, beat, ids } = setUp();
    publish('m1', 1, [a]);
    pass(10_000, () => void beat('m2', undefined));
    expect(ids()).toEqual(['a']);
  });

  it('blames no manager for the time in which this process was away', () => {
    const { publish, clock, view, ids, beat } = setUp();
    publish('m1', 1, [a]);
    publish('m2', 1, [b]);
    clock.advance(60_000);
    beat('m2', 1);
    view.sweep();
    expect(ids()).toEqual(['a', 'b']);
  });

  it('takes the first topology of a restarted manager, and nothing away before', () => {
    const { publish, beat, ids } = setUp();
    publish('m1', 8, [a, b]);
    expect(beat('m1', undefined, 'm1-2')).toBe(false);
    expect(ids()).toEqual(['a', 'b']);
    publish('m1', 9, [b], 'm1-2');
    expect(ids()).toEqual(['b']);
  });

  it('notices by the beat that it has missed a publication', () => {
    const { publish, beat } = setUp();
    expect(beat('m1', 1)).toBe(true);
    publish('m1', 1, [a]);
    expect(beat('m1', 1)).toBe(false);
    expect(beat('m1', 2)).toBe(true);
    expect(beat('m1', 1, 'm1-2')).toBe(true);
  });

  it('takes the later of two runs, whoever says so first', () => {
    const later = nodeOf('a', { incarnation: 'a-2', startedAt: a.startedAt + 1 });
    for (const order of [[a, later] as const, [later, a] as const]) {
      const { publish, view } = setUp();
      publish('m1', 1, [order[0]]);
      publish('m2', 1, [order[1]]);
      expect(view.current.nodes).toEqual([later]);
    }
  });

  it('calls the other listeners when one fails, and none that has gone', () => {
    const { view, publish, errors, seen } = setUp();
    view.subscribe(() => {
      throw new Error('mine');
    });
    const late: Topology[] = [];
    const end = view.subscribe((topology) => late.push(topology));
    publish('m1', 1, [a]);
    end();
    publish('m1', 2, [b]);
    expect([errors.length, seen.length, late.length]).toEqual([2, 2, 1]);
  });

  it('remembers a bounded number of managers', () => {
    const { publish, ids } = setUp();
    for (let manager = 0; manager < 100; manager++) publish(`m${manager}`, 1, [nodeOf(`n${manager}`)]);
    expect(ids()).toHaveLength(64);
  });

  it('has, whatever managers say in whatever order, the union of their last words, with growing epochs', () => {
    const said = fc.record({
      manager: fc.constantFrom('m1', 'm2', 'm3'),
      step: fc.integer({ min: 1, max: 5 }),
      ids: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd')),
    });
    fc.assert(
      fc.property(fc.array(said, { maxLength: 30 }), (all) => {
        const { publish, ids, seen } = setUp();
        const last = new Map<string, { epoch: number; ids: string[] }>();
        for (const { manager, step, ids: listed } of all) {
          const epoch = (last.get(manager)?.epoch ?? 0) + step;
          last.set(manager, { epoch, ids: listed });
          publish(
            manager,
            epoch,
            listed.sort().map((id) => nodeOf(id)),
          );
          const union = new Set([...last.values()].flatMap((word) => word.ids));
          expect(ids()).toEqual([...union].sort());
        }
        const epochs = seen.map(({ epoch }) => epoch);
        expect(epochs).toEqual([...new Set(epochs)].sort((one, other) => one - other));
      }),
    );
  });
});
