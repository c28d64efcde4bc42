/** What becomes of people, gifts and private messages when the server is killed and started again. */
import { randomUUID } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { isAlive, Supervised } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 20_000, interval: 20 };
const ROOM = '10000';
/** Before and after a crash they are fewer than one person may write at once. */
const [WRITERS, MESSAGES_OF_EACH] = [4, 2];

const workplace = new Workplace();
afterEach(() => workplace.clear());

async function start() {
  const server = new Supervised([], await workplace.folder());
  const origin = await workplace.open(server);
  const person = (name: string): Promise<Person> => workplace.signIn(origin, name);
  /** Kills the server as a crash would; settles when another one is ready. */
  const kill = async (): Promise<void> => {
    const before = server.servers.length;
    process.kill(server.servers.at(-1) as number, 'SIGKILL');
    await vi.waitFor(() => expect(server.servers.length, server.output).toBeGreaterThan(before), WAIT);
  };
  return { server, origin, person, kill };
}

/** Writes as apps do: a call with a key is repeated by the client. */
async function write({ client }: Person, { user }: Person, text: string): Promise<void> {
  await client.call('conversation.send', { to: user, text }, { key: randomUUID(), timeoutMs: 30_000 });
}

it('loses no acknowledged private message and brings none twice, though the server is killed again and again', async () => {
  const { person, kill } = await start();
  const [ann, bob] = [await person('Ann'), await person('Bob')];
  for (const { client } of [ann, bob]) client.connect();
  await bob.history({ with: ann.user });

  const acknowledged: string[] = [];
  for (let crash = 0; crash < 3; crash += 1) {
    let onAnswer = (): void => {};
    const answered = new Promise<void>((resolve) => {
      onAnswer = resolve;
    });
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let count = 0; count < MESSAGES_OF_EACH; count += 1) {
        const text = `${crash}-${writer}-${count}`;
        await write(ann, bob, text);
        acknowledged.push(text);
        onAnswer();
      }
    });
    // Whoever had the first answer has only now written again.
    await answered;
    await kill();
    await Promise.all(writers);
  }

  const ledger = [...acknowledged].sort();
  await vi.waitFor(() => expect(bob.messages.map(({ text }) => text).sort()).toEqual(ledger), WAIT);
  const messages = await bob.history({ with: ann.user });
  expect(messages.map(({ text }) => text).sort()).toEqual(ledger);
  expect(messages.map(({ version }) => version).reverse()).toEqual(messages.map((_, index) => index + 1));
}, 60_000);

it('brings everybody back into the room after a crash, tells that gifts may be missing, and goes on', async () => {
  const { person, kill } = await start();
  const [ann, bob] = [await person('Ann'), await person('Bob')];
  const rooms = [await ann.enter(ROOM), await bob.enter(ROOM)];
  const seen: string[][] = [[], []];
  const told: boolean[][] = [[], []];
  rooms.forEach((room, index) => {
    room.on('gift', ({ id }) => seen[index]?.push(id));
    room.on('$recovered', ({ recovered }) => told[index]?.push(recovered));
  });
  const give = async (): Promise<string> =>
    (await ann.client.call('gift.send', { room: ROOM, gift: 'rose' }, { key: randomUUID(), timeoutMs: 30_000 })).id;

  const before = await Promise.all([give(), give(), give()]);
  await vi.waitFor(() => expect(seen.map((ids) => ids.length)).toEqual([3, 3]), WAIT);
  const giving = Promise.all([give(), give(), kill()]);
  await giving;
  await vi.waitFor(() => expect(told).toEqual([[false], [false]]), WAIT);
  const after = [await give(), await give()];
  for (const ids of seen) {
    await vi.waitFor(() => expect(ids).toEqual(expect.arrayContaining([...before, ...after])), WAIT);
  }
  // The room is whole again: both are in it, as before.
  const { members } = await bob.client.call('room.members', { room: ROOM });
  expect(members.map(({ user }) => user).sort()).toEqual([ann.user, bob.user].sort());
}, 60_000);

it('stops on SIGTERM within its deadlines: exit code 0, clients asked to come back, no process left', async () => {
  const { server, person } = await start();
  const ann = await person('Ann');
  await ann.enter(ROOM);
  const states: string[] = [];
  ann.client.on('state', ({ status }) => states.push(status));
  const [pid] = server.servers;
  const { code, output } = await server.signal('SIGTERM');
  expect(code, output).toBe(0);
  expect(isAlive(pid as number)).toBe(false);
  expect(output).not.toContain('left open');
  expect(server.log.filter(({ level }) => level === 'error')).toEqual([]);
  await vi.waitFor(() => expect(states).toContain('waiting'), WAIT);
});

it('leaves no process behind when the supervisor itself is killed', async () => {
  const { server } = await start();
  const [pid] = server.servers;
  await server.signal('SIGKILL');
  await vi.waitFor(() => expect(isAlive(pid as number)).toBe(false), WAIT);
});
