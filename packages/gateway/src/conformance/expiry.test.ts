// Section 7 of docs/protocol.md, as time goes by: what a log no longer keeps is told, never silently left out.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeLink, GatewayFixture } from '../testing/index.js';

const HOUR_MS = 3_600_000;
const keep = (hours: number) => ({ maxEntries: 100, maxBytes: 100_000, maxAgeMs: hours * HOUR_MS });

describe('a client that comes back', () => {
  let fixture: GatewayFixture;
  beforeEach(async () => {
    fixture = await new GatewayFixture({ retention: { default: keep(1), kinds: { u: keep(24) } } }).serve();
  });
  afterEach(() => fixture.close());

  /** As long as that, with the position it had. @returns it, and what it is told of its own log */
  async function away(hours: number, position: { epoch: string; version: number }): Promise<[FakeLink, unknown]> {
    fixture.clock.advance(hours * HOUR_MS);
    const link = await fixture.enter('ann', { positions: { 'u:ann': position } });
    return [link, link.all('welcome')[0]?.groups.find(({ group }) => group === 'u:ann')];
  }
  const pushed = (link: FakeLink): unknown[] => link.all('push').map(({ data }) => data);

  it('before anything has expired gets all of it, by the age that its kind of group has [PR-95]', async () => {
    const seen = await fixture.gift('u:ann', 1);
    await fixture.gift('u:ann', 2);
    const [link, own] = await away(23, seen);
    expect(own).toEqual({ group: 'u:ann', ...seen, recovered: true });
    await link.until('push');
    expect(pushed(link)).toEqual([2]);
  });

  it('after a part of it has expired is told which, and gets the rest [PR-96]', async () => {
    const seen = await fixture.gift('u:ann', 1);
    await fixture.gift('u:ann', 2);
    fixture.clock.advance(20 * HOUR_MS);
    await fixture.gift('u:ann', 3);
    const [link, own] = await away(20, seen);
    const { epoch } = seen;
    expect(own).toEqual({ group: 'u:ann', epoch, version: 2, recovered: false, missed: { after: 1, upto: 2 } });
    await link.until('push');
    expect(pushed(link)).toEqual([3]);
  });

  it('after all of it has expired is told so, and goes on behind it [PR-96]', async () => {
    const seen = await fixture.gift('u:ann', 1);
    await fixture.gift('u:ann', 2);
    const [link, own] = await away(25, seen);
    const { epoch } = seen;
    expect(own).toEqual({ group: 'u:ann', epoch, version: 2, recovered: false, missed: { after: 1, upto: 2 } });
    await fixture.gift('u:ann', 'next');
    expect(await link.until('push')).toMatchObject({ version: 3 });
    expect(pushed(link)).toEqual(['next']);
  });
});
