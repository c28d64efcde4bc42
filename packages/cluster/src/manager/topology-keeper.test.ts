import { FakeClock } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_EPOCH } from '../heartbeat.js';
import { nodeOf } from '../nodes.fixture.js';
import { TopologyKeeper } from './topology-keeper.js';

const OPTIONS = { warmUpMs: 2_000, gatherMs: 1_000, lossWindowMs: 8_000, holdMs: 60_000 };

/** Warmed up, with these nodes published. */
function setUp(count: number) {
  const clock = new FakeClock();
  const keeper = new TopologyKeeper({ clock, ...OPTIONS });
  const ids = Array.from({ length: count }, (_, index) => `n${index}`);
  for (const id of ids) keeper.admit(nodeOf(id));
  clock.advance(OPTIONS.warmUpMs);
  keeper.tick();
  return {
    clock,
    keeper,
    ids,
    lose: (...lost: string[]) => {
      for (const id of lost) keeper.lose(id);
    },
    pass: (ms: number) => {
      clock.advance(ms);
      return keeper.tick();
    },
    listed: () => keeper.topology?.nodes.map(({ id }) => id),
  };
}

describe('TopologyKeeper', () => {
  it('publishes nothing before it is warm, then everybody at once, by id', () => {
    const clock = new FakeClock();
    const keeper = new TopologyKeeper({ clock, ...OPTIONS });
    keeper.admit(nodeOf('b'));
    clock.advance(1_999);
    keeper.admit(nodeOf('a'));
    expect([keeper.tick(), keeper.topology]).toEqual([undefined, undefined]);
    clock.advance(1);
    expect(keeper.tick()).toEqual({ epoch: 1, nodes: [nodeOf('a'), nodeOf('b')] });
    expect(keeper.tick()).toBeUndefined();
  });

  it('publishes an empty topology when nobody has come: that is known too', () => {
    expect(setUp(0).keeper.topology).toEqual({ epoch: 1, nodes: [] });
  });

  it('begins above the epoch that nodes go by', () => {
    const clock = new FakeClock();
    const keeper = new TopologyKeeper({ clock, ...OPTIONS });
    keeper.heard(41);
    clock.advance(OPTIONS.warmUpMs);
    expect(keeper.tick()?.epoch).toBe(42);
  });

  it('takes over a higher epoch without going beyond it, so that managers do not drive each other up', () => {
    const { keeper } = setUp(1);
    keeper.heard(7);
    expect(keeper.tick()).toEqual({ epoch: 7, nodes: [nodeOf('n0')] });
    keeper.heard(7);
    expect(keeper.tick()).toBeUndefined();
    keeper.admit(nodeOf('n1'));
    expect(keeper.tick()?.epoch).toBe(8);
  });

  it('believes no epoch that leaves no room', () => {
    const { keeper } = setUp(1);
    keeper.heard(MAX_EPOCH + 1);
    expect(keeper.tick()).toBeUndefined();
  });

  it('lets half of the nodes go once it has waited whether more follow', () => {
    const { lose, pass, listed } = setUp(4);
    lose('n0', 'n1');
    expect(pass(999)).toBeUndefined();
    expect(pass(1)?.nodes).toHaveLength(2);
    expect(listed()).toEqual(['n2', 'n3']);
  });

  it('lets who says good bye go at once, however many', () => {
    const { keeper, ids } = setUp(4);
    for (const id of ids) keeper.remove(id);
    expect(keeper.tick()?.nodes).toEqual([]);
  });

  it('holds back the loss of more than half, and lets it go after the time that is configured', () => {
    const { lose, pass, listed, keeper, ids } = setUp(4);
    lose('n0', 'n1', 'n2');
    expect(pass(1_000)).toBeUndefined();
    expect(keeper.heldBack).toEqual({ ids: ['n0', 'n1', 'n2'], forMs: 0 });
    expect(pass(59_999)).toBeUndefined();
    expect(listed()).toEqual(ids);
    expect(pass(1)?.nodes.map(({ id }) => id)).toEqual(['n3']);
    expect(keeper.heldBack).toBeUndefined();
  });

  it('holds it back also when the losses follow each other', () => {
    const { lose, pass, listed, keeper } = setUp(10);
    for (const id of ['n0', 'n1', 'n2', 'n3', 'n4']) {
      lose(id);
      pass(1_000);
    }
    lose('n5');
    pass(1_000);
    expect(keeper.heldBack?.ids).toEqual(['n5']);
    expect(listed()).toEqual(['n5', 'n6', 'n7', 'n8', 'n9']);
  });

  it('lets a cluster shrink to nothing one by one, over a longer time', () => {
    const { lose, pass, listed, ids } = setUp(5);
    for (const id of ids.slice(0, -1)) {
      lose(id);
      pass(1_000);
      pass(OPTIONS.lossWindowMs);
    }
    expect(listed()).toEqual(['n4']);
  });

  it('lets it go when an operator says so, and holds back the next one again', () => {
    const { lose, pass, keeper, listed } = setUp(7);
    expect(keeper.release()).toBe(0);
    lose('n0', 'n1', 'n2', 'n3');
    pass(1_000);
    expect(keeper.release()).toBe(4);
    expect(pass(0)?.nodes).toHaveLength(3);
    lose('n4', 'n5');
    expect(pass(1_000)).toBeUndefined();
    expect(listed()).toEqual(['n4', 'n5', 'n6']);
  });

  it('lets nobody go who came back, and the others once they are the smaller part', () => {
    const { lose, pass, keeper, listed } = setUp(4);
    lose('n0', 'n1', 'n2');
    pass(1_000);
    keeper.admit(nodeOf('n0'));
    keeper.admit(nodeOf('n1'));
    pass(0);
    expect(listed()).toEqual(['n0', 'n1', 'n3']);
    expect(keeper.heldBack).toBeUndefined();
  });

  it('still publishes who comes while it holds back', () => {
    const { lose, pass, keeper } = setUp(2);
    lose('n0', 'n1');
    pass(1_000);
    keeper.admit(nodeOf('n9'));
    expect(pass(0)?.nodes.map(({ id }) => id)).toEqual(['n0', 'n1', 'n9']);
    expect(keeper.heldBack?.ids).toEqual(['n0', 'n1']);
  });

  it('never loses more than half at once without time or an operator, and its epochs only grow, whatever happens', () => {
    const id = fc.integer({ min: 0, max: 7 }).map((number) => `n${number}`);
    const action = fc.oneof(
      fc.tuple(fc.constant('admit' as const), id),
      fc.tuple(fc.constant('lose' as const), id),
      fc.tuple(fc.constant('heard' as const), fc.integer({ min: 0, max: 50 })),
      fc.tuple(fc.constant('pass' as const), fc.integer({ min: 0, max: 3_000 })),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const clock = new FakeClock();
        const keeper = new TopologyKeeper({ clock, ...OPTIONS, holdMs: Infinity });
        const alive = new Set<string>();
        let last = keeper.topology;
        for (const [kind, value] of actions) {
          if (kind === 'admit') {
            alive.add(value);
            keeper.admit(nodeOf(value));
          } else if (kind === 'lose') {
            alive.delete(value);
            keeper.lose(value);
          } else if (kind === 'heard') keeper.heard(value);
          else clock.advance(value);
          const next = keeper.tick();
          if (next === undefined) continue;
          expect(next.epoch).toBeGreaterThan(last?.epoch ?? 0);
          const ids = new Set(next.nodes.map((node) => node.id));
          for (const one of alive) expect(ids).toContain(one);
          const before = last?.nodes ?? [];
          expect(before.filter((node) => !ids.has(node.id)).length * 2).toBeLessThanOrEqual(before.length);
          last = next;
        }
      }),
    );
  });
});
