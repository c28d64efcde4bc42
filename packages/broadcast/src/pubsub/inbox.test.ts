import { ImError } from '@im/protocol';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeLink } from './fixtures/fake-link.js';
import { Inbox } from './inbox.js';

describe('Inbox', () => {
  let deferred: (() => void)[];
  let told: string[];
  let inbox: Inbox;

  const turn = () => {
    for (const run of deferred.splice(0)) run();
  };
  /** Runs what promises that have settled lead to. */
  const idle = () => new Promise(setImmediate);

  async function up(): Promise<FakeLink> {
    const link = new FakeLink();
    inbox.up(link);
    await idle();
    return link;
  }

  beforeEach(() => {
    deferred = [];
    told = [];
    inbox = new Inbox({
      defer: (run) => deferred.push(run),
      onRefused: (error) => void told.push(`refused ${(error as Error).message}`),
      onRestored: () => void told.push('restored'),
    });
  });

  it('subscribes all that a turn adds by one command, unsubscribing first', async () => {
    const link = await up();
    for (const channel of ['a', 'b', 'c']) inbox.add(channel);
    inbox.remove('b');
    turn();
    expect(link.commands).toEqual(['-b', '+a,c']);
  });

  it('counts as settled once every earlier command is answered, and none of the later ones', async () => {
    const link = await up();
    inbox.add('a');
    const settled = vi.fn();
    void inbox.settled().then(settled);
    inbox.add('b');
    turn();
    expect(link.commands).toEqual(['+a', '+b']);
    await idle();
    expect(settled).not.toHaveBeenCalled();
    link.subscribed[0]?.resolve();
    await idle();
    expect(settled).toHaveBeenCalled();
  });

  it('subscribes everything again after a reconnect, and tells so only when it is in force', async () => {
    const first = await up();
    inbox.add('a');
    inbox.add('b');
    turn();
    inbox.down();
    first.subscribed[0]?.reject(new Error('lost'));
    inbox.remove('a');
    inbox.add('c');
    const settled = vi.fn();
    void inbox.settled().then(settled);
    const second = await up();
    expect(second.commands).toEqual(['+b,c']);
    expect([told, settled.mock.calls.length]).toEqual([[], 0]);
    second.subscribed[0]?.resolve();
    await idle();
    expect(told).toEqual(['restored']);
    expect(settled).toHaveBeenCalled();
  });

  it('waits on when a command is lost with its link, also where that is noticed late', async () => {
    const first = await up();
    inbox.add('a');
    const settled = vi.fn();
    void inbox.settled().then(settled);
    first.subscribed[0]?.reject(new Error('lost'));
    await idle();
    inbox.down();
    const second = await up();
    expect([second.commands, settled.mock.calls.length, told]).toEqual([['+a'], 0, []]);
    second.subscribed[0]?.resolve();
    await idle();
    expect(settled).toHaveBeenCalled();
  });

  it('subscribes many in chunks, a few at a time, and never one that was removed meanwhile', async () => {
    for (let channel = 0; channel < 20_000; channel += 1) inbox.add(`${channel}`);
    const link = await up();
    const begun = link.subscribed.length;
    expect(begun).toBeLessThan(20);
    inbox.remove('19999');
    turn();
    for (let next = 0; next < link.subscribed.length; next += 1) {
      link.subscribed[next]?.resolve();
      await idle();
    }
    const subscribed = link.subscribed.flatMap(({ channels }) => channels);
    expect(subscribed).toHaveLength(19_999);
    expect(subscribed).not.toContain('19999');
    await inbox.settled();
  });

  it('tells of channels that the server refuses, and settles all the same', async () => {
    const link = await up();
    inbox.add('a');
    const settled = inbox.settled();
    link.subscribed[0]?.resolve(new Error('no permission'));
    await settled;
    expect(told).toEqual(['refused no permission']);
  });

  it('lets whoever waits know that it is closed', async () => {
    inbox.add('a');
    const settled = inbox.settled();
    inbox.close(new ImError('CLOSED'));
    await expect(settled).rejects.toMatchObject({ name: 'CLOSED' });
  });
});
