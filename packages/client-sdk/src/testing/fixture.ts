/** A client with everything around it faked, for this package's own tests; checks at the end that nothing is left. */
import { FakeClock } from '@im/protocol/testing';
import { expect, onTestFinished } from 'vitest';
import { type Client, type ClientOptions, type ClientState, createClient, type Schema } from '../index.js';
import { FakeGateway, type FakeGatewayOptions } from './fake-gateway.js';
import { FakeSignals } from './fake-signals.js';

export interface Fixture<S extends Schema> {
  readonly gateway: FakeGateway;
  readonly clock: FakeClock;
  readonly signals: FakeSignals;
  readonly client: Client<S>;
  /** Every state that was told, in order. */
  readonly states: ClientState[];
  /** What was told as an error; a test that expects some takes them out. */
  readonly errors: unknown[];
  /** The next random numbers; 0 when there are none. */
  readonly randoms: number[];
  /** Connects and lets everything settle. */
  start(): Promise<void>;
  /** Lets time pass in small steps, and everything arrive after each. */
  pass(ms: number): Promise<void>;
}

export function setUp<S extends Schema = Schema>(
  options: Partial<ClientOptions> = {},
  gatewayOptions: FakeGatewayOptions = {},
): Fixture<S> {
  const gateway = new FakeGateway(gatewayOptions);
  const clock = new FakeClock();
  const signals = new FakeSignals();
  const randoms: number[] = [];
  const client = createClient<S>(
    { url: 'wss://a', token: 'ann', device: 'phone-1', platform: 'web', WebSocket: gateway.WebSocket, ...options },
    { clock, random: () => randoms.shift() ?? 0, signals },
  );
  const states: ClientState[] = [];
  const errors: unknown[] = [];
  client.on('state', (state) => states.push(state));
  client.on('error', (error) => errors.push(error));
  onTestFinished(async () => {
    client.close();
    await gateway.settled();
    // What was held for a listener goes at the end of the turn.
    clock.advance(0);
    expect(errors).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    expect(signals.watchers).toBe(0);
    expect(gateway.links.every(({ state }) => state !== 'open')).toBe(true);
  });
  return {
    gateway,
    clock,
    signals,
    client,
    states,
    errors,
    randoms,
    async start() {
      client.connect();
      await gateway.settled();
    },
    async pass(ms) {
      await gateway.settled();
      for (let left = ms; left > 0; left -= 50) {
        clock.advance(Math.min(50, left));
        await gateway.settled();
      }
    },
  };
}
