/** What waits, what is refused, and who gets a call. */
import { expect, it } from 'vitest';
import { bytes, type ContractBench, eventually, failure, QUEUE_LIMIT, text } from './contract-bench.js';

export function queueContract(bench: () => ContractBench): void {
  it('carries out as many calls at once as the service says, and the others in order of arrival', async () => {
    const held = await bench().hold('held', { concurrency: 2 });
    const calls = ['a', 'b', 'c', 'd'].map((body) => bench().call('held', body));
    const [first, second] = [await held.next(), await held.next()];
    await bench().queued(2);
    expect(held.calls).toHaveLength(2);
    second.answer();
    expect(new TextDecoder().decode((await held.next()).request.body)).toBe('c');
    first.answer();
    expect(new TextDecoder().decode((await held.next()).request.body)).toBe('d');
    held.answerAll();
    await Promise.all(calls);
  });

  it('refuses with OVERLOADED at once when the queue is full, and takes calls again when it is not', async () => {
    const held = await bench().hold('held', { concurrency: 1 });
    const calls = Array.from({ length: 1 + QUEUE_LIMIT }, () => bench().call('held'));
    await bench().queued(QUEUE_LIMIT);
    expect(await failure(bench().call('held'))).toMatchObject({ name: 'OVERLOADED', retryable: true });
    (await held.next()).answer();
    await bench().queued(QUEUE_LIMIT - 1);
    calls.push(bench().call('held', 'again'));
    for (const _ of calls.slice(1)) (await held.next()).answer();
    expect(text((await Promise.all(calls)).at(-1) as never)).toBe('again');
  });

  it('keeps the slot of a handler that goes on after its caller stopped waiting', async () => {
    const held = await bench().hold('held', { concurrency: 1 });
    const abandoned = failure(bench().call('held', '', { timeoutMs: 100 }));
    const { answer } = await held.next();
    const waiting = bench().call('held');
    await bench().queued(1);
    bench().clock.advance(100);
    await abandoned;
    await bench().queued(1);
    expect(held.calls).toHaveLength(1);
    answer();
    (await held.next()).answer();
    await waiting;
  });

  it('does not let a service that hangs touch another', async () => {
    await bench().hold('hung', { concurrency: 1 });
    await bench().echo('well');
    const hanging = Array.from({ length: 1 + QUEUE_LIMIT }, () =>
      failure(bench().call('hung', '', { timeoutMs: 100 })),
    );
    await bench().queued(QUEUE_LIMIT);
    for (let i = 0; i < 2 * QUEUE_LIMIT; i++) expect(text(await bench().call('well', `${i}`))).toBe(`${i}`);
    bench().clock.advance(100);
    for (const error of await Promise.all(hanging)) expect(error).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
  });

  it('gives a call to the worker with the fewest, and lets equals take turns', async () => {
    const workers = [await bench().hold('shared'), await bench().hold('shared'), await bench().hold('shared')];
    const calls = Array.from({ length: 6 }, () => bench().call('shared'));
    await eventually(() => expect(workers.map((worker) => worker.calls.length)).toEqual([2, 2, 2]));
    const free = workers[1];
    free?.answerAll();
    await eventually(async () => expect((await bench().stats()).running).toBe(4));
    calls.push(bench().call('shared'), bench().call('shared'));
    await eventually(() => expect(free?.calls).toHaveLength(4));
    for (const worker of workers) worker.answerAll();
    await Promise.all(calls);
  });

  it('gives waiting calls to a worker that comes', async () => {
    const busy = await bench().hold('shared', { concurrency: 1 });
    const calls = [bench().call('shared', 'a'), bench().call('shared', 'b')];
    await bench().queued(1);
    const fresh = await bench().hold('shared', { concurrency: 1 });
    (await fresh.next()).answer();
    (await busy.next()).answer();
    expect((await Promise.all(calls)).map(text)).toEqual(['a', 'b']);
  });

  it('gives a call only to workers that have the method', async () => {
    const old = await bench().hold('shared', { version: '1', methods: ['do'], concurrency: 1 });
    const fresh = await bench().hold('shared', { version: '2', methods: ['do', 'more'], concurrency: 1 });
    const calls = Array.from({ length: 3 }, () => bench().caller.call('shared', 'more', bytes('')));
    for (const _ of calls) (await fresh.next()).answer();
    await Promise.all(calls);
    expect(old.calls).toEqual([]);
  });

  it('does not let a call that waits for the method of one worker hold up another worker', async () => {
    const old = await bench().hold('shared', { version: '1', methods: ['do'], concurrency: 1 });
    const fresh = await bench().hold('shared', { version: '2', methods: ['more'], concurrency: 1 });
    const more = [1, 2].map(() => bench().caller.call('shared', 'more', bytes('')));
    const done = [1, 2].map(() => bench().call('shared'));
    await bench().queued(2);
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
      await bench().worker.serve({ name: 'sticky', version: '1', methods: ['do'], handle });
    }
    const keys = Array.from({ length: 40 }, (_, i) => `room-${i}`);
    const round = () =>
      Promise.all(keys.map(async (routingKey) => text(await bench().call('sticky', '', { routingKey }))));
    const first = await round();
    expect(await round()).toEqual(first);
    expect(new Set(first)).toEqual(new Set(workers));
  });

  it('lets calls of a routing key wait for their worker, in order, and moves them when it drains', async () => {
    const one = await bench().hold('sticky', { concurrency: 1 });
    const other = await bench().hold('sticky', { concurrency: 1 });
    const calls = ['a', 'b', 'c'].map((body) => bench().call('sticky', body, { routingKey: 'k' }));
    await bench().queued(2);
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
