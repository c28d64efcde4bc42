/** What tests of the broker's rules stand on: a broker on a clock of its own, and peers that talk to it. */
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { beforeEach } from 'vitest';
import { endOfTurn, message, serveOf, WirePeer } from '../testing/wire-peer.js';
import type { BrokerCore } from './broker-core.js';
import { type BrokerLimits, createBrokerCore } from './create-broker-core.js';

/** A fresh one for each test. */
export function useBroker() {
  let clock: FakeClock;
  let metrics: RecordingMetrics;
  let core: BrokerCore;

  /** Another one, in its place. */
  function start(limits: BrokerLimits & { graceMs?: number } = {}): void {
    clock = new FakeClock();
    metrics = new RecordingMetrics();
    core = createBrokerCore({ clock, metrics, graceMs: 0, ...limits });
  }

  beforeEach(() => start());

  function caller(options = {}): WirePeer {
    return new WirePeer((link) => core.acceptCaller(link), options);
  }

  function worker(options = {}): WirePeer {
    return new WirePeer((link) => core.acceptWorker(link), options);
  }

  async function serving(members: Readonly<Record<string, unknown>> = {}): Promise<WirePeer> {
    const peer = worker();
    await peer.say(serveOf(1, members));
    peer.forget();
    return peer;
  }

  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    await endOfTurn();
  }

  return {
    get clock() {
      return clock;
    },
    get metrics() {
      return metrics;
    },
    get core() {
      return core;
    },
    start,
    caller,
    worker,
    serving,
    advance,
  };
}

/** The ids under which a worker knows its calls. */
export function tokens(peer: WirePeer): number[] {
  return peer.of('call').map(({ id }) => id);
}

export async function sayAll(peer: WirePeer, kind: 'reply', ids: readonly number[]): Promise<void> {
  for (const id of ids) await peer.say(message(kind, id));
}
