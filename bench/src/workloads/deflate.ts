/**
 * W1-deflate: W1's room with what people say in place of bodies of one size, in two languages, sent as it is and compressed.
 * Bytes are all that came over the sockets of viewers.
 */
import { CORPORA, type Corpus } from '../corpus.js';
import { ControlledProcess } from '../harness/control.js';
import { HOST } from '../harness/host.js';
import type { Figures } from '../harness/result.js';
import { percentile } from '../harness/statistics.js';
import { Audience } from '../load/audience.js';
import { ROOM, startIm } from '../systems.js';
import { Bench, cpuUsPerDelivery, type FanOutScale, type Publisher, requireAllHeld } from './fan-out.js';

const RATE = 100;
/** A room that is as busy as they get. */
const BUSY_RATE = 2_000;

export interface DeflateCase {
  readonly name: string;
  readonly corpus: Corpus;
  readonly deflate: boolean;
  missing(): undefined;
}

export const deflateCases: readonly DeflateCase[] = CORPORA.flatMap((corpus) =>
  [false, true].map((deflate) => ({
    name: deflate ? `${corpus}-deflate` : corpus,
    corpus,
    deflate,
    missing: () => undefined,
  })),
);

export async function runDeflate({ corpus, deflate }: DeflateCase, scale: FanOutScale): Promise<Figures> {
  const audience = new Audience();
  const publisher: Publisher = new ControlledProcess('publisher.js', { yields: true });
  const running = await startIm();
  try {
    const viewers = { count: scale.viewers, rooms: [ROOM], varied: true, deflate };
    await audience.open({ dialect: 'im', host: HOST, port: running.port, ...viewers });
    const bench = new Bench(running, audience, publisher, corpus);
    const usual = await bench.window({ normal: RATE, priority: 0 }, scale.warmMs, scale.costMs);
    requireAllHeld(usual, scale.viewers);
    const busy = await bench.window({ normal: BUSY_RATE, priority: 0 }, scale.warmMs, scale.sideMs);
    const { before, after, deliveries } = usual;
    return {
      cpuUsPerDelivery: cpuUsPerDelivery(usual),
      bytesPerDelivery: (after.bytes - before.bytes) / deliveries,
      normalP99Ms: percentile(after.latenciesMs.normal, 99),
      cpuUsPerDeliveryAt2000: cpuUsPerDelivery(busy),
      bytesPerDeliveryAt2000: (busy.after.bytes - busy.before.bytes) / busy.deliveries,
      normalP99MsAt2000: percentile(busy.after.latenciesMs.normal, 99),
      shed: after.shed - before.shed,
      missing: after.missing.normal - before.missing.normal,
      disordered: busy.after.disordered.normal - before.disordered.normal,
      shedAt2000: busy.after.shed - busy.before.shed,
    };
  } finally {
    await Promise.all([audience.stop(), publisher.stop(), running.stop()]);
  }
}
