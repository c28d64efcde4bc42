import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@im/protocol/clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayFixture, WebSocketClient } from '../../testing/index.js';

const HELLO = { type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web' };

describe('WebSocketTransport', () => {
  let fixture: GatewayFixture;
  let server: Server;
  let url: string;
  beforeEach(async () => {
    fixture = await new GatewayFixture({ clock: systemClock }).serve();
    server = createServer((_request, response) => response.end('the page'));
    fixture.gateway.attach(server, { origins: ['https://example.org'] });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/im`;
  });
  afterEach(async () => {
    await fixture.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('carries the protocol: hello, a call, a push [PR-1]', async () => {
    const client = await new WebSocketClient(url, { subprotocols: ['im.json.v1'] }).opened();
    expect(client.webSocket.protocol).toBe('im.json.v1');
    client.say(HELLO, { type: 'call', id: 2, method: 'test.effects', data: [{ type: 'join', group: 'r:1' }] });
    await client.answerTo(2);
    const big = 'x'.repeat(70_000);
    for (const text of ['a', 'b'.repeat(200), big.slice(0, 60_000)]) await fixture.chat('r:1', text);
    await client.until('push');
    await fixture.gift('r:1', 'last');
    await expect.poll(() => client.messages.filter(({ type }) => type === 'push').length).toBe(4);
    client.webSocket.close(1000);
    await client.untilClosed();
    await expect.poll(() => fixture.gateway.connections).toBe(0);
  });
});
