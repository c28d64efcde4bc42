import type { NodeInfo, Topology } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import { expect, it, vi } from 'vitest';
import { leaveTopology } from './leave-topology.js';

const node = (id: string, role: string, draining = false): NodeInfo => ({
  ...{ id, role, draining, incarnation: id, version: '1', addresses: {}, labels: {}, weight: 1, load: 0, startedAt: 0 },
});

function setUp(nodes: readonly NodeInfo[]) {
  const clock = new FakeClock();
  const listeners = new Set<(topology: Topology) => void>();
  const setDraining = vi.fn();
  const member = {
    current: { epoch: 1, nodes },
    subscribe: (listener: (topology: Topology) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setDraining,
  };
  const left = vi.fn();
  const leaving = leaveTopology({ member, id: 'n1', clock }).then(left);
  const tell = (told: readonly NodeInfo[]) => {
    for (const listener of [...listeners]) listener({ epoch: 2, nodes: told });
  };
  const turn = () => new Promise(setImmediate);
  return { clock, listeners, setDraining, leaving, left, tell, turn };
}

const all = [node('n1', 'broadcast'), node('n2', 'broadcast'), node('g', 'gateway')];

it('leaves once publishers know that it drains, and what was on its way has come', async () => {
  const { clock, listeners, setDraining, leaving, left, tell, turn } = setUp(all);
  expect(setDraining).toHaveBeenCalledWith(true);
  tell(all);
  tell([node('n1', 'broadcast', true)]);
  await turn();
  expect([left.mock.calls.length, listeners.size]).toEqual([0, 0]);
  clock.advance(500);
  await leaving;
});

it('leaves after a while when no node manager answers', async () => {
  const { clock, leaving, turn, listeners } = setUp(all);
  clock.advance(3_000);
  await turn();
  clock.advance(500);
  await leaving;
  expect(listeners.size).toBe(0);
});

it.each([
  ['nobody takes over', [node('n1', 'broadcast'), node('g', 'gateway')]],
  ['those that could are about to leave, too', [node('n2', 'broadcast', true), node('g', 'gateway')]],
  ['nobody publishes', [node('n2', 'broadcast'), node('b', 'broker')]],
])('leaves at once where %s', async (_, nodes) => {
  const { leaving, setDraining } = setUp(nodes);
  await leaving;
  expect(setDraining).not.toHaveBeenCalled();
});
