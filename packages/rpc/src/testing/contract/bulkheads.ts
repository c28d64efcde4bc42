/** What keeps services apart, and versions of one: shares, circuit breaker, limits, keys. */
import { ImError } from '@im/protocol';
import { expect, it } from 'vitest';
import { BROKER_SERVICE, type ServiceStatus } from '../../broker-status.js';
import { decodeJson, encodeJson } from '../../json-body.js';
import { bytes, type ContractFixture, eventually, failure, LIMITED, text } from './contract-fixture.js';

export function bulkheadContract(fixture: () => ContractFixture): void {
  async function weigh(service: string, weights: object): Promise<unknown> {
    const input = encodeJson({ service, weights });
    return decodeJson((await fixture().caller.call(BROKER_SERVICE, 'weights', input)).body);
  }

  async function status(name: string): Promise<ServiceStatus | undefined> {
    const { body } = await fixture().caller.call(BROKER_SERVICE, 'services', bytes(''));
    return (decodeJson(body) as ServiceStatus[]).find((service) => service.name === name);
  }

  async function serveVersions(...versions: readonly string[]): Promise<void> {
    for (const version of versions) {
      const handle = async () => ({ body: bytes(version), headers: {} });
      await fixture()
        .rpc.createWorker()
        .serve({ name: 'canary', version, methods: ['do'], handle });
    }
  }

  async function answers(count: number, options: (at: number) => object = () => ({})): Promise<string[]> {
    const given: string[] = [];
    for (let at = 0; at < count; at++) given.push(text(await fixture().call('canary', '', options(at))));
    return given;
  }

  it('gives versions their shares, smoothly, and takes them away again', async () => {
    await serveVersions('old', 'new');
    expect(await weigh('canary', { old: 90, new: 10 })).toEqual({ old: 90, new: 10 });
    const given = await answers(100);
    for (let at = 0; at < 100; at += 10) {
      expect(given.slice(at, at + 10).filter((version) => version === 'new')).toHaveLength(1);
    }
    await weigh('canary', { old: 100, new: 0 });
    expect(new Set(await answers(10))).toEqual(new Set(['old']));
    expect(await weigh('canary', {})).toEqual({});
    expect(new Set(await answers(10))).toEqual(new Set(['old', 'new']));
  });

  it('keeps each routing key with its version while shares stand, and moves none back as they grow', async () => {
    await serveVersions('old', 'new');
    const keys = (at: number) => ({ routingKey: `room-${at}` });
    await weigh('canary', { new: 20, old: 80 });
    const few = await answers(60, keys);
    expect(await answers(60, keys)).toEqual(few);
    expect(new Set(few)).toEqual(new Set(['old', 'new']));
    await weigh('canary', { new: 60, old: 40 });
    const many = await answers(60, keys);
    for (const [at, version] of few.entries()) if (version === 'new') expect(many[at]).toBe('new');
    expect(many.filter((version) => version === 'new').length).toBeGreaterThan(
      few.filter((version) => version === 'new').length,
    );
  });

  it('refuses weights of unknown services and those that are no weights', async () => {
    await serveVersions('old');
    expect(await failure(weigh('nobody', {}))).toMatchObject({ name: 'SERVICE_UNKNOWN' });
    for (const weights of [{ old: -1 }, { old: '1' }, [1]]) {
      expect(await failure(weigh('canary', weights))).toMatchObject({ name: 'INVALID_INPUT' });
    }
  });

  it('[RP-22] [RP-23] stops calls of a service that fails, tries one after a while, and goes on when it is answered', async () => {
    let isBroken = true;
    let handled = 0;
    await fixture().serve('flaky', async ({ body, headers }) => {
      handled++;
      if (isBroken) throw new Error('broken');
      return { body, headers };
    });
    await fixture().echo('well');
    for (let call = 0; call < 20; call++)
      expect(await failure(fixture().call('flaky'))).toMatchObject({ name: 'INTERNAL' });
    expect(await failure(fixture().call('flaky'))).toMatchObject({
      name: 'UNAVAILABLE',
      retryable: true,
      details: { breaker: 'open' },
    });
    expect(text(await fixture().call('well', 'a'))).toBe('a');
    fixture().clock.advance(2_000);
    expect(await failure(fixture().call('flaky'))).toMatchObject({ name: 'INTERNAL' });
    expect(await failure(fixture().call('flaky'))).toMatchObject({ name: 'UNAVAILABLE' });
    expect(handled).toBe(21);
    expect(await status('flaky')).toMatchObject({ breaker: 'open' });
    isBroken = false;
    fixture().clock.advance(2_000);
    await fixture().call('flaky');
    for (let call = 0; call < 5; call++) await fixture().call('flaky');
    expect(await status('flaky')).toMatchObject({ breaker: 'closed' });
  });

  it('[RP-23] lets one call at a time through a half-open breaker', async () => {
    const held = await fixture().hold('flaky');
    for (let call = 0; call < 20; call++) {
      const failed = failure(fixture().call('flaky'));
      (await held.next()).fail(new Error('broken'));
      await failed;
    }
    fixture().clock.advance(2_000);
    const probe = fixture().call('flaky');
    const { answer } = await held.next();
    expect(await failure(fixture().call('flaky'))).toMatchObject({ name: 'UNAVAILABLE' });
    answer();
    await probe;
  });

  it('[RP-23] does not count the errors that a service means', async () => {
    await fixture().serve('strict', async () => {
      throw new ImError('FORBIDDEN');
    });
    for (let call = 0; call < 40; call++) {
      expect(await failure(fixture().call('strict'))).toMatchObject({ name: 'FORBIDDEN' });
    }
  });

  it('[RP-23] opens the breaker of a service that hangs', async () => {
    await fixture().hold('hung');
    const calls = Promise.all(
      Array.from({ length: 20 }, () => failure(fixture().call('hung', '', { timeoutMs: 100 }))),
    );
    await eventually(async () => expect((await fixture().stats()).running).toBe(20));
    fixture().clock.advance(100);
    await calls;
    expect(await failure(fixture().call('hung'))).toMatchObject({ name: 'UNAVAILABLE', details: { breaker: 'open' } });
  });

  it('[RP-22] carries out no more calls of a service at once than its limit, over all its workers', async () => {
    const workers = [await fixture().hold(LIMITED.name), await fixture().hold(LIMITED.name)];
    const calls = Array.from({ length: 5 }, () => fixture().call(LIMITED.name));
    await fixture().queued(5 - LIMITED.concurrency);
    const begun = () => workers.reduce((sum, worker) => sum + worker.calls.length, 0);
    await eventually(() => expect(begun()).toBe(LIMITED.concurrency));
    while (begun() < 5) {
      const before = begun();
      for (const worker of workers) worker.answerAll();
      await eventually(() => expect(begun()).toBeGreaterThan(before));
      expect(begun() - before).toBeLessThanOrEqual(LIMITED.concurrency);
    }
    for (const worker of workers) worker.answerAll();
    await Promise.all(calls);
  });

  it('[RP-6] gives calls of one idempotency key to one worker', async () => {
    const workers = [await fixture().hold('shared'), await fixture().hold('shared'), await fixture().hold('shared')];
    const calls = Array.from({ length: 6 }, () => fixture().call('shared', '', { idempotencyKey: 'order-1' }));
    await eventually(() => expect(workers.map((worker) => worker.calls.length).sort()).toEqual([0, 0, 6]));
    for (const worker of workers) worker.answerAll();
    await Promise.all(calls);
  });
}
