import type { PublishedMany } from '@im/broadcast';
import { ImError } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CampaignOptions, type CampaignProgress, pushCampaign } from './campaign.js';
import type { PushClient, PushMessage } from './push-client.js';

interface Pushed {
  readonly at: number;
  readonly users: readonly string[];
  readonly message: PushMessage;
}

describe('a campaign', () => {
  let clock: FakeClock;
  let pushed: Pushed[];
  let answers: (Error | Record<string, Error>)[];
  const names = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);
  const message: PushMessage = { event: 'news' };

  const client = {
    async toUsers(users: readonly string[], sent: PushMessage): Promise<PublishedMany> {
      pushed.push({ at: clock.monotonic(), users, message: sent });
      const answer = answers.shift() ?? {};
      if (answer instanceof Error) throw answer;
      const failed = new Map(Object.entries(answer).map(([user, error]) => [`u:${user}`, error]));
      const published = users.map((user) => ({ group: `u:${user}` })).filter(({ group }) => !failed.has(group));
      return { published, failed };
    },
  } as PushClient;

  /** Iterates it to its end; time passes whenever it waits. */
  async function run(options: Partial<CampaignOptions>): Promise<CampaignProgress[]> {
    const progress: CampaignProgress[] = [];
    let isOver = false;
    const iterated = (async () => {
      for await (const each of pushCampaign(client, { users: [], message, clock, ...options })) progress.push(each);
    })().finally(() => {
      isOver = true;
    });
    const passing = (async () => {
      while (!isOver) {
        await new Promise(setImmediate);
        clock.advance(10);
      }
    })();
    await Promise.all([iterated, passing]);
    expect(clock.pendingTimers).toBe(0);
    return progress;
  }

  beforeEach(() => {
    clock = new FakeClock();
    pushed = [];
    answers = [];
  });

  it('reaches everybody in the order given, ten pushes a second, and tells how far it is', async () => {
    const progress = await run({ users: names(250), usersPerSecond: 1_000 });
    expect(pushed.flatMap(({ users }) => users)).toEqual(names(250));
    expect(pushed.map(({ users }) => users.length)).toEqual([100, 100, 50]);
    const [first = 0, second = 0, third = 0] = pushed.map(({ at }) => at);
    expect([second - first, third - second]).toEqual([100, 100]);
    expect(progress.map(({ published, failed }) => [published, failed])).toEqual([
      [100, 0],
      [200, 0],
      [250, 0],
    ]);
  });

  it('takes users from wherever they come, and never more of them than one push needs', async () => {
    let read = 0;
    async function* database() {
      for (const user of names(30)) {
        read += 1;
        yield user;
      }
    }
    const campaign = pushCampaign(client, { users: database(), message, clock, usersPerSecond: 100 });
    const first = campaign.next();
    await new Promise(setImmediate);
    clock.advance(0);
    await first;
    expect(read).toBe(10);
    await campaign.return(undefined);
  });

  it('does not make up in a burst for what was late', async () => {
    async function* slow() {
      for (const user of names(3)) {
        if (user === 'u1') clock.advance(60_000);
        yield user;
      }
    }
    await run({ users: slow(), usersPerSecond: 1 });
    const [, second = 0, third = 0] = pushed.map(({ at }) => at);
    expect(third - second).toBeGreaterThanOrEqual(1_000);
  });

  it('repeats whom it did not reach, under one id on the priority lane', async () => {
    answers = [new ImError('STORE_UNAVAILABLE'), { u1: new ImError('STORE_UNAVAILABLE') }];
    const progress = await run({ users: names(2), message: { ...message, lane: 'priority' } });
    expect(pushed.map(({ users }) => users)).toEqual([['u0', 'u1'], ['u0', 'u1'], ['u1']]);
    expect(new Set(pushed.map(({ message: sent }) => sent.id)).size).toBe(1);
    expect(pushed[0]?.message.id).toBeDefined();
    expect(progress).toEqual([{ published: 2, failed: 0, failures: new Map() }]);
  });

  it('repeats on the normal lane only where nothing was taken', async () => {
    const lost = new ImError('DISCONNECTED');
    answers = [{ u0: new ImError('QUEUE_FULL'), u1: lost }];
    const progress = await run({ users: names(3) });
    expect(pushed.map(({ users }) => users)).toEqual([['u0', 'u1', 'u2'], ['u0']]);
    expect(progress).toEqual([{ published: 2, failed: 1, failures: new Map([['u:u1', lost]]) }]);
  });

  it('gives up after five repetitions, tells so, and goes on', async () => {
    const full = new ImError('QUEUE_FULL');
    answers = Array.from({ length: 6 }, () => full);
    const progress = await run({ users: names(2), usersPerSecond: 10 });
    expect(pushed).toHaveLength(7);
    expect(progress.map(({ published, failed }) => [published, failed])).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect(progress[0]?.failures).toEqual(new Map([['u:u0', full]]));
  });

  it('ends with what a repetition would meet again', async () => {
    answers = [new ImError('GROUP_INVALID')];
    await expect(run({ users: names(2) })).rejects.toMatchObject({ name: 'GROUP_INVALID' });
    await expect(run({ users: [], usersPerSecond: 0 })).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
  });

  it('ends when it is told to, before its next push', async () => {
    const controller = new AbortController();
    const campaign = pushCampaign(client, {
      users: names(9),
      message,
      clock,
      usersPerSecond: 1,
      signal: controller.signal,
    });
    const first = campaign.next();
    await new Promise(setImmediate);
    clock.advance(0);
    await first;
    const second = campaign.next();
    await new Promise(setImmediate);
    controller.abort();
    await expect(second).rejects.toMatchObject({ name: 'CANCELLED' });
    expect(pushed).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });
});
