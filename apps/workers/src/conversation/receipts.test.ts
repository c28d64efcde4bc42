import { ImError } from '@im/protocol';
import { createServiceClient } from '@im/rpc';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OfflineEvent } from '../offline/offline-event.js';
import { receiptDefinition } from '../receipt/receipt-service.js';
import { startWorkers, type WorkerFixture, withKey } from '../worker-fixture.js';
import { conversationDefinition } from './conversation-definition.js';

let fixture: WorkerFixture;
let told: OfflineEvent[];
beforeEach(async () => {
  told = [];
  const offlineSink = { name: 'test', tell: async (event: OfflineEvent) => void told.push(event) };
  fixture = await startWorkers({ offlineSink });
  for (const user of ['ann', 'bob', 'cat']) fixture.watch(`u:${user}`);
});
afterEach(() => fixture.close());

const as = (user: string, extra = {}) => fixture.as(conversationDefinition, user, extra);
const gateway = () => createServiceClient(receiptDefinition, fixture.caller);

/** The device has everything of the log. */
async function confirm(user: string, group: string, device = 'd1'): Promise<void> {
  const { epoch, version } = await fixture.log.head(group);
  await gateway().$positions({ positions: [{ userGroup: `u:${user}`, device, group, epoch, version }] });
}

async function group(): Promise<string> {
  const { conversation } = await as('ann').create({ name: 'Team', members: ['bob', 'cat'] }, withKey('ann', 'team'));
  for (const user of ['ann', 'bob', 'cat']) await as(user).open({});
  return conversation;
}

describe('a message that asks', () => {
  it('of two people tells its author when a device of the other has it, and when it is read', async () => {
    const { conversation, version } = await as('ann').send(
      { to: 'bob', text: 'hi', receipt: true },
      withKey('ann', 'k'),
    );
    expect(fixture.pushes('message')[0]).toMatchObject({ text: 'hi', receipt: true });
    const of = () => fixture.as(receiptDefinition, 'ann').of({ conversation, versions: [version] });
    expect(await of()).toEqual({ receipts: [{ version, of: 1, delivered: 0, read: 0 }] });
    await confirm('ann', 'u:ann');
    expect(await of()).toEqual({ receipts: [{ version, of: 1, delivered: 0, read: 0 }] });
    await confirm('bob', 'u:bob');
    expect(await of()).toEqual({ receipts: [{ version, of: 1, delivered: 1, read: 0 }] });
    await as('bob').read({ conversation, version });
    expect(await of()).toEqual({ receipts: [{ version, of: 1, delivered: 1, read: 1 }] });
    fixture.clock.advance(1_000);
    await vi.waitFor(() =>
      expect(fixture.pushes('receipt')).toEqual([
        { receipts: [{ conversation, version, of: 1, delivered: 1, read: 1 }] },
      ]),
    );
  });

  it('in a group counts its other members, but nobody who came later', async () => {
    const conversation = await group();
    const { version } = await as('bob').send({ conversation, text: 'hi', receipt: true }, withKey('bob', 'k'));
    await as('ann').invite({ conversation, users: ['dan'] });
    await as('dan').open({});
    for (const user of ['bob', 'cat', 'dan']) await confirm(user, conversation);
    const of = async () =>
      (await fixture.as(receiptDefinition, 'bob').of({ conversation, versions: [version] })).receipts;
    expect(await of()).toEqual([{ version, of: 2, delivered: 1, read: 0 }]);
    await confirm('ann', conversation);
    await as('ann').read({ conversation, version });
    expect(await of()).toEqual([{ version, of: 2, delivered: 2, read: 1 }]);
    expect((await fixture.as(receiptDefinition, 'cat').of({ conversation, versions: [version] })).receipts).toEqual([]);
  });

  it('asks once however often its call is repeated, and nothing is asked where nobody wants it', async () => {
    const send = (receipt: boolean, key: string) =>
      as('ann').send({ to: 'bob', text: key, receipt }, withKey('ann', key));
    const { conversation, version } = await send(true, 'k');
    await confirm('bob', 'u:bob');
    expect(await send(true, 'k')).toMatchObject({ version });
    const plain = await send(false, 'plain');
    await confirm('bob', 'u:bob');
    const of = { conversation, versions: [version, plain.version] };
    expect((await fixture.as(receiptDefinition, 'ann').of(of)).receipts).toEqual([
      { version, of: 1, delivered: 1, read: 0 },
    ]);
    expect(fixture.deliveries.filter(({ id }) => id?.startsWith('?'))).toHaveLength(2);
  });
});

describe('people who are not connected', () => {
  it('are told of once, with what is unread, unless they muted the conversation', async () => {
    fixture.connected.add('u:cat');
    const { conversation } = await as('ann').send({ to: 'bob', text: 'first' }, withKey('ann', '1'));
    await as('ann').send({ to: 'bob', text: 'second' }, withKey('ann', '2'));
    await as('ann').send({ to: 'bob', text: 'second' }, withKey('ann', '2'));
    await as('ann').send({ to: 'cat', text: 'is here' }, withKey('ann', '3'));
    await vi.waitFor(() => expect(told).toHaveLength(2));
    expect(told).toMatchObject([
      { user: 'bob', conversation, version: 1, preview: 'first', from: { user: 'ann', name: 'ANN' } },
      { user: 'bob', conversation, version: 2, preview: 'second', unread: 2 },
    ]);
    await as('bob').mute({ conversation, muted: true });
    await as('ann').send({ to: 'bob', text: 'third' }, withKey('ann', '4'));
    const lookedUp = () => fixture.metrics.value('im_workers_offline_told_total', { sink: 'presence' });
    await vi.waitFor(() => expect(lookedUp()).toBe(4));
    expect(told).toHaveLength(2);
  });

  it('are told of though the receipts cannot be asked for at first, and once', async () => {
    await fixture.close();
    let isAway = false;
    fixture = await startWorkers({
      offlineSink: { name: 'test', tell: async (event) => void told.push(event) },
      wrapRecords: (records) => ({
        get: (owner, fields) => records.get(owner, fields),
        page: (owner, range) => records.page(owner, range),
        write: (owner, changes) =>
          isAway && owner.startsWith('qu:') && changes.length > 1
            ? Promise.reject(new ImError('STORE_UNAVAILABLE'))
            : records.write(owner, changes),
      }),
    });
    isAway = true;
    const send = () => as('ann').send({ to: 'bob', text: 'hi', receipt: true }, withKey('ann', 'k'));
    await expect(send()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    isAway = false;
    const { conversation, version } = await send();
    await vi.waitFor(() => expect(told).toMatchObject([{ user: 'bob', conversation, version }]));
    const { receipts } = await fixture.as(receiptDefinition, 'ann').of({ conversation, versions: [version] });
    expect(receipts).toMatchObject([{ of: 1, delivered: 0 }]);
  });

  it('of a group are all members but the author', async () => {
    const conversation = await group();
    await as('bob').send({ conversation, text: 'hi' }, withKey('bob', 'k'));
    await vi.waitFor(() => expect(told).toHaveLength(2));
    expect(told.map(({ user }) => user).sort()).toEqual(['ann', 'cat']);
  });
});
