import type { Lane } from '@im/protocol';
import { noMetrics, silentLogger } from '@im/protocol/ports';
import { FakeClock, seededRandom } from '@im/protocol/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { DELIVER, DELIVERY_HEAD_BYTES, PACK_BYTES } from '../wire/bus-format.js';
import { NameBatch, NameTable } from '../wire/name-table.js';
import { PublishPackWriter } from '../wire/publish-pack-writer.js';
import { BroadcastNode, type NodeLimits } from './broadcast-node.js';

interface Sent {
  readonly peer: string;
  readonly pack: Buffer;
  readonly shared: Buffer | undefined;
}

const PEERS = ['gateway1', 'gateway2'];
const PUBLISHER = 'publish1';
const GROUPS = Array.from({ length: 400 }, (_, room) => `r:${room}`);

/** A node of which two gateways want all groups, and what it sent on the normal lane since then. */
function setUp(limits: NodeLimits = {}): { node: BroadcastNode; sent: Sent[]; endTurn: () => void } {
  const sent: Sent[] = [];
  const deferred: (() => void)[] = [];
  const node = new BroadcastNode({
    ...{ clock: new FakeClock(), random: seededRandom(1), logger: silentLogger, metrics: noMetrics },
    ...limits,
    sequencer: new FakeSequencer(),
    send(lane, pack, shared) {
      if (lane === 'normal') sent.push({ peer: pack.toString('latin1', 0, 8), pack, shared });
    },
    defer: (run) => void deferred.push(run),
  });
  const endTurn = (): void => {
    for (const run of deferred.splice(0)) run();
  };
  const subscribe = (lane: Lane, topic: string) => node.takeSubscription(lane, Buffer.from(`\x01${topic}`));
  for (const peer of [...PEERS, PUBLISHER]) {
    for (const lane of ['normal', 'priority'] as const) subscribe(lane, `${peer}!`);
  }
  for (const peer of PEERS) for (const group of GROUPS) subscribe('priority', `${peer}|${group}`);
  endTurn();
  sent.length = 0;
  closing.push(() => node.close());
  return { node, sent, endTurn };
}

function publishPack(groups: readonly string[], bytes: number): Buffer {
  const writer = new PublishPackWriter(PUBLISHER);
  const publication = { lane: 'normal', event: 'chat', body: Buffer.alloc(bytes, 0x61), time: 1 } as const;
  groups.forEach((group, number) => {
    writer.publication(group, number + 1, publication, number);
  });
  return writer.take(0, 1);
}

const closing: (() => void)[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0)) close();
});

describe('BroadcastNode', () => {
  it('sends a large pack on to all who want it as the same bytes, and to each an index of 16 bytes a group', () => {
    const { node, sent } = setUp();
    const source = publishPack(GROUPS, 100);
    node.takeNormal(source);
    expect(sent.map(({ peer }) => peer)).toEqual(PEERS);
    for (const { pack, shared } of sent) {
      expect(shared).toBe(source);
      expect(pack[DELIVERY_HEAD_BYTES]).toBe(DELIVER.shared);
      expect(pack.length).toBe(DELIVERY_HEAD_BYTES + 8 + GROUPS.length * 16);
    }
  });

  it('sends each peer one pack for the small ones of a turn', () => {
    const { node, sent, endTurn } = setUp();
    for (const group of GROUPS.slice(0, 100)) node.takeNormal(publishPack([group], 100));
    expect(sent).toEqual([]);
    endTurn();
    expect(sent.map(({ peer }) => peer)).toEqual(PEERS);
    expect(sent.every(({ pack }) => pack.length < PACK_BYTES.normal)).toBe(true);
  });

  it('looks for the name of a group once a publisher, not once a message', () => {
    const { node } = setUp();
    const find = vi.spyOn(NameTable.prototype, 'find');
    for (let turn = 0; turn < 10; turn++) node.takeNormal(publishPack(GROUPS, 100));
    expect(find).toHaveBeenCalledTimes(GROUPS.length);
  });

  it('looks for the names of one message to many together, on both lanes', async () => {
    const { node } = setUp();
    const alone = vi.spyOn(NameTable.prototype, 'find');
    const together = vi.spyOn(NameTable.prototype, 'findBatch');
    const writer = new PublishPackWriter(PUBLISHER);
    for (const lane of ['normal', 'priority'] as const) {
      writer.publicationToMany(GROUPS, { lane, event: 'news', body: Buffer.from('1'), time: 1 }, 1);
      const pack = writer.take(0, 1);
      if (lane === 'normal') node.takeNormal(pack);
      else node.takePriority(pack);
      expect(together).toHaveBeenCalledTimes(Math.ceil(GROUPS.length / NameBatch.SIZE));
      together.mockClear();
    }
    await node.drained();
    expect(alone).not.toHaveBeenCalled();
  });

  it('finds a group again that was given up and is wanted anew, by the number that it had', () => {
    const { node, sent } = setUp();
    node.takeNormal(publishPack(GROUPS, 100));
    for (const wants of ['\x00', '\x01']) {
      for (const peer of PEERS) node.takeSubscription('priority', Buffer.from(`${wants}${peer}|r:7`));
    }
    sent.length = 0;
    node.takeNormal(publishPack(GROUPS, 100));
    const packs = sent.filter(({ shared }) => shared !== undefined);
    expect(packs.map(({ pack }) => pack.length)).toEqual(PEERS.map(() => DELIVERY_HEAD_BYTES + 8 + GROUPS.length * 16));
  });

  it('has no room for more peers than it may have, whatever they say first', () => {
    const { node, sent, endTurn } = setUp({ maxPeers: 3 });
    for (const topic of ['stranger|r:1', 'stranger!', 'stranger|r:2']) {
      for (const lane of ['normal', 'priority'] as const) node.takeSubscription(lane, Buffer.from(`\x01${topic}`));
    }
    node.takeNormal(publishPack(['r:1', 'r:2'], 10));
    endTurn();
    expect(new Set(sent.map(({ peer }) => peer))).toEqual(new Set(PEERS));
  });
});
