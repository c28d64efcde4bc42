import type { NodeInfo } from '@im/protocol/ports';
import { describe, expect, it } from 'vitest';
import { MAX_ORDERS } from '../drain-order.js';
import { nodeOf } from '../nodes.fixture.js';
import { type DrainRequest, OrderBook } from './order-book.js';

let count = 0;
const bookOf = (): OrderBook => new OrderBook(() => `o-${++count}`);
const topologyOf = (...nodes: NodeInfo[]) => ({ epoch: 1, nodes });
const TWO = topologyOf(nodeOf('a'), nodeOf('b'));
const refused = (message: RegExp) =>
  expect.objectContaining({ name: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });

describe('the orders of a manager', () => {
  it('name the run of the gateway, and stand until they are forgotten', () => {
    const book = bookOf();
    const order = book.drain({ node: 'a', windowMs: 10_000 }, TWO);
    expect(order).toEqual({ order: order.order, id: 'a', incarnation: 'a-1', windowMs: 10_000, restart: false });
    expect(book.list()).toEqual([order]);
    book.forget('b');
    expect(book.list()).toEqual([order]);
    book.forget('a');
    expect(book.list()).toEqual([]);
  });

  it('are replaced by later ones for the same gateway, which may be to keep its clients', () => {
    const book = bookOf();
    const first = book.drain({ node: 'a', windowMs: 10_000 }, TWO);
    const second = book.drain({ node: 'a', windowMs: 1_000, restart: true }, TWO);
    expect(second.order).not.toBe(first.order);
    expect(book.list()).toEqual([second]);
    const third = book.keep('a', TWO);
    expect(third).toEqual({ order: third.order, id: 'a', incarnation: 'a-1', restart: false });
    expect(book.list()).toEqual([third]);
  });

  it.each<[string, NodeInfo[]]>([
    ['there is no other', []],
    ['the other drains', [nodeOf('b', { draining: true })]],
    ['the other has no weight', [nodeOf('b', { weight: 0 })]],
    ['the other is no gateway', [nodeOf('b', { role: 'worker' })]],
  ])('are refused for the last gateway, unless it is to be drained anyway: %s', (_why, others) => {
    const book = bookOf();
    const topology = topologyOf(nodeOf('a'), ...others);
    const request = { node: 'a', windowMs: 0 };
    expect(() => book.drain(request, topology)).toThrow(refused(/a is the last gateway/));
    expect(book.list()).toEqual([]);
    expect(book.drain({ ...request, anyway: true }, topology)).toMatchObject({ id: 'a' });
  });

  it.each<[string, Partial<DrainRequest>, RegExp]>([
    ['who is not there', { node: 'c' }, /no node is called c/],
    ['who is no gateway', { node: 'w' }, /w is no gateway but a worker/],
    ['no window', { windowMs: Number.NaN }, /window/],
    ['a window that is too long', { windowMs: 3_600_001 }, /window/],
    ['a window that has begun', { windowMs: -1 }, /window/],
  ])('are refused for %s', (_what, wrong, message) => {
    const book = bookOf();
    const topology = topologyOf(...TWO.nodes, nodeOf('w', { role: 'worker' }));
    expect(() => book.drain({ node: 'a', windowMs: 1_000, ...wrong }, topology)).toThrow(refused(message));
  });

  it('are for a bounded number of gateways at a time', () => {
    const book = bookOf();
    const nodes = Array.from({ length: MAX_ORDERS + 2 }, (_, index) => nodeOf(`g${index}`));
    const topology = topologyOf(...nodes);
    const drain = (index: number) => book.drain({ node: `g${index}`, windowMs: 0 }, topology);
    for (let index = 0; index < MAX_ORDERS; index++) drain(index);
    expect(() => drain(MAX_ORDERS)).toThrow(refused(/under orders/));
    drain(0);
    book.forget('g1');
    drain(MAX_ORDERS);
  });

  it('to keep clients make room for others, the oldest first', () => {
    const book = bookOf();
    const topology = topologyOf(...Array.from({ length: MAX_ORDERS + 3 }, (_, index) => nodeOf(`g${index}`)));
    const drain = (index: number) => book.drain({ node: `g${index}`, windowMs: 0 }, topology);
    for (let index = 0; index < MAX_ORDERS; index++) drain(index);
    for (const index of [7, 3]) book.keep(`g${index}`, topology);
    const ids = () => book.list().map(({ id }) => id);
    drain(MAX_ORDERS);
    expect(ids()).toHaveLength(MAX_ORDERS);
    expect(ids()).not.toContain('g7');
    expect(ids()).toContain('g3');
    book.keep(`g${MAX_ORDERS + 1}`, topology);
    expect(ids()).not.toContain('g3');
    drain(MAX_ORDERS + 2);
    expect(ids()).not.toContain(`g${MAX_ORDERS + 1}`);
    expect(() => drain(3)).toThrow(refused(/under orders/));
  });
});
