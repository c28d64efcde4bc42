/** Steady pushes on both lanes, into rooms, to users and to everyone. Owns the pace and the repetitions; must not know how a push travels. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Lane } from '@im/protocol';
import type { Random } from '@im/protocol/ports';
import type { Ledger } from './books/ledger.js';
import type { Stream } from './books/stream.js';
import type { Backend } from './publishers.js';

export interface TrafficOptions {
  readonly ledger: Ledger;
  readonly backends: readonly Backend[];
  /** Each gets messages of both lanes from each backend. */
  readonly groups: readonly string[];
  /** Of all lanes and backends together. */
  readonly messagesPerSecond: number;
  readonly now: () => number;
  readonly random: Random;
}

const TICK_MS = 20;
/** A priority message that nobody acknowledges is repeated so often. */
const REPEAT_MS = 100;
/** And for so long: then nobody promised anything. */
const PATIENCE_MS = 30_000;

interface Source {
  readonly stream: Stream;
  readonly backend: Backend;
  /** Sent, and not answered. */
  open: number;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #sources: Source[];
  readonly #open = new Set<Promise<void>>();
  #isFlowing = false;
  #flow: Promise<void> = Promise.resolve();

  constructor(options: TrafficOptions) {
    this.#options = options;
    const lanes: readonly Lane[] = ['priority', 'normal'];
    this.#sources = options.backends.flatMap((backend) =>
      options.groups.flatMap((group) =>
        lanes.map((lane) => ({ stream: options.ledger.openStream(backend.name, group, lane), backend, open: 0 })),
      ),
    );
  }

  start(): void {
    this.#isFlowing = true;
    this.#flow = this.#run();
  }

  /** Sends no more. Settles at once: what is on its way is still open. */
  async stop(): Promise<void> {
    this.#isFlowing = false;
    await this.#flow;
  }

  /** Settles when everything sent has been answered, or nobody will answer it. */
  async answered(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  async #run(): Promise<void> {
    const { now, messagesPerSecond } = this.#options;
    let due = 0;
    for (let last = now(); this.#isFlowing; ) {
      await pause(TICK_MS);
      const at = now();
      // A process that was held up does not make up for it.
      due += (Math.min(at - last, 5 * TICK_MS) / 1_000) * messagesPerSecond;
      last = at;
      for (; due >= 1; due -= 1) this.#sendOne();
    }
  }

  #sendOne(): void {
    const { random } = this.#options;
    const source = this.#sources[Math.floor(random() * this.#sources.length)] as Source;
    if (source.backend.isPatient && source.open > 0) return;
    const sending = this.#send(source).finally(() => this.#open.delete(sending));
    this.#open.add(sending);
  }

  async #send(source: Source): Promise<void> {
    const { stream, backend } = source;
    const begun = this.#options.now();
    const number = stream.send(begun);
    source.open += 1;
    try {
      for (;;) {
        const answer = await backend.send(stream.group, stream.lane, [stream.number, number]);
        if (typeof answer === 'object') return stream.acknowledge(number, answer.position);
        const isLate = this.#options.now() - begun > PATIENCE_MS;
        if (stream.lane === 'normal' || isLate) return answer === 'refused' ? stream.refuse(number) : undefined;
        await pause(REPEAT_MS);
      }
    } finally {
      source.open -= 1;
    }
  }
}
