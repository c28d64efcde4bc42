/** What is relayed keeps every promise of what it stands for. */
import type { Broadcast, Publisher } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { describeBroadcastContract } from '@im/broadcast/testing';
import { createMemoryOnlineList, type OnlineList, type OnlineReader } from '@im/groups';
import { describeOnlineListContract } from '@im/groups/testing';
import { ImError } from '@im/protocol';
import { noMetrics } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import type { LogReader, LogStore } from '@im/timeline';
import { createMemoryLogStore } from '@im/timeline/memory';
import { describeLogStoreContract } from '@im/timeline/testing';
import { expect, it } from 'vitest';
import { createRelayedLogReader } from './relayed-log.js';
import { createRelayedOnlineReader } from './relayed-online.js';
import { createRelayedPublisher } from './relayed-publisher.js';
import { serveRelay } from './serve-relay.js';

interface Parts {
  readonly broadcast?: Broadcast;
  readonly log?: LogReader;
  readonly online?: OnlineReader;
}

async function relay(parts: Parts): Promise<{ caller: RpcCaller; close(): Promise<void> }> {
  const log = createMemoryLogStore();
  const broadcast = createMemoryBroadcast({ sequencer: log });
  const rpc = createMemoryRpc();
  const online = createMemoryOnlineList({});
  const served = await serveRelay({ worker: rpc.createWorker(), version: '1', broadcast, log, online, ...parts });
  return {
    caller: rpc.createCaller(),
    async close() {
      await served.close();
      await rpc.close();
      await broadcast.close();
      await log.close();
    },
  };
}

describeBroadcastContract('relayed', async ({ sequencer, clock }) => {
  const node = createMemoryBroadcast({ sequencer, clock });
  const { caller, close } = await relay({ broadcast: node });
  const publishers: Publisher[] = [];
  let closed = false;
  return {
    createPublisher() {
      if (closed) throw new ImError('CLOSED');
      const publisher = createRelayedPublisher({ caller, metrics: noMetrics });
      publishers.push(publisher);
      return publisher;
    },
    createSubscriber: (handlers) => node.createSubscriber(handlers),
    async close() {
      closed = true;
      await Promise.all(publishers.map((publisher) => publisher.close()));
      await close();
      await node.close();
    },
  };
});

describeLogStoreContract('relayed', async ({ retention, clock }): Promise<LogStore> => {
  const log = createMemoryLogStore({ retention, clock });
  const { caller, close } = await relay({ log });
  return {
    ...createRelayedLogReader(caller),
    append: (group, entry) => log.append(group, entry),
    appendMany: (groups, entry) => log.appendMany(groups, entry),
    async close() {
      await close();
      await log.close();
    },
  };
});

describeOnlineListContract('relayed', async () => {
  const list = createMemoryOnlineList({});
  const { caller, close } = await relay({ online: list });
  const relayed: OnlineList = {
    ...createRelayedOnlineReader(caller),
    enter: (group, session, member) => list.enter(group, session, member),
    leave: (group, session) => list.leave(group, session),
  };
  return { list: relayed, settled: async () => {}, close };
});

it('publishes to more groups than one call could name, each once', async () => {
  const log = createMemoryLogStore();
  const node = createMemoryBroadcast({ sequencer: log });
  const { caller, close } = await relay({ broadcast: node });
  const publisher = createRelayedPublisher({ caller, metrics: noMetrics });
  const groups = Array.from({ length: 15_000 }, (_, index) => `u:${`${index}`.padStart(64, 'x')}`);
  const message = { lane: 'priority', event: 'notice', body: new Uint8Array(65_536), id: '1', time: 0 } as const;
  const { published, failed } = await publisher.publishMany([...groups, 'none'], message, { acknowledge: 'durable' });
  expect([...failed.keys()]).toEqual(['none']);
  expect(new Set(published.map(({ group }) => group))).toEqual(new Set(groups));
  expect(published.every(({ version }) => version === 1)).toBe(true);
  await publisher.close();
  await close();
  await node.close();
  await log.close();
});
