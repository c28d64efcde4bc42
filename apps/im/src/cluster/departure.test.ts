import type { DrainOptions } from '@im/gateway';
import type { NodeInfo, Topology } from '@im/protocol/ports';
import { FakeClock, RecordingLogger, seededRandom } from '@im/protocol/testing';
import { describe, expect, it, vi } from 'vitest';
import { Departure } from './departure.js';

const node = (id: string, changes: Partial<NodeInfo> = {}): NodeInfo => ({
  ...{ id, role: 'gateway', incarnation: id, version: '1', addresses: { ws: `ws://${id}/` }, labels: {} },
  ...{ weight: 1, load: 0, draining: false, startedAt: 0 },
  ...changes,
});
const turn = () => new Promise(setImmediate);

function setUp(...nodes: NodeInfo[]) {
  const clock = new FakeClock();
  const listeners = new Set<(topology: Topology) => void>();
  const member = {
    current: { epoch: 1, nodes } as Topology,
    subscribe: (listener: (topology: Topology) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setDraining: vi.fn(),
  };
  const drains: { options: DrainOptions; settle: () => void }[] = [];
  const gateway = {
    connections: 3,
    drain: vi.fn((options: DrainOptions) => new Promise<void>((settle) => drains.push({ options, settle }))),
    endDrain: vi.fn(),
  };
  const ports = { clock, logger: new RecordingLogger(), random: seededRandom(1) };
  const departure = new Departure({ member, id: 'a', gateway, ...ports });
  /** Node managers tell; a moment later everybody knows. */
  const tell = async (...told: NodeInfo[]): Promise<void> => {
    member.current = { epoch: member.current.epoch + 1, nodes: told };
    for (const listener of [...listeners]) listener(member.current);
    await turn();
    clock.advance(500);
    await turn();
  };
  return { departure, member, gateway, drains, tell, clock };
}

const draining = node('a', { draining: true });

describe('a gateway that leaves', () => {
  it('is out of the balancer’s answers before it asks anybody to move, then sends clients to the others', async () => {
    const { departure, member, gateway, drains, tell } = setUp(node('a'), node('b'), node('c'));
    const drained = departure.drain(10_000);
    expect(member.setDraining).toHaveBeenCalledWith(true);
    await turn();
    expect([gateway.drain.mock.calls.length, departure.isUnderWay]).toEqual([0, true]);
    await tell(draining, node('b'), node('c'));
    const { options, settle } = drains[0] as (typeof drains)[0];
    expect(options.windowMs).toBe(10_000);
    expect(new Set([1, 2, 3, 4].map(() => options.nextAddress?.()))).toEqual(new Set(['ws://b/', 'ws://c/']));
    settle();
    expect(await drained).toBe(true);
  });

  it('goes on when no node manager answers', async () => {
    const { departure, gateway, clock } = setUp(node('a'), node('b'));
    void departure.drain(1_000);
    clock.advance(3_000);
    await turn();
    clock.advance(500);
    await turn();
    expect(gateway.drain).toHaveBeenCalledTimes(1);
  });

  it('takes clients again when it is told to stay, and is not gone when the drain settles then', async () => {
    const { departure, member, gateway, drains, tell } = setUp(node('a'), node('b'));
    const drained = departure.drain(1_000);
    await tell(draining, node('b'));
    departure.stay();
    expect(member.setDraining).toHaveBeenLastCalledWith(false);
    expect([gateway.endDrain.mock.calls.length, departure.isUnderWay]).toEqual([1, false]);
    drains[0]?.settle();
    expect(await drained).toBe(false);
  });

  it('asks nobody to move when it is told to stay before everybody knows', async () => {
    const { departure, gateway, tell } = setUp(node('a'), node('b'));
    const drained = departure.drain(1_000);
    departure.stay();
    await tell(draining, node('b'));
    expect([await drained, gateway.drain.mock.calls.length]).toEqual([false, 0]);
  });

  it('hurries when its process is told to stop meanwhile', async () => {
    const { departure, gateway, drains, tell } = setUp(node('a'), node('b'));
    const slow = departure.drain(3_600_000);
    await tell(draining, node('b'));
    const left = departure.leave(1_000);
    await turn();
    expect(gateway.drain.mock.calls.map(([{ windowMs }]) => windowMs)).toEqual([3_600_000, 1_000]);
    for (const { settle } of drains) settle();
    await left;
    expect(await slow).toBe(false);
  });

  it('leaves at once, without a word, where no other gateway takes clients', async () => {
    const { departure, member, gateway } = setUp(
      node('a'),
      node('b', { draining: true }),
      node('w', { role: 'worker' }),
    );
    await departure.leave(10_000);
    expect([member.setDraining.mock.calls.length, gateway.drain.mock.calls.length]).toEqual([0, 0]);
  });

  it('sends nobody to those that leave together with it', async () => {
    const { departure, gateway, tell } = setUp(node('a'), node('b'));
    const left = departure.leave(10_000);
    await tell(draining, node('b', { draining: true }));
    await left;
    expect(gateway.drain).not.toHaveBeenCalled();
  });

  it('has nothing more to do when its process stops after it was drained', async () => {
    const { departure, gateway, drains, tell } = setUp(node('a'), node('b'));
    const drained = departure.drain(1_000);
    await tell(draining, node('b'));
    drains[0]?.settle();
    await drained;
    await departure.leave(1_000);
    expect(gateway.drain).toHaveBeenCalledTimes(1);
  });
});
