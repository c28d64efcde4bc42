/** Owns: changing what people have set for themselves in a conversation, and telling their other devices. */
import type { Publisher } from '@im/broadcast';
import { type CallerContext, ImError, userGroup } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { encodeJson } from '@im/rpc';
import type { LogReader, RecordStore } from '@im/timeline';
import { applicationError } from '../application-errors.js';
import { groupOf } from '../call.js';
import { MAX_FORGOTTEN } from './conversation-definition.js';
import { changeRecord } from './json-record.js';
import { forgottenOf, NOTHING_SET, type OwnState, ownStateField, withForgotten } from './own-state.js';
import type { Place } from './place.js';

const READ_EVENT = 'read';
const MUTE_EVENT = 'mute';
const FORGET_EVENT = 'forget';

interface Told {
  readonly conversation: string;
  readonly [what: string]: unknown;
}

export interface OwnStatesOptions {
  readonly records: RecordStore;
  readonly log: LogReader;
  readonly publisher: Publisher;
  readonly clock: Clock;
}

/** All throw ImError as the record store and Publisher.publish do. */
export class OwnStates {
  readonly #options: OwnStatesOptions;

  constructor(options: OwnStatesOptions) {
    this.#options = options;
  }

  /**
   * Never goes back.
   * @returns up to which version it is read now
   * @throws ImError POSITION_AHEAD
   */
  async read(caller: CallerContext, place: Place, version: number): Promise<number> {
    const { conversation } = place;
    await this.#expectThere(place, version);
    const { read = 0 } = await this.#change(caller, conversation, (own) =>
      (own.read ?? 0) >= version ? own : { ...own, read: version },
    );
    await this.#tellDevices(caller, READ_EVENT, { conversation, read });
    return read;
  }

  async mute(caller: CallerContext, { conversation }: Place, muted: boolean): Promise<void> {
    await this.#change(caller, conversation, (own) => ((own.muted ?? false) === muted ? own : { ...own, muted }));
    await this.#tellDevices(caller, MUTE_EVENT, { conversation, muted });
  }

  /** Of what is there; what comes later stays. @throws ImError POSITION_AHEAD, TOO_MANY_FORGOTTEN */
  async forget(
    caller: CallerContext,
    place: Place,
    what: { readonly upTo?: number | undefined; readonly versions?: readonly number[] | undefined },
  ): Promise<void> {
    const { conversation } = place;
    await this.#expectThere(place, Math.max(what.upTo ?? 0, ...(what.versions ?? [])));
    await this.#change(caller, conversation, (own) => {
      const forgotten = withForgotten(forgottenOf(own), what);
      if (forgotten.versions.length > MAX_FORGOTTEN)
        throw applicationError('TOO_MANY_FORGOTTEN', { max: MAX_FORGOTTEN });
      return { ...own, forgotten };
    });
    await this.#tellDevices(caller, FORGET_EVENT, { conversation, ...what });
  }

  async #expectThere({ group }: Place, version: number): Promise<void> {
    const head = await this.#options.log.head(group);
    if (version > head.version) throw new ImError('POSITION_AHEAD', { details: { version: head.version } });
  }

  async #change(caller: CallerContext, conversation: string, change: (own: OwnState) => OwnState): Promise<OwnState> {
    const record = { owner: groupOf(caller, userGroup(caller.user)), field: ownStateField(conversation) };
    const changed = await changeRecord<OwnState>(this.#options.records, record, (before) => {
      const own = before ?? NOTHING_SET;
      const now = change(own);
      return now === own ? before : now;
    });
    return changed ?? NOTHING_SET;
  }

  /** Those that are connected; the others read it from the list. */
  async #tellDevices(caller: CallerContext, event: string, data: Told): Promise<void> {
    const { publisher, clock } = this.#options;
    await publisher.publish(groupOf(caller, userGroup(caller.user)), {
      ...{ lane: 'normal', event, body: encodeJson(data), time: clock.now() },
      // Of `read` and `mute` the last one says all; what is deleted adds up.
      ...(event !== FORGET_EVENT && { terms: { conflate: { mode: 'latest', key: data.conversation } } }),
    });
  }
}
