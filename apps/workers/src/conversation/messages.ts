/**
 * Owns: writing messages and taking them back. The log of the conversation has each once; of two people, both logs have a notice with
 * the message in it, by which every device hears of it, now or on return. Members of a group hear of it by being in the group.
 */
import type { Published, Publisher } from '@im/broadcast';
import { askingId, type CallerContext, ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { encodeJson } from '@im/rpc';
import type { Entry, IdSource, LogReader } from '@im/timeline';
import { applicationError } from '../application-errors.js';
import { personOf } from '../call.js';
import { digest } from '../digest.js';
import type { OfflineHook } from '../offline/offline-hook.js';
import { publishOnce } from '../publish-once.js';
import type { Receipts } from '../receipt/receipts.js';
import { tellAbsent } from './absent-receivers.js';
import { isAdmin } from './chat-group.js';
import {
  MESSAGE_EVENT,
  type MessageData,
  messageIn,
  TAKEN_BACK_EVENT,
  type TakenBackData,
} from './conversation-entry.js';
import type { GroupRecords } from './group-records.js';
import { askForReceipts, prepareReceipts } from './message-receipts.js';
import { notifiedGroups, type Place } from './place.js';
import type { TakenBack } from './taken-back.js';

/** How long authors can take back what they wrote. */
const TAKE_BACK_MS = 86_400_000;

export interface MessagesOptions {
  readonly publisher: Publisher;
  readonly log: LogReader;
  readonly ids: IdSource;
  readonly takenBack: TakenBack;
  readonly receipts: Receipts;
  readonly groups: GroupRecords;
  /** Told of messages for people who are not connected. */
  readonly offline: OfflineHook | undefined;
  readonly clock: Clock;
}

export interface SentMessage {
  readonly id: string;
  readonly version: number;
  readonly at: number;
}

/** What is written into the log of a conversation and, with its place there, into notices of it. */
interface Writing<Data> {
  readonly event: string;
  /** The same for every attempt: by it the log knows what it has. */
  readonly key: string;
  readonly data: Data;
}

interface Written<Data> {
  readonly epoch: string;
  readonly version: number;
  readonly data: Data;
  /** In a conversation of two. */
  readonly notices: readonly Published[];
}

export class Messages {
  readonly #options: MessagesOptions;

  constructor(options: MessagesOptions) {
    this.#options = options;
  }

  /**
   * Settles when it is durable wherever it has to be; what is missing a repeat with the same key completes, with the message as it was
   * first written, its id with it.
   * @throws ImError as Publisher.publish and IdSource.next
   */
  async send(
    caller: CallerContext,
    place: Place,
    { key, text, receipt }: { readonly key: string; readonly text: string; readonly receipt: boolean },
  ): Promise<SentMessage> {
    const { ids, clock, receipts, groups, offline } = this.#options;
    const data: MessageData = {
      id: ids.next(),
      from: personOf(caller),
      ...addressee(place),
      text,
      at: clock.now(),
      ...(receipt && { receipt }),
    };
    if (receipt) await prepareReceipts(receipts, caller, place);
    const writing = { event: MESSAGE_EVENT, key: receipt ? askingId(key) : key, data };
    const { epoch, version, data: written, notices } = await this.#write(caller, place, writing);
    if (offline) await tellAbsent({ offline, groups }, caller, place, written, version);
    if (receipt) await askForReceipts(receipts, caller, place, { log: place.group, epoch, version }, notices);
    return { id: written.id, version, at: written.at };
  }

  /**
   * For its author within a day, for the admins of a group always. Nobody is shown the text from then on; who was sent it has had it.
   * @returns version of the entry that says so
   * @throws ImError MESSAGE_UNKNOWN, TOO_LATE, FORBIDDEN, as Publisher.publish and RecordStore.write
   */
  async takeBack(caller: CallerContext, place: Place, version: number): Promise<number> {
    const { log, takenBack, clock } = this.#options;
    const { group, since } = place;
    const page = await log.read(group, { after: version - 1, limit: 1 });
    const entry = page.entries.find((each) => each.version === version && version > since);
    const message = entry && messageIn(entry);
    if (entry === undefined || message === undefined) throw applicationError('MESSAGE_UNKNOWN');
    const isDone = (await takenBack.among(group, [version])).has(version);
    this.#expectMayTakeBack(caller, place, { entry, message, isDone });
    // First where history looks: an entry that says so then follows, at the latest with a repeat.
    if (!isDone) await takenBack.add(group, version);
    const key = digest('taken-back', group, String(version));
    const data: TakenBackData = { of: version, by: personOf(caller), ...addressee(place), at: clock.now() };
    return (await this.#write(caller, place, { event: TAKEN_BACK_EVENT, key, data })).version;
  }

  #expectMayTakeBack(
    caller: CallerContext,
    place: Place,
    { entry, message, isDone }: { readonly entry: Entry; readonly message: MessageData; readonly isDone: boolean },
  ): void {
    if (place.kind === 'group' && isAdmin(place.member)) return;
    if (message.from.user !== caller.user) throw new ImError('FORBIDDEN', { message: 'the message is not yours' });
    // A repeat may be late: it has the entry follow that was cut off.
    if (!isDone && this.#options.clock.now() - entry.time > TAKE_BACK_MS) throw applicationError('TOO_LATE');
  }

  async #write<Data extends { readonly at: number }>(
    caller: CallerContext,
    place: Place,
    { event, key, data }: Writing<Data>,
  ): Promise<Written<Data>> {
    const { publisher } = this.#options;
    const entry = { lane: 'priority', event, body: encodeJson(data), id: key, time: data.at } as const;
    const { epoch, version, body: written } = await publishOnce<Data>(this.#options, place.group, entry);
    let notices: readonly Published[] = [];
    if (place.kind === 'direct') {
      const notice = encodeJson({ ...written, conversation: place.conversation, version });
      const groups = notifiedGroups(caller, place);
      const told = { ...entry, body: notice, time: written.at };
      const { published, failed } = await publisher.publishMany(groups, told, { acknowledge: 'durable' });
      for (const error of failed.values()) throw error;
      notices = published;
    }
    return { epoch, version, data: written, notices };
  }
}

function addressee(place: Place): { readonly to?: string } {
  return place.kind === 'direct' ? { to: place.peer } : {};
}
