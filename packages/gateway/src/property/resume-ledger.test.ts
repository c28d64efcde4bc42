/**
 * A ledger of the priority lane: viewers are cut and return at random gateways while messages are published, the store is slow,
 * away, or forgets. Each viewer sees each version once, in order, or is told which it will not see.
 */
import type { JoinedGroup, Position } from '@im/protocol';
import type { LogReader, LogStore } from '@im/timeline';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effects, type FakeLink, GatewayFixture, type ReceivedMessage } from '../testing/index.js';

const GROUPS = ['r:1', 'r:2'];
const VIEWERS = 4;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      group: fc.constantFrom(...GROUPS),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cut' as const), viewer: fc.nat(VIEWERS - 1) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('return' as const), viewer: fc.nat(VIEWERS - 1), gateway: fc.nat(1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('store' as const),
      state: fc.constantFrom('well' as const, 'slow' as const, 'away' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 60, 500) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What one viewer has seen and been told of one group. */
class Account {
  position: Position | undefined;
  seen = 0;
  told = 0;

  begin({ epoch, version, recovered, missed }: JoinedGroup, given: Position | undefined): void {
    if (given === undefined) expect(recovered).toBeUndefined();
    else if (recovered) expect({ epoch, version }).toEqual(given);
    else this.#tell(given, { epoch, version }, missed);
    this.position = { epoch, version };
  }

  push(version: number): void {
    expect(version).toBe((this.position?.version ?? Number.NaN) + 1);
    this.position = { epoch: this.position?.epoch ?? '', version };
    this.seen++;
  }

  reset({ epoch, version, missed }: JoinedGroup): void {
    this.#tell(this.position as Position, { epoch, version }, missed);
    this.position = { epoch, version };
  }

  /** What is told must be exactly what lies between. */
  #tell(from: Position, to: Position, missed: JoinedGroup['missed']): void {
    expect(missed?.after).toBe(from.version);
    if (missed?.epoch === undefined) {
      expect(missed?.upto).toBe(to.version);
      expect(from.epoch).toBe(to.epoch);
      this.told += to.version - from.version;
    } else {
      expect(missed.epoch).toBe(from.epoch);
      this.told++;
    }
  }
}

class TestViewer {
  readonly accounts = new Map<string, Account>();
  link: FakeLink | undefined;
  #ticket: string | undefined;
  #given: Record<string, Position> = {};
  #read = 0;

  constructor(readonly user: string) {}

  connect(fixture: GatewayFixture, gateway: GatewayFixture['gateway']): void {
    this.take();
    this.#given = {};
    for (const [group, { position }] of this.accounts) if (position) this.#given[group] = position;
    this.#read = 0;
    this.link = fixture.connect(gateway);
    const resume = this.#ticket && { ticket: this.#ticket, positions: this.#given };
    this.link.say({ type: 'hello', id: 1, token: `user:${this.user}`, device: 'd', platform: 'web', ...resume });
    if (!resume) {
      const joins = GROUPS.map((group) => ({ type: 'join', group }) as const);
      this.link.say({ type: 'call', id: 2, ...effects(...joins) });
    }
  }

  cut(): void {
    this.link?.disconnect();
    this.take();
    this.link = undefined;
  }

  /** Books everything that came. */
  take(): void {
    for (const message of this.link?.messages.slice(this.#read) ?? []) this.#book(message);
    this.#read = this.link?.messages.length ?? 0;
  }

  #book(message: ReceivedMessage): void {
    if (message.type === 'ticket') this.#ticket = message.ticket;
    else if (message.type === 'welcome') {
      this.#ticket = message.ticket;
      expect(message.left).toEqual([]);
      for (const joined of message.groups) this.#account(joined.group).begin(joined, this.#given[joined.group]);
    } else if (message.type === 'joined') this.#account(message.group).begin(message, undefined);
    else if (message.type === 'reset') this.#account(message.group).reset(message);
    else if (message.type === 'push' && message.version !== undefined)
      this.#account(message.group).push(message.version);
    else expect(message.type).toMatch(/^(shed|reply|ping)$/);
  }

  #account(group: string): Account {
    const account = this.accounts.get(group) ?? new Account();
    this.accounts.set(group, account);
    return account;
  }
}

class MoodyStore {
  state: 'well' | 'slow' | 'away' = 'well';

  constructor(readonly log: LogStore) {}

  reader(): LogReader {
    const moody = async <T>(group: string, read: () => Promise<T>): Promise<T> => {
      // The log of a user is spared: without it nothing is resumed, which is another test's.
      if (group.startsWith('u:')) return read();
      if (this.state === 'away') throw new Error('away');
      if (this.state === 'slow') for (let i = 0; i < 3; i++) await new Promise(setImmediate);
      return read();
    };
    return {
      head: (group) => moody(group, () => this.log.head(group)),
      read: (group, range) => moody(group, () => this.log.read(group, range)),
    };
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise(setImmediate);
}

interface Outcome {
  readonly seen: number;
  readonly told: number;
}

async function run(steps: readonly Step[], maxEntries: number): Promise<Outcome> {
  const stores: MoodyStore[] = [];
  const log = (store: LogStore): LogReader => {
    const moody = new MoodyStore(store);
    stores.push(moody);
    return moody.reader();
  };
  const fixture = await new GatewayFixture({
    log,
    retention: {
      default: { maxEntries, maxBytes: 10_000_000, maxAgeMs: 100_000_000 },
      kinds: { u: { maxEntries: 1_000, maxBytes: 10_000_000, maxAgeMs: 100_000_000 } },
    },
  }).serve();
  const gateways = [fixture.gateway, fixture.another()];
  const viewers = Array.from({ length: VIEWERS }, (_, i) => new TestViewer(`user-${i}`));
  for (const [i, viewer] of viewers.entries()) viewer.connect(fixture, gateways[i % 2] as GatewayFixture['gateway']);
  for (const viewer of viewers) await viewer.link?.answerTo(2);
  await settle();

  const publishing: Promise<unknown>[] = [];
  for (const each of steps) {
    if (each.do === 'publish') for (let i = 0; i < each.count; i++) publishing.push(fixture.gift(each.group, i));
    else if (each.do === 'cut') viewers[each.viewer]?.cut();
    else if (each.do === 'return') {
      const viewer = viewers[each.viewer] as TestViewer;
      // Who has a connection is taken over.
      viewer.connect(fixture, gateways[each.gateway] as GatewayFixture['gateway']);
    } else if (each.do === 'store') for (const store of stores) store.state = each.state;
    else {
      fixture.clock.advance(each.ms);
      await settle();
    }
    // Heartbeats are another test's.
    for (const { link } of viewers) if (link && !link.closedWith) link.say({ type: 'pong' });
  }
  await Promise.all(publishing);
  for (const store of stores) store.state = 'well';
  for (const viewer of viewers) if (!viewer.link || viewer.link.closedWith) viewer.connect(fixture, fixture.gateway);
  // Whoever pulls a hole may be waiting to try again; one more message shows every tail.
  for (let i = 0; i < 8; i++) {
    fixture.clock.advance(800);
    await settle();
    for (const { link } of viewers) link?.say({ type: 'pong' });
  }
  const heads = new Map<string, Position>();
  for (const group of GROUPS) heads.set(group, await fixture.gift(group, 'last'));
  for (let i = 0; i < 4; i++) {
    await settle();
    fixture.clock.advance(800);
  }

  const outcome = { seen: 0, told: 0 };
  for (const viewer of viewers) {
    viewer.take();
    for (const group of GROUPS) {
      const account = viewer.accounts.get(group);
      expect(account?.position).toEqual(heads.get(group));
      outcome.seen += account?.seen ?? 0;
      outcome.told += account?.told ?? 0;
    }
  }
  await fixture.close();
  return outcome;
}

describe('the ledger of the priority lane', () => {
  it('shows each viewer each version once, in order, or tells it which it will not see [PR-82] [PR-95] [PR-96] [PR-97] [PR-102]', async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        told += (await run(steps, 8)).told;
      }),
      { numRuns: 60 },
    );
    // The store was short enough, and away often enough, to make the telling necessary.
    expect(told).toBeGreaterThan(0);
  }, 60_000);

  it('never has to tell anybody of a loss while the store is well and keeps enough [PR-95]', async () => {
    const harmless = fc.array(
      step.filter((each) => each.do !== 'store'),
      { minLength: 5, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(harmless, async (steps) => {
        expect((await run(steps, 10_000)).told).toBe(0);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
