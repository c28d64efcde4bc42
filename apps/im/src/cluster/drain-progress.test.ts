import type { DrainOrder, JournalEntry, JournalKind, NodeStatus } from '@im/cluster';
import { describe, expect, it } from 'vitest';
import { gatewayNamed, progressOf } from './drain-progress.js';

const order: DrainOrder = { order: 'o-1', id: 'host-gateway-2', incarnation: 'x', windowMs: 10_000, restart: false };

const statusOf = (id: string, incarnation = 'x', draining = false, connections?: number): NodeStatus => ({
  node: {
    ...{ id, incarnation, draining, role: 'gateway', version: '1', addresses: {}, labels: {} },
    ...{ weight: 1, load: 0, startedAt: 0 },
  },
  figures: connections === undefined ? {} : { connections },
  silentMs: 0,
});
const journalOf = (...kinds: JournalKind[]): JournalEntry[] =>
  kinds.map((kind, at) => ({ at, kind, id: order.id, text: '' }));
const progress = (nodes: NodeStatus[], kinds: JournalKind[] = ['came', 'ordered'], orders = [order]) =>
  progressOf(order, { nodes, orders }, journalOf(...kinds));

describe('what becomes of a gateway that was ordered to drain', () => {
  it('is told, then drains with fewer and fewer clients', () => {
    expect(progress([statusOf(order.id)])).toEqual({ kind: 'told' });
    expect(progress([statusOf(order.id, 'x', true, 7)])).toEqual({ kind: 'draining', clients: 7 });
    expect(progress([statusOf(order.id, 'x', true)])).toEqual({ kind: 'draining', clients: undefined });
  });

  it('is gone when it has said good bye since, and back when another run is there', () => {
    expect(progress([], ['came', 'left', 'came', 'ordered', 'left'])).toEqual({ kind: 'gone' });
    expect(progress([statusOf(order.id, 'y')], ['ordered', 'changed', 'left', 'came'])).toEqual({ kind: 'back' });
  });

  it.each<[string, NodeStatus[], JournalKind[]]>([
    ['fell silent', [], ['left', 'ordered', 'died']],
    ['fell silent and was started again', [statusOf(order.id, 'y')], ['ordered', 'died', 'came']],
    ['was started again so soon that nobody missed it', [statusOf(order.id, 'y')], ['ordered', 'restarted']],
  ])('has died when it %s', (_how, nodes, kinds) => {
    expect(progress(nodes, kinds)).toEqual({ kind: 'died' });
  });

  it('is told, for all that is known, when its manager was started again and has not heard of it yet', () => {
    expect(progress([], [], [])).toEqual({ kind: 'told' });
    expect(progress([], ['came', 'left'], [])).toEqual({ kind: 'gone' });
    expect(progress([], ['came', 'died'], [])).toEqual({ kind: 'died' });
  });

  it('is overruled when another order stands in its place', () => {
    const other = { order: 'o-2', id: order.id, incarnation: 'x', restart: false };
    expect(progress([statusOf(order.id)], undefined, [other])).toEqual({ kind: 'overruled' });
  });
});

describe('the name of a gateway', () => {
  const nodes = ['h-gateway-1-8080', 'h-gateway-2-8081', 'h-gateway-12-8082'].map((id) => statusOf(id));

  it('is its id, or a part of it that only one has', () => {
    for (const name of ['h-gateway-2-8081', 'gateway-2', '8081', 'gateway-2-8081'])
      expect(gatewayNamed(name, { nodes })).toBe('h-gateway-2-8081');
    expect(gatewayNamed('gateway-1', { nodes })).toBe('h-gateway-1-8080');
  });

  it('is refused with those there are when nobody or several have it', () => {
    expect(() => gatewayNamed('gateway-3', { nodes })).toThrow(
      /^no gateway is called gateway-3: there are h-gateway-1-8080, /,
    );
    expect(() => gatewayNamed('h', { nodes })).toThrow(/^more than one gateway is called h: /);
    expect(() => gatewayNamed('a', { nodes: [] })).toThrow('no gateway is called a: there is none');
  });
});
