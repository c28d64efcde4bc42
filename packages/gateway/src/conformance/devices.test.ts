// Of the connections of one user, which stay: section 9 of docs/protocol.md.
import type { LogReader, LogStore } from '@im/timeline';
import { afterEach, describe, expect, it } from 'vitest';
import type { DevicePolicy } from '../devices/device-policy.js';
import { type FakeLink, GatewayFixture, tokenTable } from '../testing/index.js';
import type { UserRegister, UserSession } from '../user-register.js';

let fixture: GatewayFixture;
afterEach(() => fixture.close());

const setUp = async (devices: DevicePolicy, options: object = {}): Promise<void> => {
  fixture = await new GatewayFixture({ devices, ...options }).serve();
};

/** Signs in, a while after whoever did before. */
async function signIn(device: string, platform: string, gateway = fixture.gateway, hello: object = {}) {
  fixture.clock.advance(100);
  return fixture.enter('ann', { device, platform, ...hello }, gateway);
}

const REPLACED = { code: 4508, reason: expect.stringMatching(/^DEVICE_REPLACED: signed in on ios$/) };

/** Everything that was on its way has arrived: what ann's gateways tell each other comes before this. */
async function settle(link: FakeLink): Promise<void> {
  await fixture.chat('u:ann', 'settled');
  await link.until('push', ({ data }) => data === 'settled');
}

/** What all gateways know, kept as the test says. */
class FakeRegister implements UserRegister {
  readonly entries = new Map<string, UserSession>();
  away = false;

  constructor(readonly gateway = 'gw') {}

  enter(_userGroup: string, session: Omit<UserSession, 'gateway'>): void {
    this.entries.set(session.session, { ...session, gateway: this.gateway });
  }

  leave(session: string): void {
    this.entries.delete(session);
  }

  async sessionsOf(): Promise<readonly UserSession[]> {
    if (this.away) throw new Error('away');
    return [...this.entries.values()];
  }

  async gateways(): Promise<readonly string[]> {
    return [this.gateway];
  }
}

describe('of the connections of a user', () => {
  it('all stay where nothing else is said', async () => {
    await setUp('all');
    const phone = await signIn('d1', 'ios');
    const other = await signIn('d2', 'ios');
    await settle(other);
    expect([phone.closedWith, other.closedWith]).toEqual([undefined, undefined]);
  });

  it('the one that signed in last stays, and the other is told why [PR-142]', async () => {
    await setUp('one');
    const desktop = await signIn('d1', 'web');
    const phone = await signIn('d2', 'ios');
    expect(await desktop.untilClosed()).toMatchObject(REPLACED);
    await settle(phone);
    expect(phone.closedWith).toBeUndefined();
  });

  it('one on each platform stays, also where the device is the same [PR-142]', async () => {
    await setUp('platform');
    const desktop = await signIn('d1', 'web');
    const phone = await signIn('d2', 'ios');
    const again = await signIn('d2', 'ios');
    expect(await phone.untilClosed()).toMatchObject(REPLACED);
    await settle(again);
    expect([desktop.closedWith, again.closedWith]).toEqual([undefined, undefined]);
  });

  it('the one that signed in last stays, whatever gateway the other is at, and clients see nothing of it [PR-142]', async () => {
    await setUp('one');
    const desktop = await signIn('d1', 'web');
    const phone = await signIn('d2', 'ios', fixture.another());
    expect(await desktop.untilClosed()).toMatchObject(REPLACED);
    await settle(phone);
    expect(phone.all('push')).toHaveLength(1);
  });

  it('one that comes back with its ticket does not drive away who signed in since [PR-142]', async () => {
    await setUp('one');
    const desktop = await signIn('d1', 'web');
    const { ticket } = await desktop.until('welcome');
    desktop.disconnect();
    const phone = await signIn('d2', 'ios');
    for (const gateway of [fixture.gateway, fixture.another()]) {
      const back = await signIn('d1', 'web', gateway, { ticket });
      expect(await back.untilClosed()).toMatchObject(REPLACED);
    }
    await settle(phone);
    expect(phone.closedWith).toBeUndefined();
    // Without the ticket it is the latest.
    await signIn('d1', 'web');
    expect(await phone.untilClosed()).toMatchObject({ code: 4508 });
  });

  it('exactly one stays of those that sign in at once at several gateways [PR-142]', async () => {
    await setUp('one');
    const gateways = [fixture.gateway, fixture.another(), fixture.another()];
    const links = [0, 1, 2, 3, 4, 5].map((n) => {
      const link = fixture.connect(gateways[n % 3]);
      link.say({ type: 'hello', id: 1, token: 'user:ann', device: `d${n}`, platform: 'web' });
      return link;
    });
    await expect.poll(() => links.filter(({ closedWith }) => !closedWith).length, { interval: 1 }).toBe(1);
    const [left] = links.filter(({ closedWith }) => !closedWith);
    await left?.until('welcome');
    await settle(left as FakeLink);
    expect(left?.closedWith).toBeUndefined();
  });

  it('those of other products and other users have nothing to do with it', async () => {
    const table = tokenTable({ 'user:p1': { user: 'ann', product: 'p1', claims: {} } });
    await setUp('one', { devicesByProduct: { p1: 'all' }, verifier: table });
    const links = [
      await fixture.enter('ann'),
      await fixture.enter('bob'),
      await fixture.enter('p1', { device: 'd1' }),
      await fixture.enter('p1', { device: 'd2' }),
    ];
    await settle(links[0] as FakeLink);
    expect(links.map(({ closedWith }) => closedWith)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('the older one goes also when what was told of the newer one was lost, as soon as the register can be read [PR-142]', async () => {
    const users = new FakeRegister();
    await setUp('one', { users });
    const { broadcast } = fixture;
    const lost: string[] = [];
    // A gateway whose messages to others are lost while the test says so.
    let deaf = true;
    const publisher = broadcast.createPublisher();
    const unheard = fixture.another({
      users,
      broadcast: {
        createPublisher: () => ({
          publishMany: (groups, publication, options) => publisher.publishMany(groups, publication, options),
          publish(group, publication, options) {
            if (!deaf) return publisher.publish(group, publication, options);
            lost.push(publication.event);
            return Promise.resolve({ group });
          },
          close: () => publisher.close(),
        }),
        createSubscriber: (handlers) => broadcast.createSubscriber(handlers),
        close: async () => {},
      },
    });
    const desktop = await signIn('d1', 'web');
    await settle(desktop);
    users.away = true;
    const phone = await signIn('d2', 'ios', unheard);
    expect(lost).toEqual(['$device']);
    deaf = false;
    // Three rounds without a register: nothing is known, nobody is closed.
    for (let round = 0; round < 3; round++) await nextRound();
    await settle(phone);
    expect(desktop.closedWith).toBeUndefined();
    users.away = false;
    await nextRound();
    expect(await desktop.untilClosed()).toMatchObject(REPLACED);
    await nextRound();
    await nextRound();
    await settle(phone);
    expect(phone.closedWith).toBeUndefined();
  });

  it('one that is not let in yet drives nobody away, and does as soon as it is [PR-142]', async () => {
    let hold: Promise<void> | undefined;
    let letIn = (): void => {};
    await setUp('one', {
      log: (log: LogStore): LogReader => ({
        head: (group) => log.head(group),
        async read(group, range) {
          await hold;
          return log.read(group, range);
        },
      }),
    });
    const { epoch } = await fixture.gift('u:ann', 1);
    const desktop = await signIn('d1', 'web');
    const { ticket } = await desktop.until('welcome');
    desktop.disconnect();
    hold = new Promise((resolve) => {
      letIn = resolve;
    });
    fixture.clock.advance(100);
    const phone = fixture.connect();
    const positions = { 'u:ann': { epoch, version: 0 } };
    phone.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd2', platform: 'ios', positions });
    await new Promise(setImmediate);
    hold = undefined;
    const back = await signIn('d1', 'web', fixture.gateway, { ticket });
    await settle(back);
    expect([back.closedWith, phone.messages]).toEqual([undefined, []]);
    letIn();
    expect(await back.untilClosed()).toMatchObject(REPLACED);
    await phone.until('welcome');
    expect(phone.closedWith).toBeUndefined();
  });

  it('is refused where the policy is none', () => {
    fixture = new GatewayFixture();
    expect(() => fixture.another({ devices: 'two' as never, devicesByProduct: { p1: 'many' as never } })).toThrow(
      /devices: two .*; devices: many \(p1\)/,
    );
  });
});

async function nextRound(): Promise<void> {
  fixture.clock.advance(2_000);
  await new Promise(setImmediate);
}
