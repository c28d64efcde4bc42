/** What every part of the contract works with: a client on an engine in memory, members who listen, and who counts receipts. */
import type { Broadcast, Publisher } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { FakeSequencer, type RecordingSubscriber, subscribeRecording } from '@im/broadcast/testing';
import { FakeClock } from '@im/protocol/testing';
import type { Rpc, RpcCaller } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { PushClient, PushMessage } from '../../push-client.js';
import { FakeReceipts } from '../fake-receipts.js';

export interface PushClientSetup {
  /** The client's own: closing it closes this. */
  readonly publisher: Publisher;
  readonly product: string | undefined;
  /** Reaches who counts receipts. */
  readonly receipts: RpcCaller;
  /** Of whoever stamps publications. */
  readonly clock: FakeClock;
}

/** Of the test that is running. */
export interface ContractSetting {
  readonly clock: FakeClock;
  readonly sequencer: FakeSequencer;
  /** Of no product. */
  readonly client: PushClient;
  readonly members: RecordingSubscriber;
  readonly counted: FakeReceipts;
  /** Another client, which the test closes. */
  openFor(product: string): Promise<PushClient>;
  /** What arrived, once everything that was published has. */
  arrived(count: number): Promise<RecordingSubscriber['deliveries']>;
}

export const hello: PushMessage = { event: 'hello', data: { text: 'hi' } };

const UNDER_PRODUCT = ['p1/r:1', 'p1/r:0', 'p1/u:ann', 'p1/u:bob'];

export function useSetting(open: (setup: PushClientSetup) => Promise<PushClient>): ContractSetting {
  const clock = new FakeClock();
  let sequencer: FakeSequencer;
  let broadcast: Broadcast;
  let client: PushClient;
  let members: RecordingSubscriber;
  let rpc: Rpc;
  let counted: FakeReceipts;

  async function openFor(product?: string): Promise<PushClient> {
    return open({ publisher: broadcast.createPublisher(), receipts: rpc.createCaller(), product, clock });
  }

  beforeEach(async () => {
    sequencer = new FakeSequencer();
    broadcast = createMemoryBroadcast({ sequencer });
    rpc = createMemoryRpc();
    counted = new FakeReceipts();
    await counted.serve(rpc.createWorker());
    members = await subscribeRecording(broadcast, 'u:ann', 'u:bob', 'r:1', 'r:0', 'g:team', ...UNDER_PRODUCT);
    client = await openFor();
  });

  afterEach(async () => {
    sequencer.release();
    await client.close();
    await rpc.close();
    await broadcast.close();
  });

  return {
    clock,
    get sequencer() {
      return sequencer;
    },
    get client() {
      return client;
    },
    get members() {
      return members;
    },
    get counted() {
      return counted;
    },
    openFor,
    async arrived(count) {
      await vi.waitFor(() => expect(members.deliveries).toHaveLength(count), { interval: 2 });
      return members.deliveries;
    },
  };
}
