/**
 * Owns: which of several processes tells what is in the outbox: one, which says so in a record together with how far it is; another one when that
 * record has not changed for a while though there is something to tell. Must not know what is told.
 */
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { decodeJson, encodeJson } from '@im/rpc';
import type { Head, RecordStore } from '@im/timeline';
import { OUTBOX } from './outbox.js';
import { type KeptProgress, OutboxProgress } from './outbox-progress.js';

interface TurnRecord extends KeptProgress {
  /** Undefined: nobody's turn. */
  readonly teller?: string | undefined;
}

const FIELD = 'told';
/** Who has the turn writes more often while anything is open. */
const PATIENCE_MS = 6_000;

export class OutboxTurn {
  readonly #records: RecordStore;
  readonly #name: string;
  readonly #clock: Clock;
  /** Since when the record of somebody else has stood like this. */
  #seen: { readonly revision: number; readonly since: number } | undefined;
  #holder: string | undefined;

  /** @param name no other process has it, ever */
  constructor(records: RecordStore, name: string, clock: Clock) {
    this.#records = records;
    this.#name = name;
    this.#clock = clock;
  }

  /** As far as is known nobody else has it. */
  get isFree(): boolean {
    return this.#holder === undefined || this.#holder === this.#name;
  }

  /**
   * Takes it where there is something to tell and nobody tells it.
   * @returns undefined: it is not ours
   * @throws ImError as RecordStore.write, but for RECORD_CHANGED
   */
  async take(head: Head): Promise<OutboxProgress | undefined> {
    const { record, revision } = await this.#find();
    const progress = new OutboxProgress(record);
    if (!progress.isBehind(head)) {
      this.#seen = undefined;
      return undefined;
    }
    if (!this.isFree && !this.#isGivenUp(revision)) return undefined;
    return (await this.#write(progress, revision, this.#name)) ? progress : undefined;
  }

  /** Says that it is ours still, and how far we are. @returns whether it is @throws as `take` */
  async keep(progress: OutboxProgress): Promise<boolean> {
    return this.#say(progress, this.#name);
  }

  /** Another one may have it at once. @throws as `take` */
  async leave(progress: OutboxProgress): Promise<void> {
    await this.#say(progress, undefined);
  }

  async #say(progress: OutboxProgress, teller: string | undefined): Promise<boolean> {
    const { record, revision } = await this.#find();
    return record?.teller === this.#name && this.#write(progress, revision, teller);
  }

  #isGivenUp(revision: number): boolean {
    const now = this.#clock.monotonic();
    if (this.#seen?.revision !== revision) this.#seen = { revision, since: now };
    return now - this.#seen.since >= PATIENCE_MS;
  }

  async #find(): Promise<{ readonly record: TurnRecord | undefined; readonly revision: number }> {
    const found = (await this.#records.get(OUTBOX, [FIELD])).get(FIELD);
    const record = found && (decodeJson(found.body) as TurnRecord);
    this.#holder = record?.teller;
    return { record, revision: found?.revision ?? 0 };
  }

  async #write(progress: OutboxProgress, revision: number, teller: string | undefined): Promise<boolean> {
    const body = encodeJson({ ...progress.kept(), teller } satisfies TurnRecord);
    try {
      await this.#records.write(OUTBOX, [{ field: FIELD, body, revision }]);
      this.#holder = teller;
      return true;
    } catch (error) {
      if (error instanceof ImError && error.name === 'RECORD_CHANGED') return false;
      throw error;
    }
  }
}
