/**
 * The viewers of a server, in two processes: a crowd that counts what it gets, and one in so many that reads every message, for order and
 * latencies. A person's device reads for that person alone; a process that reads for thousands makes each wait for the others. So those whose
 * latencies count have a process of their own, which comes before the crowd's, and the publisher's, where they want the core. Owns who goes where; must not
 * know what is measured.
 */
import { ControlledProcess } from '../harness/control.js';
import type { LoadSnapshot } from './ledger.js';
import type { LoadCommand, LoadReply } from './load-command.js';

type Opening = Extract<LoadCommand, { do: 'open' }>;
type Process = ControlledProcess<LoadCommand, LoadReply>;

/** One of so many watches. */
const WATCHES_EVERY = 50;
const NEVER = Number.MAX_SAFE_INTEGER;

export class Audience {
  readonly #crowd: Process = new ControlledProcess('load.js', { yields: true });
  readonly #watchers: Process = new ControlledProcess('load.js');

  /** Settles when all are in their rooms. Watchers come in between the others, since servers write to viewers in some order. */
  async open(all: Omit<Opening, 'do' | 'first' | 'sampleEvery'>): Promise<void> {
    for (let first = 0; first < all.count; first += WATCHES_EVERY) {
      await this.#watchers.ask({ ...all, do: 'open', first, count: 1, sampleEvery: 1 });
      const count = Math.min(WATCHES_EVERY, all.count - first) - 1;
      await this.#crowd.ask({ ...all, do: 'open', first: first + 1, count, sampleEvery: NEVER });
    }
  }

  /** @returns of both */
  async ask(command: Extract<LoadCommand, { do: 'snapshot' | 'account' }>): Promise<LoadReply> {
    const [watchers, crowd] = await Promise.all([this.#watchers.ask(command), this.#crowd.ask(command)]);
    return {
      ...watchers,
      snapshot: together(watchers.snapshot, crowd.snapshot),
      ...(watchers.unbalanced &&
        crowd.unbalanced && { unbalanced: unbalancedOf(watchers.unbalanced, crowd.unbalanced) }),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#crowd.stop(), this.#watchers.stop()]);
  }
}

function together(watchers: LoadSnapshot, crowd: LoadSnapshot): LoadSnapshot {
  const closedWith = { ...watchers.closedWith };
  for (const [code, count] of Object.entries(crowd.closedWith)) {
    closedWith[Number(code)] = (closedWith[Number(code)] ?? 0) + count;
  }
  return {
    // Only they read what has a latency, a number and an order.
    ...watchers,
    held: watchers.held + crowd.held,
    lostConnections: watchers.lostConnections + crowd.lostConnections,
    messages: watchers.messages + crowd.messages,
    bytes: watchers.bytes + crowd.bytes,
    shed: watchers.shed + crowd.shed,
    closedWith,
  };
}

type Unbalanced = NonNullable<LoadReply['unbalanced']>;

function unbalancedOf(one: Unbalanced, other: Unbalanced): Unbalanced {
  return {
    viewers: one.viewers + other.viewers,
    least: Math.min(one.least, other.least),
    most: Math.max(one.most, other.most),
  };
}
