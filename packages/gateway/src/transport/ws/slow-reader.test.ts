// Viewers that stop reading, over real sockets: kernels take what they do not read, and time is the test's.
import { randomBytes } from 'node:crypto';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayFixture, WebSocketClient } from '../../testing/index.js';
import { ServedGateway } from '../../testing/served-gateway.js';

/** Worth a question each, at most once a second, though the client takes compressed frames. */
const incompressible = randomBytes(4_500).toString('base64');
/** A second as the wheel of the gateway counts it: never early. */
const SECOND_MS = 1_100;

describe('a viewer that stops reading', () => {
  let metrics: RecordingMetrics;
  let served: ServedGateway;
  let fixture: GatewayFixture;
  let clock: FakeClock;
  let reader: WebSocketClient;
  let stalled: WebSocketClient;
  beforeEach(async () => {
    metrics = new RecordingMetrics();
    clock = new FakeClock();
    served = await ServedGateway.start({ gateway: { metrics, clock, stallMs: 10_000 } });
    ({ fixture } = served);
    [reader, stalled] = [await served.member('r:1', 'reader'), await served.member('r:1', 'stalled')];
    clock.advance(SECOND_MS);
  });
  afterEach(() => served.close());

  /** Numbers of the messages of a lane that a client has read. */
  const read = (client: WebSocketClient, lane?: 'priority'): number[] =>
    client.all('push').flatMap((push) => (push.lane === lane ? [Number.parseInt(String(push.data), 10)] : []));
  const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  async function chat(from: number, to: number): Promise<void> {
    for (const number of numbers(from, to)) await fixture.chat('r:1', `${number} ${incompressible}`);
    await expect.poll(() => read(reader).at(-1)).toBe(to);
  }
  const congested = (): number => metrics.value('im_gateway_congested_connections');
  /** How often a client has confirmed. */
  const confirmations = (): number => metrics.observations('im_gateway_backlog_bytes').length;

  it('is found in a second though the kernel hides what it does not read, is told what it missed when it reads on, and the others get everything [PR-115] [PR-116]', async () => {
    stalled.webSocket.pause();
    await chat(1, 20);
    await fixture.gift('r:1', '1');
    await expect.poll(confirmations).toBe(1);
    expect(congested()).toBe(0);
    clock.advance(SECOND_MS);
    expect(congested()).toBe(1);
    await chat(21, 50);
    await fixture.gift('r:1', '2');
    expect([read(stalled), read(stalled, 'priority')]).toEqual([[], []]);

    stalled.webSocket.resume();
    await expect.poll(congested).toBe(0);
    await chat(51, 52);
    await expect.poll(() => read(stalled).at(-1)).toBe(52);
    expect(read(stalled)).toEqual([...numbers(1, 20), 51, 52]);
    expect(stalled.all('shed')).toEqual([{ type: 'shed', group: 'r:1', count: 30, reason: 'pressure' }]);
    for (const client of [reader, stalled]) expect(read(client, 'priority')).toEqual([1, 2]);
    expect([read(reader), reader.all('shed')]).toEqual([numbers(1, 52), []]);
  });

  it('for too long is told what it missed and closed with 4002, and whoever answers is not [PR-117]', async () => {
    stalled.webSocket.pause();
    await chat(1, 20);
    for (let second = 1; second <= 11; second++) {
      // Time passes once who reads has answered.
      await expect.poll(confirmations).toBeGreaterThanOrEqual(second);
      clock.advance(SECOND_MS);
      await chat(20 + second, 20 + second);
    }
    expect(fixture.gateway.connections).toBe(1);
    expect(metrics.value('im_gateway_closed_total', { reason: 'SLOW_CONSUMER' })).toBe(1);

    stalled.webSocket.resume();
    expect(await stalled.untilClosed()).toMatchObject({
      code: 4002,
      reason: expect.stringMatching(/^SLOW_CONSUMER: /),
    });
    expect(read(stalled)).toEqual(numbers(1, 20));
    const [{ count = 0 } = {}] = stalled.all('shed');
    // Up to when it was closed, each of them.
    expect(count).toBe(9);
    expect(reader.closedWith).toBeUndefined();
  });
});
