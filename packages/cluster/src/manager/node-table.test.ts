import { FakeClock } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heartbeatOf, nodeOf } from '../nodes.fixture.js';
import { type NodeEvent, NodeTable, SWEEP_MS } from './node-table.js';

function setUp(maxNodes = 100) {
  const clock = new FakeClock();
  const table = new NodeTable({ clock, maxNodes });
  const events: NodeEvent[] = [];
  const note = (event: NodeEvent | undefined): void => void (event && events.push(event));
  return {
    clock,
    table,
    beat: (...nodes: Parameters<typeof heartbeatOf>[0][]) => {
      for (const node of nodes) note(table.heartbeat(heartbeatOf(node)));
    },
    bye: (id: string, incarnation: string) => note(table.bye({ kind: 'bye', id, incarnation })),
    /** Time as it passes in a manager: with sweeps. */
    pass: (ms: number) => {
      for (let passed = 0; passed < ms; passed += SWEEP_MS) {
        clock.advance(SWEEP_MS);
        for (const event of table.sweep()) note(event);
      }
    },
    events,
    /** What happened since it was last asked. */
    kinds: () => events.splice(0).map(({ kind, node }) => `${kind} ${node.incarnation}`),
  };
}

describe('NodeTable', () => {
  it('counts a node as dead once it has missed three heartbeats, and not before', () => {
    const { beat, pass, kinds, events } = setUp();
    beat(nodeOf('a'));
    pass(3_000);
    expect(kinds()).toEqual(['came a-1']);
    pass(SWEEP_MS);
    expect(events).toMatchObject([{ kind: 'died', silentMs: 3_500 }]);
  });

  it('judges each node by the interval that it has announced', () => {
    const { table, pass, kinds } = setUp();
    table.heartbeat(heartbeatOf(nodeOf('slow'), { intervalMs: 10_000 }));
    pass(30_000);
    expect(kinds()).toEqual([]);
    pass(SWEEP_MS);
    expect(kinds()).toEqual(['died slow-1']);
  });

  it('lets a node go at once when it says good bye, but not for the farewell of an earlier run', () => {
    const { beat, bye, kinds } = setUp();
    beat(nodeOf('a', { incarnation: 'a-2' }));
    bye('a', 'a-1');
    expect(kinds()).toEqual(['came a-2']);
    bye('a', 'a-2');
    expect(kinds()).toEqual(['left a-2']);
  });

  it('takes a run that speaks from the same addresses for a restart', () => {
    const { beat, kinds, table } = setUp();
    beat(nodeOf('a'), nodeOf('a', { incarnation: 'a-2' }));
    expect(kinds()).toEqual(['came a-1', 'restarted a-2']);
    expect(table.refusals()).toEqual([]);
  });

  it('refuses another run elsewhere while the first one lives, tells so once, and takes it when the first one is dead', () => {
    const { beat, pass, kinds, table } = setUp();
    const [first, second] = [nodeOf('a'), nodeOf('a', { incarnation: 'a-2', addresses: { ws: 'ws://elsewhere/' } })];
    beat(first, second, first, second);
    expect(kinds()).toEqual(['came a-1', 'refused a-2']);
    expect(table.refusals()).toEqual([{ id: 'a', incarnation: 'a-2', reason: 'duplicate' }]);
    expect(table.nodeOf('a')).toBe(first);
    for (let second_ = 0; second_ < 4; second_++) {
      pass(1_000);
      beat(second);
    }
    expect(kinds()).toEqual(['died a-1', 'came a-2']);
    expect(table.refusals()).toEqual([]);
  });

  it('does not go back and forth between two runs that live at one place: the later one stays', () => {
    const { beat, kinds, table } = setUp();
    const [first, second] = [nodeOf('a', { addresses: {} }), nodeOf('a', { addresses: {}, incarnation: 'a-2' })];
    beat(first, second, first, second, first, second);
    expect(kinds()).toEqual(['came a-1', 'restarted a-2', 'refused a-1']);
    expect(table.nodeOf('a')).toBe(second);
  });

  it('does not mind clocks of nodes that are an hour apart', () => {
    const { beat, pass, kinds } = setUp();
    const now = 1_790_000_000_000;
    const nodes = [-1, 0, 1].map((hours) => nodeOf(`n${hours + 1}`, { startedAt: now + hours * 3_600_000 }));
    beat(...nodes);
    for (let second = 0; second < 10; second++) {
      pass(1_000);
      beat(...nodes);
    }
    expect(kinds()).toEqual(['came n0-1', 'came n1-1', 'came n2-1']);
  });

  it('does not mind a jump of its own clock', () => {
    const { beat, pass, kinds, clock } = setUp();
    beat(nodeOf('a'));
    clock.jump(clock.now() + 3_600_000);
    pass(1_000);
    expect(kinds()).toEqual(['came a-1']);
  });

  it('blames nobody for the time in which it was away itself', () => {
    const { beat, pass, kinds, clock } = setUp();
    beat(nodeOf('a'));
    clock.advance(60_000);
    pass(1_000);
    expect(kinds()).toEqual(['came a-1']);
    pass(4_000);
    expect(kinds()).toEqual(['died a-1']);
  });

  it('takes as many nodes as it may hold', () => {
    const { beat, kinds, table, pass } = setUp(2);
    beat(nodeOf('a'), nodeOf('b'), nodeOf('c'), nodeOf('c'));
    expect(kinds()).toEqual(['came a-1', 'came b-1', 'refused c-1']);
    expect([table.size, table.refusals()]).toEqual([2, [{ id: 'c', incarnation: 'c-1', reason: 'full' }]]);
    pass(3_500);
    expect(table.refusals()).toEqual([]);
  });

  it('tells of changes, and not of load, which is the newest one all the same', () => {
    const { beat, kinds, table } = setUp();
    beat(nodeOf('a'), nodeOf('a', { load: 0.5 }));
    expect(kinds()).toEqual(['came a-1']);
    expect(table.nodeOf('a')?.load).toBe(0.5);
    beat(nodeOf('a', { draining: true }));
    expect(kinds()).toEqual(['changed a-1']);
  });

  it('holds, after any history, exactly those whose events say that they live', () => {
    const ids = fc.constantFrom('a', 'b', 'c');
    const run = fc.constantFrom('1', '2', '3');
    const place = fc.constantFrom('x', 'y');
    const action = fc.oneof(
      fc.tuple(fc.constant('beat' as const), ids, run, place),
      fc.tuple(fc.constant('bye' as const), ids, run, place),
      fc.tuple(fc.constant('pass' as const), fc.integer({ min: 1, max: 8 })),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { table, beat, bye, pass, events } = setUp(2);
        const heardAgo = new Map<string, number>();
        for (const one of actions) {
          if (one[0] === 'pass') {
            pass(one[1] * SWEEP_MS);
            for (const [key, ago] of heardAgo) heardAgo.set(key, ago + one[1] * SWEEP_MS);
          } else if (one[0] === 'beat') {
            beat(nodeOf(one[1], { incarnation: one[2], addresses: { ws: one[3] } }));
            heardAgo.set(`${one[1]} ${one[2]}`, 0);
          } else bye(one[1], one[2]);
          expect(table.size).toBeLessThanOrEqual(2);
        }
        const alive = new Map<string, string>();
        for (const { kind, node } of events) {
          if (kind === 'came') expect(alive.has(node.id)).toBe(false);
          if (kind === 'came' || kind === 'restarted') alive.set(node.id, node.incarnation);
          if (kind === 'died' || kind === 'left') {
            expect(alive.get(node.id)).toBe(node.incarnation);
            alive.delete(node.id);
          }
        }
        const held = table.statuses().map(({ node }) => [node.id, node.incarnation] as const);
        expect(new Map(held)).toEqual(alive);
        for (const [id, incarnation] of held) expect(heardAgo.get(`${id} ${incarnation}`)).toBeLessThanOrEqual(3_000);
      }),
    );
  });
});
