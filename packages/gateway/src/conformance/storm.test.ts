import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@im/protocol/clock';
import type { LogReader } from '@im/timeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effects, GatewayFixture, tokenTable, WebSocketClient } from '../testing/index.js';
import type { TokenVerifier } from '../verifier/token-verifier.js';

const CLIENTS = 200;
const ROOM = 'r:1';

interface Returning {
  readonly user: string;
  client: WebSocketClient;
  /** Gifts that it was sent on all its connections. */
  readonly gifts: number[];
}

describe('a storm', () => {
  let fixture: GatewayFixture;
  let server: Server;
  let url: string;
  const clients: WebSocketClient[] = [];
  const reads: string[] = [];
  let verified = 0;
  let most = { waiting: 0, underWay: 0 };

  beforeEach(async () => {
    const table = tokenTable();
    const verifier: TokenVerifier = {
      verify: (...args) => {
        verified++;
        const [waiting = 0, underWay = 0] = figures.map((read) => read());
        most = { waiting: Math.max(most.waiting, waiting), underWay: Math.max(most.underWay, underWay) };
        return table.verify(...args);
      },
    };
    const figures: (() => number)[] = [];
    const nothing = { add() {}, set() {}, observe() {} };
    const metrics = {
      counter: () => nothing,
      gauge: () => nothing,
      histogram: () => nothing,
      observe: (name: string, _options: object, read: () => number) => {
        if (name === 'im_gateway_hellos_waiting') figures[0] = read;
        if (name === 'im_gateway_hellos_under_way') figures[1] = read;
      },
    };
    const log = (counted: LogReader): LogReader => ({
      head: (group) => {
        reads.push(`head ${group}`);
        return counted.head(group);
      },
      read: (group, range) => {
        reads.push(`read ${group}`);
        return counted.read(group, range);
      },
    });
    fixture = await new GatewayFixture({ clock: systemClock, verifier, metrics, log }).serve();
    server = createServer();
    fixture.gateway.attach(server, { origins: 'any' });
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, resolve));
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/im`;
  });
  afterEach(async () => {
    await fixture.close();
    for (const { webSocket } of clients) webSocket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  async function connect(user: string, hello: object = {}): Promise<WebSocketClient> {
    const client = new WebSocketClient(url);
    clients.push(client);
    await client.opened();
    client.say({ type: 'hello', id: 1, token: `user:${user}`, device: 'd1', platform: 'web', ...hello });
    await client.until('welcome');
    return client;
  }
  async function enter(client: WebSocketClient, since: object = {}): Promise<void> {
    client.say({ type: 'call', id: 2, ...effects({ type: 'join', group: ROOM }), since });
    await client.answerTo(2);
  }
  /** Where it stands in the room. */
  function position({ client }: Returning): object {
    const { group, epoch, version } = [
      ...client.all('joined'),
      ...client.all('welcome').flatMap(({ groups }) => groups),
    ]
      .filter((each) => each.group === ROOM)
      .at(-1) as { group: string; epoch: string; version: number };
    return { [group]: { epoch, version: client.all('push').at(-1)?.version ?? version } };
  }
  function collect(returning: Returning): void {
    returning.gifts.push(...returning.client.all('push').map(({ data }) => data as number));
  }

  it('brings everybody back: each verified once, each log read once for each, no gift lost or twice, others undisturbed [PR-92] [PR-95]', async () => {
    const bystander = await connect('bystander');
    await enter(bystander);
    const all: Returning[] = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => {
        const returning: Returning = { user: `u${i}`, client: await connect(`u${i}`), gifts: [] };
        await enter(returning.client);
        return returning;
      }),
    );
    await fixture.gift(ROOM, 1);
    await expect.poll(() => all.every(({ client }) => client.all('push').length === 1)).toBe(true);
    verified = 0;
    most = { waiting: 0, underWay: 0 };
    reads.length = 0;

    const before = all.map((each) => ({ ticket: each.client.all('ticket').at(-1)?.ticket, since: position(each) }));
    for (const each of all) {
      collect(each);
      each.client.webSocket.terminate();
    }
    await fixture.gift(ROOM, 2);
    const returned = Promise.all(
      all.map(async (each, i) => {
        const { ticket, since } = before[i] as { ticket: string; since: object };
        // Every other one has its ticket.
        if (i % 2 === 0) each.client = await connect(each.user, { ticket, positions: since });
        else {
          each.client = await connect(each.user);
          await enter(each.client, since);
        }
      }),
    );
    await fixture.gift(ROOM, 3);
    await returned;
    await fixture.gift(ROOM, 4);
    await expect.poll(() => all.every(({ client }) => client.all('push').at(-1)?.data === 4)).toBe(true);
    for (const each of all) collect(each);

    expect(all.map(({ gifts }) => gifts)).toEqual(all.map(() => [1, 2, 3, 4]));
    expect(all.filter(({ client }) => client.all('welcome')[0]?.resumed)).toHaveLength(CLIENTS / 2);
    expect(bystander.all('push').map(({ data }) => data)).toEqual([1, 2, 3, 4]);
    expect(bystander.closedWith).toBeUndefined();
    expect(verified).toBe(CLIENTS);
    // Of each user's own log the head, and of the room's what was missed, once.
    const own = reads.filter((read) => read.includes(' u:'));
    expect(own.length).toBeLessThanOrEqual(CLIENTS);
    expect(new Set(own).size).toBe(own.length);
    expect(reads.length - own.length).toBeLessThanOrEqual(CLIENTS);
    expect(fixture.gateway.connections).toBe(CLIENTS + 1);
  }, 30_000);

  it('lets in so many in a turn, while the others wait in their order, and reads a log once for all of a turn', async () => {
    const tickets = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const link = await fixture.enter(`u${i}`);
        link.say({ type: 'call', id: 2, ...effects({ type: 'join', group: ROOM }) });
        await link.answerTo(2);
        const { ticket } = await link.until('ticket');
        const { epoch, version } = link.all('joined')[0] as { epoch: string; version: number };
        return { link, hello: { ticket, positions: { [ROOM]: { epoch, version } } } };
      }),
    );
    await fixture.gift(ROOM, 1);
    for (const { link } of tickets) link.disconnect();
    most = { waiting: 0, underWay: 0 };
    reads.length = 0;
    const links = tickets.map(({ hello }, i) => {
      const link = fixture.connect();
      link.say({ type: 'hello', id: 1, token: `user:u${i}`, device: 'd1', platform: 'web', ...hello });
      return link;
    });
    const pushes = await Promise.all(links.map((link) => link.until('push')));
    expect(pushes.map(({ data }) => data)).toEqual(links.map(() => 1));
    expect(most.waiting).toBeGreaterThanOrEqual(100 - 2 * 32);
    expect(reads.filter((read) => read === `read ${ROOM}`).length).toBeLessThanOrEqual(6);
    for (const link of links) link.disconnect();
  });
});
