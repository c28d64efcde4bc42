/** Draining and closing, of a registration, a worker, a caller and the engine; and what the broker tells. */
import { expect, it } from 'vitest';
import { BROKER_SERVICE, type ServiceStatus, type WorkerStatus } from '../../broker-status.js';
import { decodeJson } from '../../json-body.js';
import type { ServedService } from '../../rpc.js';
import { answerNothing, bytes, type ContractFixture, eventually, failure, text } from './contract-fixture.js';

export function closingContract(fixture: () => ContractFixture): void {
  it('drains: answers the calls it has, leaves new ones to others, then withdraws', async () => {
    const old = await fixture().hold('updated', { version: '1' });
    const had = fixture().call('updated', 'had');
    const { answer } = await old.next();
    const fresh = await fixture().hold('updated', { version: '2' });
    let isDrained = false;
    const drained = old.registration.drain().then(() => {
      isDrained = true;
    });
    const taken = [1, 2, 3].map(() => fixture().call('updated', 'new'));
    for (const _ of taken) (await fresh.next()).answer();
    await Promise.all(taken);
    expect(isDrained).toBe(false);
    expect(old.calls).toHaveLength(1);
    answer();
    expect(text(await had)).toBe('had');
    await drained;
    expect((await fixture().stats()).workers).toBe(1);
  });

  it('fails with UNAVAILABLE once the last worker of a known service has gone, also what waited for it', async () => {
    const held = await fixture().hold('held', { concurrency: 1 });
    const had = fixture().call('held', 'had');
    const { answer } = await held.next();
    const waiting = failure(fixture().call('held', 'waiting'));
    await fixture().queued(1);
    const drained = held.registration.drain();
    expect(await waiting).toMatchObject({ name: 'UNAVAILABLE', retryable: true });
    expect(await failure(fixture().call('held'))).toMatchObject({ name: 'UNAVAILABLE', retryable: true });
    answer();
    expect(text(await had)).toBe('had');
    await drained;
  });

  it('serves again after it was gone', async () => {
    const gone = await fixture().echo('echo');
    await gone.drain();
    expect(await failure(fixture().call('echo'))).toMatchObject({ name: 'UNAVAILABLE' });
    await fixture().echo('echo');
    expect(text(await fixture().call('echo', 'again'))).toBe('again');
  });

  it('moves what waits to the workers that are left', async () => {
    const leaving = await fixture().hold('shared', { concurrency: 1 });
    const staying = await fixture().hold('shared', { concurrency: 1 });
    const calls = ['a', 'b', 'c'].map((body) => fixture().call('shared', body));
    await fixture().queued(1);
    const drained = leaving.registration.drain();
    (await leaving.next()).answer();
    await drained;
    (await staying.next()).answer();
    (await staying.next()).answer();
    expect((await Promise.all(calls)).map(text)).toEqual(['a', 'b', 'c']);
  });

  it('does not wait with draining for a handler whose caller stopped waiting', async () => {
    const held = await fixture().hold('hung');
    const failed = failure(fixture().call('hung', '', { timeoutMs: 100 }));
    await held.next();
    const drained = held.registration.drain();
    fixture().clock.advance(100);
    await failed;
    await drained;
  });

  it('drains twice as it drains once', async () => {
    const held = await fixture().hold('held');
    const call = fixture().call('held');
    const { answer } = await held.next();
    const drained = Promise.all([held.registration.drain(), held.registration.drain()]);
    answer();
    await drained;
    await held.registration.drain();
    await call;
  });

  it('drains all services of a worker that closes, and serves no more there', async () => {
    const worker = fixture().rpc.createWorker();
    const one = await fixture().hold('one', { worker });
    await fixture().hold('two', { worker });
    const call = fixture().call('one', 'had');
    const { answer } = await one.next();
    const closed = worker.close();
    expect(await failure(fixture().call('two'))).toMatchObject({ name: 'UNAVAILABLE' });
    answer();
    expect(text(await call)).toBe('had');
    await closed;
    expect(await failure(worker.serve(one))).toMatchObject({ name: 'CLOSED' });
  });

  it('fails the calls of a caller that closes, tells their workers, and hands over nothing late', async () => {
    const held = await fixture().hold('held', { concurrency: 2 });
    const caller = fixture().rpc.createCaller();
    let late = 0;
    const onLate = () => void late++;
    const expired = failure(caller.call('held', 'do', bytes(''), { timeoutMs: 100, onLate }));
    const first = await held.next();
    fixture().clock.advance(100);
    await expired;
    const failed = [1, 2].map(() => failure(caller.call('held', 'do', bytes(''), { onLate })));
    const { request, answer } = await held.next();
    const { signal } = request;
    await fixture().queued(1);
    await caller.close();
    for (const error of await Promise.all(failed)) expect(error).toMatchObject({ name: 'CLOSED' });
    await eventually(() => expect(signal.aborted).toBe(true));
    expect(await failure(caller.call('held', 'do', bytes('')))).toMatchObject({ name: 'CLOSED' });
    first.answer();
    answer();
    const other = fixture().call('held', 'other');
    (await held.next()).answer();
    expect(text(await other)).toBe('other');
    expect(late).toBe(0);
    await caller.close();
  });

  it('closes the engine: answers what workers have, then refuses everything', async () => {
    const held = await fixture().hold('held');
    const had = fixture().call('held', 'had');
    const { answer } = await held.next();
    const closed = fixture().rpc.close();
    answer();
    expect(text(await had)).toBe('had');
    await closed;
    expect(await failure(fixture().call('held'))).toMatchObject({ name: 'CLOSED' });
    expect(await failure(fixture().worker.serve(held))).toMatchObject({ name: 'CLOSED' });
    expect(() => fixture().rpc.createCaller()).toThrow(expect.objectContaining({ name: 'CLOSED' }));
    expect(() => fixture().rpc.createWorker()).toThrow(expect.objectContaining({ name: 'CLOSED' }));
    await fixture().rpc.close();
  });

  it.each<[string, Partial<ServedService>]>([
    ['a name of the engine', { name: '$broker' }],
    ['a name with a dot', { name: 'a.b' }],
    ['a method outside the grammar', { methods: [''] }],
    ['no concurrency', { concurrency: 0 }],
    ['half a concurrency', { concurrency: 1.5 }],
  ])('refuses to serve %s', async (_, broken) => {
    const service = { name: 'fine', version: '1', methods: ['do'], handle: answerNothing, ...broken };
    expect(await failure(fixture().worker.serve(service))).toMatchObject({ name: 'INVALID_ARGUMENT' });
  });

  it('tells about services, workers and calls through $broker', async () => {
    const ask = async (method: string) =>
      decodeJson((await fixture().caller.call(BROKER_SERVICE, method, bytes(''))).body);
    const held = await fixture().hold('held', { version: '1.2.0', concurrency: 1 });
    const calls = Promise.allSettled([fixture().call('held'), fixture().call('held')]);
    await fixture().queued(1);
    expect(await ask('services')).toMatchObject([
      { name: 'held', versions: ['1.2.0'], methods: ['do'], workers: 1, queued: 1, running: 1, calls: 2, failed: 0 },
    ] satisfies Partial<ServiceStatus>[]);
    fixture().clock.advance(1_000);
    expect(await ask('workers')).toMatchObject([
      { service: 'held', version: '1.2.0', state: 'serving', running: 1, concurrency: 1, upMs: 1_000 },
    ] satisfies Partial<WorkerStatus>[]);
    const drained = held.registration.drain();
    await eventually(async () => expect(await ask('workers')).toMatchObject([{ state: 'draining' }]));
    held.answerAll();
    await drained;
    expect(await calls).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected' }]);
    expect(await ask('stats')).toMatchObject({ services: 1, workers: 0, queued: 0, running: 0, calls: 2, failed: 1 });
    expect(await failure(ask('reboot'))).toMatchObject({ name: 'METHOD_UNKNOWN' });
  });
}
