/** What waits, what is refused, and who gets a call. */
import { expect, it } from 'vitest';
import { bytes, type ContractFixture, eventually, failure, QUEUE_LIMIT, text } from './contract-fixture.js';

export function queueContract(fixture: () => ContractFixture): void {
  it('carries out as many calls at once as the service says, and the others in order of arrival', async () => {
    const held = await fixture().hold('held', { concurrency: 2 });
    const calls = ['a', 'b', 'c', 'd'].map((body) => fixture().call('held', body));
    const [first, second] = [await held.next(), await held.next()];
    await fixture().queued(2);
    expect(held.calls).toHaveLength(2);
    second.answer();
    expect(new TextDecoder().decode((await held.next()).request.body)).toBe('c');
    first.answer();
    expect(new TextDecoder().decode((await held.next()).request.body)).toBe('d');
    held.answerAll();
    await Promise.all(calls);
  });

  it('refuses with OVERLOADED at once when the queue is full, and takes calls again when it is not', async () => {
    const held = await fixture().hold('held', { concurrency: 1 });
    const calls = Array.from({ length: 1 + QUEUE_LIMIT }, () => fixture().call('held'));
    await fixture().queued(QUEUE_LIMIT);
    expect(await failure(fixture().call('held'))).toMatchObject({ name: 'OVERLOADED', retryable: true });
    (await held.next()).answer();
    await fixture().queued(QUEUE_LIMIT - 1);
    calls.push(fixture().call('held', 'again'));
    for (const _ of calls.slice(1)) (await held.next()).answer();
    expect(text((await Promise.all(calls)).at(-1) as never)).toBe('again');
  });

  it('keeps the slot of a handler that goes on after its caller stopped waiting', async () => {
    const held = await fixture().hold('held', { concurrency: 1 });
    const abandoned = failure(fixture().call('held', '', { timeoutMs: 100 }));
    const { answer } = await held.next();
    const waiting = fixture().call('held');
    await fixture().queued(1);
    fixture().clock.advance(100);
    await abandoned;
    await fixture().queued(1);
    expect(held.calls).toHaveLength(1);
    answer();
    (await held.next()).answer();
    await waiting;
  });

  it('does not let a service that hangs touch another', async () => {
    await fixture().hold('hung', { concurrency: 1 });
    await fixture().echo('well');
    const hanging = Array.from({ length: 1 + QUEUE_LIMIT }, () =>
      failure(fixture().call('hung', '', { timeoutMs: 100 })),
    );
    await fixture().queued(QUEUE_LIMIT);
    for (let i = 0; i < 2 * QUEUE_LIMIT; i++) expect(text(await fixture().call('well', `${i}`))).toBe(`${i}`);
    fixture().clock.advance(100);
    for (const error of await Promise.all(hanging)) expect(error).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
  });

  it('[RP-21] gives a call to the worker with the fewest, and lets equals take turns', async () => {
    const workers = [await fixture().hold('shared'), await fixture().hold('shared'), await fixture().hold('shared')];
    const calls = Array.from({ length: 6 }, () => fixture().call('shared'));
    await eventually(() => expect(workers.map((worker) => worker.calls.length)).toEqual([2, 2, 2]));
    const free = workers[1];
    free?.answerAll();
    await eventually(async () => expect((await fixture().stats()).running).toBe(4));
    calls.push(fixture().call('shared'), fixture().call('shared'));
    await eventually(() => expect(free?.calls).toHaveLength(4));
    for (const worker of workers) worker.answerAll();
    await Promise.all(calls);
  });

  it('lets workers that have nothing to do take turns', async () => {
    const counts = [0, 0, 0];
    for (const index of counts.keys()) {
      await fixture().serve('shared', async ({ body }) => {
        counts[index] = (counts[index] ?? 0) + 1;
        return { body, headers: {} };
      });
    }
    for (let i = 0; i < 9; i++) await fixture().call('shared');
    expect(counts).toEqual([3, 3, 3]);
  });

  it('prefers a worker with room to one that has fewer calls and none', async () => {
    const small = await fixture().hold('shared', { concurrency: 1 });
    const large = await fixture().hold('shared', { concurrency: 5 });
    const calls = Array.from({ length: 6 }, () => fixture().call('shared'));
    await eventually(() => expect([small.calls.length, large.calls.length]).toEqual([1, 5]));
    small.answerAll();
    large.answerAll();
    await Promise.all(calls);
  });

  it.each([
    ['with a routing key first', ['k', undefined]],
    ['without one first', [undefined, 'k']],
  ])('keeps the order of arrival among calls with and without routing key, %s', async (_, [one, other]) => {
    const held = await fixture().hold('held', { concurrency: 1 });
    const busy = fixture().call('held');
    const calls = [
      fixture().call('held', 'first', { routingKey: one }),
      fixture().call('held', 'second', { routingKey: other }),
    ];
    await fixture().queued(2);
    const order: string[] = [];
    for (const _ of [busy, ...calls]) {
      const { request, answer } = await held.next();
      order.push(new TextDecoder().decode(request.body));
      answer();
    }
    await Promise.all([busy, ...calls]);
    expect(order).toEqual(['', 'first', 'second']);
  });

  it('gives waiting calls to a worker that comes', async () => {
    const busy = await fixture().hold('shared', { concurrency: 1 });
    const calls = [fixture().call('shared', 'a'), fixture().call('shared', 'b')];
    await fixture().queued(1);
    const fresh = await fixture().hold('shared', { concurrency: 1 });
    (await fresh.next()).answer();
    (await busy.next()).answer();
    expect((await Promise.all(calls)).map(text)).toEqual(['a', 'b']);
  });

  it('gives a call only to workers that have the method', async () => {
    const old = await fixture().hold('shared', { version: '1', methods: ['do'], concurrency: 1 });
    const fresh = await fixture().hold('shared', { version: '2', methods: ['do', 'more'], concurrency: 1 });
    const calls = Array.from({ length: 3 }, () => fixture().caller.call('shared', 'more', bytes('')));
    for (const _ of calls) (await fresh.next()).answer();
    await Promise.all(calls);
    expect(old.calls).toEqual([]);
  });

  it('does not let a call that waits for the method of one worker hold up another worker', async () => {
    const old = await fixture().hold('shared', { version: '1', methods: ['do'], concurrency: 1 });
    const fresh = await fixture().hold('shared', { version: '2', methods: ['more'], concurrency: 1 });
    const more = [1, 2].map(() => fixture().caller.call('shared', 'more', bytes('')));
    const done = [1, 2].map(() => fixture().call('shared'));
    await fixture().queued(2);
    (await old.next()).answer();
    (await old.next()).answer();
    await Promise.all(done);
    (await fresh.next()).answer();
    (await fresh.next()).answer();
    await Promise.all(more);
  });

  it('gives calls of one routing key to one worker, and keys to all of them', async () => {
    const workers = ['one', 'two', 'three'];
    for (const name of workers) {
      const handle = async () => ({ body: bytes(name), headers: {} });
      await fixture().worker.serve({ name: 'sticky', version: '1', methods: ['do'], handle });
    }
    const keys = Array.from({ length: 40 }, (_, i) => `room-${i}`);
    const round = () =>
      Promise.all(keys.map(async (routingKey) => text(await fixture().call('sticky', '', { routingKey }))));
    const first = await round();
    expect(await round()).toEqual(first);
    expect(new Set(first)).toEqual(new Set(workers));
  });

  it('lets calls of a routing key wait for their worker, in order, and moves them when it drains', async () => {
    const one = await fixture().hold('sticky', { concurrency: 1 });
    const other = await fixture().hold('sticky', { concurrency: 1 });
    const calls = ['a', 'b', 'c'].map((body) => fixture().call('sticky', body, { routingKey: 'k' }));
    await fixture().queued(2);
    const [owner, heir] = one.calls.length > 0 ? [one, other] : [other, one];
    expect(heir.calls).toEqual([]);
    const drained = owner.registration.drain();
    const order: string[] = [];
    for (const _ of [1, 2]) {
      const { request, answer } = await heir.next();
      order.push(new TextDecoder().decode(request.body));
      answer();
    }
    (await owner.next()).answer();
    await drained;
    expect(order).toEqual(['b', 'c']);
    await Promise.all(calls);
  });
}
