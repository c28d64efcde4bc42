/**
 * Appends on their way to Redis: in the order of the calls, in batches, each answered. Must not know what an append is: versions, ids,
 * epochs and trimming are the script's business.
 */
import { ImError, type Position } from '@im/protocol';
import { CallLanes, type LaneCall, type RedisConnection } from '@im/redis';
import type { Appended } from '../log-store.js';
import type { AcknowledgedVersions } from './acknowledged-versions.js';
import type { LogArguments } from './log-arguments.js';
import { APPEND } from './log-scripts.js';
import type { SharedBody } from './shared-body.js';
import type { StoreFigures } from './store-figures.js';

export interface AppendBatchesOptions {
  readonly connection: RedisConnection;
  readonly logArguments: LogArguments;
  readonly acknowledged: AcknowledgedVersions;
  readonly figures: StoreFigures;
  onRepaired(group: string | undefined): void;
}

/** One batch is the server's for about a millisecond. */
const MAX_BATCH_CALLS = 128;
const MAX_BATCH_BYTES = 1_048_576;
const MAX_PENDING_CALLS = 100_000;
const MAX_PENDING_BYTES = 67_108_864;
/** Batches under way at a time; in a Cluster each log is a lane, since a batch must stay in one slot. */
const LANES = 4;

interface Append extends LaneCall {
  readonly group: string;
  readonly shared: SharedBody | undefined;
  readonly encoded: Buffer;
  readonly settle: (outcome: Appended | ImError) => void;
}

/** What a batch brings to one log. */
interface LogAppends {
  readonly group: string;
  /** What the script is told to have been acknowledged. */
  readonly seen: Position;
  readonly appends: Append[];
}

export class AppendBatches {
  readonly #options: AppendBatchesOptions;
  readonly #lanes = new CallLanes<Append>({
    send: (batch) => this.#send(batch),
    maxBatchCalls: MAX_BATCH_CALLS,
    maxBatchBytes: MAX_BATCH_BYTES,
    maxCalls: MAX_PENDING_CALLS,
    maxBytes: MAX_PENDING_BYTES,
  });

  constructor(options: AppendBatchesOptions) {
    this.#options = options;
  }

  /** Appends that wait or are under way. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Queues it now. Rejects with QUEUE_FULL alone: other errors are outcomes. */
  add(group: string, encoded: Buffer, shared: SharedBody | undefined): Promise<Appended | ImError> {
    const { connection, figures } = this.#options;
    return new Promise((settle, refuse) => {
      const call: Append = { group, shared, encoded, bytes: encoded.length, settle };
      try {
        this.#lanes.add(connection.cluster ? group : laneOf(group), call);
      } catch (error) {
        figures.refused.add();
        refuse(ImError.wrap(error));
      }
    });
  }

  /** Resolves when all are answered. */
  drained(): Promise<void> {
    return this.#lanes.drained();
  }

  async #send(batch: readonly Append[]): Promise<void> {
    const { connection, logArguments, figures } = this.#options;
    const bodies = [...new Set(batch.map(({ shared }) => shared))].filter((body) => body !== undefined && !body.stored);
    const keys: string[] = [];
    const args: (string | number | Buffer)[] = [...logArguments.circumstances(), bodies.length];
    for (const body of bodies as SharedBody[]) {
      keys.push(logArguments.bodyKeys + body.reference.toString());
      args.push(body.lifeMs, body.body);
    }
    const logs = this.#byLog(batch);
    for (const { group, seen, appends } of logs) {
      keys.push(...logArguments.keysOf(group));
      args.push(logArguments.terms(group, seen), appends.length);
      for (const { encoded } of appends) args.push(encoded);
    }
    const began = performance.now();
    try {
      const reply = (await connection.run(APPEND, keys, args)) as (Buffer | number)[];
      figures.committed(batch.length, performance.now() - began);
      for (const body of bodies as SharedBody[]) body.stored = true;
      this.#answer(logs, reply);
    } catch (error) {
      figures.failed.add();
      const failure = ImError.wrap(error);
      for (const { settle } of batch) settle(failure);
    }
  }

  /** In the order of the calls, as far as they concern the same log. */
  #byLog(batch: readonly Append[]): LogAppends[] {
    const logs = new Map<string, LogAppends>();
    for (const append of batch) {
      const { group } = append;
      const log = logs.get(group);
      if (log) log.appends.push(append);
      else logs.set(group, { group, seen: this.#options.logArguments.seen(group), appends: [append] });
    }
    return [...logs.values()];
  }

  #answer(logs: readonly LogAppends[], reply: readonly (Buffer | number)[]): void {
    const { figures, onRepaired } = this.#options;
    const trimmed = Number(reply[0]);
    if (trimmed > 0) figures.trimmed.add(trimmed);
    let at = 1;
    for (const { group, seen, appends } of logs) {
      const epoch = String(reply[at]) || seen.epoch;
      at += 1;
      for (const { settle } of appends) {
        settle(this.#outcomeOf(group, epoch, reply[at]));
        at += 1;
      }
    }
    for (const number of reply.slice(at)) onRepaired(logs[Number(number) - 1]?.group);
  }

  #outcomeOf(group: string, epoch: string, outcome: Buffer | number | undefined): Appended | ImError {
    if (typeof outcome !== 'number') return new ImError('INTERNAL', { cause: new Error(String(outcome)) });
    const { acknowledged, figures } = this.#options;
    const appended = { epoch, version: Math.abs(outcome), duplicate: outcome < 0 };
    acknowledged.note(group, appended);
    figures[appended.duplicate ? 'duplicates' : 'appended'].add();
    return appended;
  }
}

/** The same lane for the same group: a few characters are enough to spread them. */
function laneOf(group: string): number {
  let sum = 0;
  for (let i = Math.max(0, group.length - 4); i < group.length; i += 1) sum = sum * 31 + group.charCodeAt(i);
  return sum % LANES;
}
