// What clients confirm that they have read: PR-140 and PR-141 of docs/protocol.md.
import { askingId, ImError } from '@im/protocol';
import { RecordingMetrics } from '@im/protocol/testing';
import { encodeJson } from '@im/rpc';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DevicePosition } from '../positions/position-sink.js';
import { effects, type FakeLink, GatewayFixture } from '../testing/index.js';

let fixture: GatewayFixture;
let told: DevicePosition[][];
let refuse: Error | undefined;
let ann: FakeLink;
beforeEach(async () => {
  told = [];
  refuse = undefined;
  const positions = {
    kinds: ['u', 'g'],
    async moved(batch: readonly DevicePosition[]) {
      if (refuse) throw refuse;
      told.push([...batch]);
    },
  };
  fixture = await new GatewayFixture({ positions, metrics: new RecordingMetrics() }).serve();
  ann = await fixture.enter('ann');
});
afterEach(() => fixture.close());

async function collect(): Promise<DevicePosition[]> {
  fixture.clock.advance(1_000);
  await new Promise(setImmediate);
  return told.splice(0).flat();
}

async function enter(group: string): Promise<void> {
  ann.say({ type: 'call', id: 2, ...effects({ type: 'join', group }) });
  await ann.answerTo(2);
}

const ofAnn = (position: object) => ({ userGroup: 'u:ann', device: 'd1', ...position });

describe('a push whose publisher asks', () => {
  it('says so to every device, live and replayed, with the id as it was given [PR-140]', async () => {
    const publication = { lane: 'priority', event: 'message', body: encodeJson(1), time: 1 } as const;
    await fixture.publisher.publish('u:ann', { ...publication, id: askingId('m1') });
    await fixture.publisher.publish('u:ann', { ...publication, id: 'm2' });
    await ann.until('push', ({ id }) => id === 'm2');
    const { epoch = '' } = ann.all('welcome')[0]?.groups[0] ?? {};
    const later = await fixture.enter('ann', { device: 'd2', positions: { 'u:ann': { epoch, version: 0 } } });
    await later.until('push', ({ id }) => id === 'm2');
    for (const link of [ann, later]) {
      expect(link.all('push')).toMatchObject([{ id: 'm1', confirm: true }, { id: 'm2' }]);
      expect(link.all('push')[1]).not.toHaveProperty('confirm');
    }
  });
});

describe('positions', () => {
  it('of ping are told on, the latest of each device and group once [PR-141]', async () => {
    const first = await fixture.gift('u:ann', 1);
    const second = await fixture.gift('u:ann', 2);
    await ann.until('push', ({ version }) => version === 2);
    ann.say({ type: 'ping', positions: { 'u:ann': first } }, { type: 'ping', positions: { 'u:ann': second } });
    ann.say({ type: 'ping', positions: { 'u:ann': first } });
    expect(await collect()).toEqual([ofAnn({ group: 'u:ann', ...second })]);
  });

  it('of hello and of since are told on, once the client is in the groups [PR-141]', async () => {
    const notice = await fixture.gift('u:ann', 1);
    const message = await fixture.gift('g:team', 1);
    ann.say({
      type: 'call',
      id: 2,
      ...effects({ type: 'join', group: 'g:team' }),
      since: { 'g:team': message, 'g:other': message },
    });
    await ann.answerTo(2);
    expect(await collect()).toEqual([ofAnn({ group: 'g:team', ...message })]);
    await fixture.enter('ann', { device: 'd2', positions: { 'u:ann': notice, 'g:team': message } });
    expect(await collect()).toEqual([{ userGroup: 'u:ann', device: 'd2', group: 'u:ann', ...notice }]);
  });

  it('that cannot be tell nothing: ahead, of another epoch, of a group that the client is not in [PR-141]', async () => {
    await enter('g:team');
    const at = await fixture.gift('g:team', 1);
    const elsewhere = await fixture.gift('g:other', 1);
    await ann.until('push');
    for (const positions of [
      { 'g:team': { ...at, version: 2 } },
      { 'g:team': { ...at, epoch: 'forged' } },
      { 'g:other': elsewhere },
      { 'u:bob': elsewhere },
    ])
      ann.say({ type: 'ping', positions });
    expect(await collect()).toEqual([]);
    expect(ann.all('error')).toEqual([]);
    ann.say({ type: 'ping', positions: { 'g:team': at } });
    expect(await collect()).toHaveLength(1);
  });

  it('are told again when nobody could hear, unless the device is further meanwhile', async () => {
    const first = await fixture.gift('u:ann', 1);
    const second = await fixture.gift('u:ann', 2);
    await ann.until('push', ({ version }) => version === 2);
    refuse = new ImError('UNAVAILABLE');
    ann.say({ type: 'ping', positions: { 'u:ann': first } });
    expect(await collect()).toEqual([]);
    ann.say({ type: 'ping', positions: { 'u:ann': second } });
    refuse = undefined;
    expect(await collect()).toEqual([ofAnn({ group: 'u:ann', ...second })]);
    refuse = new ImError('SERVICE_UNKNOWN');
    ann.say({ type: 'ping', positions: { 'u:ann': first } });
    expect(await collect()).toEqual([]);
    refuse = undefined;
    expect(await collect()).toEqual([]);
  });

  it('that wait are told before a gateway stops', async () => {
    const at = await fixture.gift('u:ann', 1);
    await ann.until('push');
    ann.say({ type: 'ping', positions: { 'u:ann': at } });
    await fixture.gateway.stop({ graceMs: 0 });
    expect(told.flat()).toEqual([ofAnn({ group: 'u:ann', ...at })]);
  });

  it('of groups that nobody wants to know of are not told', async () => {
    await enter('r:1');
    const at = await fixture.gift('r:1', 1);
    await ann.until('push');
    ann.say({ type: 'ping', positions: { 'r:1': at } });
    expect(await collect()).toEqual([]);
  });
});
