/**
 * What clients are told when the log went on without them: what retention took, by number and by age, and logs that began anew. On each
 * store, whose clock is moved by hand; sockets, gateway and SDK are real.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { type Client, createClient, type Group, type PositionStore } from '@im/client-sdk';
import { effects, GatewayFixture } from '@im/gateway/testing';
import type { Position } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { FakeClock } from '@im/protocol/testing';
import { encodeJson } from '@im/rpc';
import { hasRedisServer, startRedisServer } from '@im/test-servers';
import type { LogStore, RetentionPolicy } from '@im/timeline';
import { openLmdbLogStore } from '@im/timeline/lmdb';
import { createMemoryLogStore } from '@im/timeline/memory';
import { createRedisLogStore } from '@im/timeline/redis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

const WAIT = { timeout: 10_000, interval: 10 };
const ROOM = 'r:1';
const MINUTE_MS = 60_000;
/** Rooms keep three, people an hour. */
const RETENTION: RetentionPolicy = {
  default: { maxEntries: 100, maxBytes: 1_048_576, maxAgeMs: 60 * MINUTE_MS },
  kinds: { r: { maxEntries: 3, maxBytes: 1_048_576, maxAgeMs: 10 * MINUTE_MS } },
};

type Closing = (() => unknown)[];

/** As a page keeps them. */
class Positions implements PositionStore {
  readonly #kept: Record<string, Position> = {};

  load(): Readonly<Record<string, Position>> {
    return { ...this.#kept };
  }

  save(group: string, position: Position | undefined): void {
    if (position) this.#kept[group] = position;
    else delete this.#kept[group];
  }
}

const ENGINES: Readonly<Record<string, (clock: FakeClock, closing: Closing) => Promise<LogStore>>> = {
  memory: async (clock) => createMemoryLogStore({ retention: RETENTION, clock }),
  lmdb: async (clock, closing) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'im-time-travel-'));
    closing.push(() => rm(folder, { recursive: true }));
    return openLmdbLogStore({ path: folder, retention: RETENTION, clock });
  },
  ...(hasRedisServer && {
    redis: async (clock, closing) => {
      const server = await startRedisServer();
      closing.push(() => server.stop());
      const store = createRedisLogStore({ url: server.url, retention: RETENTION, clock });
      await store.ready();
      return store;
    },
  }),
};

interface Events {
  message: unknown;
}

/** Versions, and what is told of them. */
function watch(group: Pick<Group<Events>, 'on'>): unknown[] {
  const seen: unknown[] = [];
  group.on('message', (_data, { version }) => seen.push(version));
  group.on('$recovered', ({ recovered, missed }) => seen.push({ recovered, ...(missed && { missed }) }));
  group.on('$left', () => seen.push('left'));
  return seen;
}

/** One that can be cut, and kept away. */
class Device {
  /** What came of the group of its person, and of the room. */
  readonly own: unknown[];
  readonly room: unknown[];
  readonly client: Client<{ user: Events }>;
  readonly #sockets = new Set<WebSocket>();
  /** Attempts that wait until it is back; undefined: none has to. */
  #waiting: (() => void)[] | undefined;

  constructor(port: number, positions: PositionStore) {
    const sockets = this.#sockets;
    class Socket extends WebSocket {
      constructor(address: string, subprotocol: string) {
        super(address, subprotocol);
        sockets.add(this);
      }
    }
    this.client = createClient<{ user: Events }>({
      url: async () => {
        await new Promise<void>((resolve) => (this.#waiting ? this.#waiting.push(resolve) : resolve()));
        return `ws://127.0.0.1:${port}/im`;
      },
      token: 'user:ann',
      device: 'd1',
      WebSocket: Socket,
      reconnect: { minMs: 1, maxMs: 5 },
      positions,
    });
    this.own = watch(this.client.user);
    this.room = watch(this.client.group<Events>(ROOM));
    this.client.connect();
  }

  async away(): Promise<void> {
    this.#waiting = [];
    for (const socket of this.#sockets) socket.terminate();
    await vi.waitFor(() => expect(this.client.state.status).not.toBe('connected'), WAIT);
  }

  back(): void {
    for (const resolve of this.#waiting ?? []) resolve();
    this.#waiting = undefined;
  }
}

const became = (seen: readonly unknown[], ...expected: readonly unknown[]): Promise<void> =>
  vi.waitFor(() => expect(seen).toEqual(expected), WAIT);

describe.each(Object.entries(ENGINES))('a client of which the log went on without it, in %s', (_engine, open) => {
  const closing: Closing = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function start() {
    const clock = new FakeClock();
    const store = { current: await open(clock, closing) };
    closing.push(() => store.current.close());
    const log: Omit<LogStore, 'close'> = {
      head: (group) => store.current.head(group),
      read: (group, range) => store.current.read(group, range),
      append: (group, entry) => store.current.append(group, entry),
      appendMany: (groups, entry) => store.current.appendMany(groups, entry),
    };
    const broadcast = createMemoryBroadcast({ sequencer: log });
    closing.push(() => broadcast.close());
    const fixture = await new GatewayFixture({ clock: systemClock, broadcast, log: () => log }).serve();
    closing.push(() => fixture.close());
    const server: Server = createServer();
    fixture.gateway.attach(server, { origins: 'any' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const publisher = broadcast.createPublisher();
    const { port } = server.address() as AddressInfo;
    const kept = new Positions();
    /** With what the one before has kept. */
    const newPage = () => {
      const page = new Device(port, kept);
      closing.push(() => page.client.close());
      return page;
    };
    const device = newPage();
    const join = effects({ type: 'join', group: ROOM });
    await device.client.call(join.method, join.data);
    return {
      ...{ clock, device, newPage },
      async say(group: string, count = 1) {
        for (let each = 0; each < count; each += 1) {
          const publication = { lane: 'priority', event: 'message', body: encodeJson({}), time: clock.now() } as const;
          await publisher.publish(group, publication, { acknowledge: 'durable' });
        }
      },
      /** The store is gone, and another one is there. */
      async replaceStore() {
        const before = store.current;
        closing.push(() => before.close());
        store.current = await open(clock, closing);
      },
    };
  }

  it('gets all of it while it is kept, and is told so', async () => {
    const { device, say } = await start();
    await say(ROOM, 2);
    await became(device.room, 1, 2);
    await device.away();
    await say(ROOM, 3);
    device.back();
    await became(device.room, 1, 2, { recovered: true }, 3, 4, 5);
  });

  it('is told which ones are no longer kept, there being too many, and gets the others', async () => {
    const { device, say } = await start();
    await say(ROOM, 2);
    await say('u:ann');
    await became(device.room, 1, 2);
    await became(device.own, 1);
    await device.away();
    for (const group of [ROOM, 'u:ann']) await say(group, 6);
    device.back();
    await became(device.room, 1, 2, { recovered: false, missed: { after: 2, upto: 5 } }, 6, 7, 8);
    await became(device.own, 1, { recovered: true }, 2, 3, 4, 5, 6, 7);
  });

  it('is told which ones are too old by the time it comes back, by the age of each kind of group', async () => {
    const { device, say, clock } = await start();
    for (const group of [ROOM, 'u:ann']) await say(group);
    await became(device.room, 1);
    await became(device.own, 1);
    await device.away();
    for (const group of [ROOM, 'u:ann']) await say(group, 2);
    clock.advance(11 * MINUTE_MS);
    device.back();
    await became(device.room, 1, { recovered: false, missed: { after: 1, upto: 3 } });
    await became(device.own, 1, { recovered: true }, 2, 3);
  });

  it('is told so also when it comes back as a new page, with nothing but positions', async () => {
    const { device, newPage, say, clock } = await start();
    await say('u:ann');
    await became(device.own, 1);
    device.client.close();
    await say('u:ann', 2);
    clock.advance(61 * MINUTE_MS);
    await say('u:ann');
    await became(newPage().own, { recovered: false, missed: { after: 1, upto: 3 } }, 4);
  });

  it('comes back to none of its groups where what was told to its person is too old: a removal may be among it', async () => {
    const { device, say, clock } = await start();
    for (const group of [ROOM, 'u:ann']) await say(group);
    await became(device.own, 1);
    await became(device.room, 1);
    await device.away();
    await say('u:ann');
    clock.advance(61 * MINUTE_MS);
    device.back();
    await became(device.own, 1, { recovered: false, missed: { after: 1, upto: 2 } });
    await became(device.room, 1, 'left');
  });

  it('is told that the log began anew, also while it is there, and gets what follows', async () => {
    const { device, say, replaceStore } = await start();
    await say('u:ann', 2);
    await became(device.own, 1, 2);
    await device.away();
    await replaceStore();
    await say('u:ann');
    device.back();
    const first = { recovered: false, missed: { epoch: expect.any(String), after: 2 } };
    await became(device.own, 1, 2, first, 1);
    await replaceStore();
    await say('u:ann');
    const second = { recovered: false, missed: { epoch: expect.any(String), after: 1 } };
    await became(device.own, 1, 2, first, 1, second, 1);
  });
});
