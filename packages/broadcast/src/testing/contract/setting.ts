/** What every part of the contract works with: a fresh engine for each test, closed after it. */
import type { Publication } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { Broadcast } from '../../broadcast.js';
import { FakeSequencer } from '../fake-sequencer.js';
import { subscribeRecording } from '../recording-subscriber.js';

export interface BroadcastSetup {
  readonly sequencer: FakeSequencer;
  /** Of the broadcast node. */
  readonly clock: FakeClock;
}

/** Of the test that is running. */
export interface ContractSetting extends BroadcastSetup {
  readonly broadcast: Broadcast;
  /** Until everything published before has arrived: normal messages to a group of their own follow it. */
  quiet(): Promise<void>;
}

const text = new TextEncoder();

export function normal(body: string, rest: Partial<Publication> = {}): Publication {
  return { lane: 'normal', event: 'chat', body: text.encode(body), time: 1_790_000_000_000, ...rest };
}

export function priority(body: string, rest: Partial<Publication> = {}): Publication {
  return { lane: 'priority', event: 'gift', body: text.encode(body), time: 1_790_000_000_000, ...rest };
}

export function useSetting(open: (setup: BroadcastSetup) => Promise<Broadcast>): ContractSetting {
  let sequencer: FakeSequencer;
  let clock: FakeClock;
  let broadcast: Broadcast;

  beforeEach(async () => {
    sequencer = new FakeSequencer();
    clock = new FakeClock();
    broadcast = await open({ sequencer, clock });
  });

  afterEach(async () => {
    sequencer.release();
    await broadcast.close();
    expect(clock.pendingTimers, 'timers left after close').toBe(0);
  });

  return {
    get sequencer() {
      return sequencer;
    },
    get clock() {
      return clock;
    },
    get broadcast() {
      return broadcast;
    },
    async quiet() {
      const probe = await subscribeRecording(broadcast, 'r:contract-probe');
      const publisher = broadcast.createPublisher();
      for (const sent of [1, 2]) {
        await publisher.publish('r:contract-probe', normal('probe'));
        await vi.waitFor(() => expect(probe.deliveries).toHaveLength(sent), { interval: 1 });
      }
      await probe.close();
      await publisher.close();
    },
  };
}
