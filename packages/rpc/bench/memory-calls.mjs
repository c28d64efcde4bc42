/**
 * Calls per second of the memory engine, on the built package: `node packages/rpc/bench/memory-calls.mjs`.
 * Bytes alone, then a typed service with zod on both ends, then with metrics around it on both sides; 1, 256 and 1,024
 * calls in flight; a 60 B JSON body. Each figure is the median of five rounds.
 */
import { createServiceClient, defineService, encodeJson, implementService, measureCalls, wrapCaller } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { z } from 'zod';

const ROUNDS = 5;
const ROUND_MS = 1_000;

const message = { room: '10000', text: 'a message of sixty bytes, as JSON' };
const chat = defineService({
  name: 'chat',
  methods: {
    send: { input: z.object({ room: z.string(), text: z.string().max(200) }), output: z.object({ sent: z.boolean() }) },
  },
});

/** Figures that are kept nowhere, but cost what adding to a number costs. */
const metrics = {
  counter: () => ({
    total: 0,
    add(count = 1) {
      this.total += count;
    },
  }),
  gauge: () => ({
    value: 0,
    set(value) {
      this.value = value;
    },
  }),
  observe() {},
  histogram: () => ({
    sum: 0,
    observe(value) {
      this.sum += value;
    },
  }),
};

const variants = {
  async bytes(rpc) {
    const body = encodeJson(message);
    const handle = async (request) => ({ body: request.body, headers: {} });
    await rpc.createWorker().serve({ name: 'chat', version: '1', methods: ['send'], handle });
    const caller = rpc.createCaller();
    return () => caller.call('chat', 'send', body);
  },
  async typed(rpc) {
    await rpc.createWorker().serve(implementService(chat, { send: () => ({ sent: true }) }, { version: '1' }));
    const client = createServiceClient(chat, rpc.createCaller());
    return () => client.send(message);
  },
  async 'typed, measured'(rpc) {
    const middleware = [measureCalls({ metrics, side: 'worker' })];
    await rpc
      .createWorker()
      .serve(implementService(chat, { send: () => ({ sent: true }) }, { version: '1', middleware }));
    const caller = wrapCaller(rpc.createCaller(), [measureCalls({ metrics, side: 'caller' })]);
    const client = createServiceClient(chat, caller);
    return () => client.send(message);
  },
};

/** Keeps so many calls open for a second. @returns calls per second */
async function round(call, inFlight) {
  const startedAt = performance.now();
  const endsAt = startedAt + ROUND_MS;
  let calls = 0;
  async function lane() {
    while (performance.now() < endsAt) {
      await call();
      calls++;
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (calls / (performance.now() - startedAt)) * 1_000;
}

for (const [name, prepare] of Object.entries(variants)) {
  for (const inFlight of [1, 256, 1_024]) {
    const rpc = createMemoryRpc();
    const call = await prepare(rpc);
    await round(call, inFlight);
    const rates = [];
    for (let i = 0; i < ROUNDS; i++) rates.push(await round(call, inFlight));
    const median = rates.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
    process.stdout.write(`${name}, ${inFlight} in flight: ${Math.round(median).toLocaleString('en')} calls/s\n`);
    await rpc.close();
  }
}
