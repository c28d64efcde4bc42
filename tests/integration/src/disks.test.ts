/** What becomes of stored messages when the disk is full for a while, and when it is put back from an older copy. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { createHttpPushClient, type PushClient } from '@im/push-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Supervised } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 20_000, interval: 20 };
const ROOM = '10000';
/** A few of them are more than the store keeps free in its file. */
const PADDING = 'x'.repeat(30_000);

const workplace = new Workplace();
const opened: PushClient[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await workplace.clear();
});

async function start(folder: string, ...args: string[]) {
  const server = new Supervised(args, folder);
  const origin = await workplace.open(server);
  const token = readFileSync(path.join(folder, '.im/push-token'), 'utf8').trim();
  const pushing = createHttpPushClient({ url: `${origin}/v1/push`, token, retries: 0 });
  opened.push(pushing);
  return { server, origin, pushing };
}

async function signIn(origin: string, name: string): Promise<Person> {
  const person = await workplace.signIn(origin, name);
  person.client.connect();
  await vi.waitFor(() => expect(person.client.state.status).toBe('connected'), WAIT);
  return person;
}

/** @returns the error's name, where there is one */
async function tell(pushing: PushClient, { user }: Person, id: string): Promise<string | undefined> {
  const push = { event: 'message', data: { id, padding: PADDING }, lane: 'priority', id } as const;
  return pushing.toUser(user, push, { acknowledge: 'durable' }).then(
    () => undefined,
    ({ name }: Error) => name,
  );
}

const idsOf = ({ messages }: Person): string[] => messages.map(({ id }) => id);

describe.skipIf(process.platform !== 'linux')('a disk without room', () => {
  it('refuses stored messages while rooms go on; nothing is lost, and all goes on by itself', async () => {
    const folder = await workplace.folder();
    const { server, origin, pushing } = await start(folder);
    const [ann, bob] = [await signIn(origin, 'Ann'), await signIn(origin, 'Bob')];
    const room = await ann.enter(ROOM);
    const heard: string[] = [];
    room.on('chat', ({ text }) => heard.push(text));
    await bob.enter(ROOM);
    const acknowledged: string[] = [];
    const fill = async (until: (refusal: string | undefined) => boolean): Promise<string | undefined> => {
      for (let count = 0; ; count += 1) {
        const id = `m${acknowledged.length}-${count}`;
        const refusal = await tell(pushing, bob, id);
        if (refusal === undefined) acknowledged.push(id);
        if (until(refusal)) return refusal;
      }
    };
    const limit = (bytes: number | 'unlimited') =>
      execFileSync('prlimit', ['--pid', `${server.servers[0]}`, `--fsize=${bytes}:`]);

    await fill(() => acknowledged.length === 5);
    limit(statSync(path.join(folder, '.im/log/data.mdb')).size);
    expect(await fill((refusal) => refusal !== undefined)).toBe('STORE_FULL');
    await bob.client.call('chat.send', { room: ROOM, text: 'still here' });
    await vi.waitFor(() => expect(heard).toEqual(['still here']), WAIT);
    limit('unlimited');
    await vi.waitFor(async () => expect(await tell(pushing, bob, 'after')).toBeUndefined(), WAIT);
    acknowledged.push('after');
    await vi.waitFor(() => expect(idsOf(bob)).toEqual(acknowledged), WAIT);
    expect(server.servers).toHaveLength(1);
  }, 60_000);
});

describe('a store that was put back from an older copy', () => {
  it('is told to clients, who see what comes under versions that they had seen before', async () => {
    const folder = await workplace.folder();
    const logs = path.join(folder, '.im/log');
    const copy = path.join(folder, 'copy');
    const first = await start(folder);
    const bob = await signIn(first.origin, 'Bob');
    const lost: (number | undefined)[] = [];
    bob.client.user.on('$recovered', ({ recovered, missed }) => {
      if (!recovered) lost.push(missed?.after);
    });
    for (const id of ['1', '2']) expect(await tell(first.pushing, bob, id)).toBeUndefined();
    await first.server.signal('SIGTERM');
    cpSync(logs, copy, { recursive: true });

    const again = ['--port', new URL(first.origin).port];
    const second = await start(folder, ...again);
    for (const id of ['3', '4']) expect(await tell(second.pushing, bob, id)).toBeUndefined();
    await vi.waitFor(() => expect(idsOf(bob)).toEqual(['1', '2', '3', '4']), WAIT);
    expect(lost).toEqual([]);
    await second.server.signal('SIGTERM');
    rmSync(logs, { recursive: true });
    cpSync(copy, logs, { recursive: true });

    const third = await start(folder, ...again);
    for (const id of ['5', '6', '7']) expect(await tell(third.pushing, bob, id)).toBeUndefined();
    await vi.waitFor(() => expect(idsOf(bob)).toEqual(expect.arrayContaining(['5', '6', '7'])), WAIT);
    expect(lost).toEqual([4]);
  }, 60_000);
});
