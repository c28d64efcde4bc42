/**
 * A viewer's way into one group, in two steps, so that a welcome can name many groups at once: {@link Entrance.locate}
 * says where the membership begins, {@link Entrance.follow} sends what was missed and goes live. Live priority messages are
 * held by fan-out meanwhile.
 *
 * | from      | to        | cause |
 * |-----------|-----------|-------|
 * | —         | locating  | made: fan-out holds for the viewer from now on |
 * | locating  | located   | the feed is ready, and the log was read where a position was given |
 * | located   | following | the client was told where its membership begins |
 * | following | live      | everything up to the feed's position was sent |
 * | any       | ended     | the membership ended meanwhile: both steps settle without more |
 */
import type { FanOut, Membership } from '@im/groups';
import type { Position } from '@im/protocol';
import type { Page } from '@im/timeline';
import { continued } from '../feed/continued.js';
import { deliveryOf } from '../feed/delivery-of.js';
import { UNKNOWN_EPOCH } from '../feed/epochs.js';
import type { GroupFeed } from '../feed/group-feed.js';
import type { GroupFeeds } from '../feed/group-feeds.js';
import type { LogAccess } from '../feed/log-access.js';
import type { GatewayViewer } from './gateway-viewer.js';
import { type Beginning, recover } from './recovery.js';
import type { ReplayChunks } from './replay-chunks.js';

/** Entries read and sent at a time. */
const PAGE = 128;
/** A log that is behind what was delivered even after so many reads is given up on, and the viewer told. */
const MAX_STALE_READS = 100;

export interface EntranceSurroundings {
  readonly fanOut: FanOut<GatewayViewer>;
  readonly feeds: GroupFeeds;
  readonly log: LogAccess;
  readonly replays: ReplayChunks;
  /** Most entries replayed to one viewer from one group. */
  readonly maxReplay: number;
}

export class Entrance {
  readonly #viewer: GatewayViewer;
  readonly #group: string;
  readonly #given: Position | undefined;
  readonly #after: number;
  readonly #surroundings: EntranceSurroundings;
  readonly #membership: Membership;
  readonly #feed: GroupFeed;
  #at: Position = { epoch: '', version: 0 };
  /** Where the feed stood when fan-out was known to hold: what comes above it is held, up to it the log must bring. */
  #heldAbove: Position = { epoch: '', version: 0 };
  #page: Page | undefined;

  /**
   * @param group as on the bus
   * @param given what the client has seen of it, if it was here before
   * @param after up to this version nothing is shown to it
   */
  constructor(
    viewer: GatewayViewer,
    group: string,
    given: Position | undefined,
    after: number,
    surroundings: EntranceSurroundings,
  ) {
    this.#viewer = viewer;
    this.#group = group;
    this.#given = given;
    this.#after = after;
    this.#surroundings = surroundings;
    this.#membership = surroundings.fanOut.join(viewer, group, after);
    // Fan-out opens the feed with a group's first member.
    this.#feed = surroundings.feeds.get(group) as GroupFeed;
  }

  /** Undefined when the membership ended meanwhile. Never throws. */
  async locate(): Promise<Beginning | undefined> {
    await this.#feed.ready;
    this.#heldAbove = this.#feed.position;
    const beginning = await this.#compare();
    if (this.#ended) return undefined;
    this.#at = { epoch: beginning.epoch, version: beginning.version };
    return beginning;
  }

  /** Settles when the membership is live, or has ended. Never throws. */
  async follow(): Promise<void> {
    for (let staleReads = 0; ; ) {
      if (this.#page) this.#send(this.#page);
      const level = this.#page === undefined || this.#at.version >= this.#page.version;
      // A page from before (shared, or of a replica behind): the log has more than it says.
      if (level && this.#isBelowHeld() && ++staleReads > MAX_STALE_READS) this.#skipToFeed();
      if (level && !this.#isBelowHeld() && this.#goLive()) return;
      if (this.#ended) return;
      await this.#viewer.relieved();
      if (this.#ended) return;
      this.#page = await this.#read();
      if (this.#page === undefined) this.#skipToFeed();
    }
  }

  get #ended(): boolean {
    return this.#membership.phase === 'ended';
  }

  #isBelowHeld(): boolean {
    const { epoch, version } = this.#heldAbove;
    return epoch === this.#at.epoch ? this.#at.version < version : this.#feed.isPast(this.#at.epoch);
  }

  /** Fan-out keeps a bounded number of messages for a held membership; after an overflow it begins to hold anew. */
  #goLive(): boolean {
    if (this.#membership.release(this.#at)) return true;
    const { epoch, version } = this.#feed.position;
    return this.#at.epoch === epoch && this.#at.version >= version && this.#membership.release(this.#at);
  }

  async #compare(): Promise<Beginning> {
    const given = this.#given;
    const { position } = this.#feed;
    if (!given) return this.#after > position.version ? this.#beginAfter() : position;
    if (given.epoch === position.epoch && given.version === position.version) return { ...given, recovered: true };
    const { log, maxReplay } = this.#surroundings;
    try {
      // Who would be told of a loss waits a little for a store that has just gone away.
      const isKnown = position.epoch !== UNKNOWN_EPOCH;
      const page = await log[isKnown ? 'awaited' : 'recent'](this.#group, given.version, PAGE);
      const beginning = recover(given, page, maxReplay, this.#after);
      if (beginning.version === given.version) this.#page = page;
      else this.#page = await this.#read(beginning);
      this.#feed.heard({ epoch: page.epoch, version: page.version });
      return beginning;
    } catch {
      // The store is away. Where nobody has heard of the log, the client is believed: what follows comes once it can be read.
      const seen = { epoch: given.epoch, version: Math.max(given.version, this.#after) };
      if (this.#feed.expect(seen)) return recover(given, { ...seen, first: 1 }, maxReplay, this.#after);
      // Otherwise as much is told as the feed knows, as of a log of which nothing is kept.
      return recover(given, { ...position, first: position.version + 1 }, 0, this.#after);
    }
  }

  /** The log may be further than what was heard of it: what is above the feed's position will come, and is not for this client. */
  async #beginAfter(): Promise<Beginning> {
    const { position } = this.#feed;
    const page = await this.#read(position);
    // Where it cannot be asked, what is not for this client stays hidden all the same.
    if (page === undefined) return { ...position, version: this.#after };
    return { epoch: page.epoch, version: Math.max(page.first - 1, Math.min(this.#after, page.version)) };
  }

  #send(page: Page): void {
    const { epoch, first } = page;
    const seen = continued(this.#at, page)?.version ?? 0;
    const before = Math.max(first - 1, Math.min(this.#after, page.version), seen);
    if (epoch !== this.#at.epoch || before > this.#at.version) this.#jump({ epoch, version: before });
    const missed = page.entries.filter(({ version }) => version > this.#at.version);
    const last = missed.at(-1);
    if (!last) return;
    this.#viewer.write(missed.length === page.entries.length ? this.#whole(page) : this.#encode(missed, epoch));
    this.#at = { epoch, version: last.version };
  }

  #whole(page: Page): Uint8Array {
    return this.#surroundings.replays.whole(this.#group, page, this.#viewer.encoding);
  }

  #encode(entries: Page['entries'], epoch: string): Uint8Array {
    return this.#viewer.encoding.pushesToOne(entries.map((entry) => deliveryOf(this.#group, epoch, entry)));
  }

  /** What lies between is lost for the viewer: it is told (PR-102). */
  #jump(to: Position): void {
    const { epoch, version } = this.#at;
    const missed = epoch === to.epoch ? { after: version, upto: to.version } : { epoch, after: version };
    this.#viewer.write(this.#viewer.encoding.reset({ group: this.#group, ...to, recovered: false, missed }));
    this.#at = to;
  }

  #skipToFeed(): void {
    const { position } = this.#feed;
    if (position.epoch !== this.#at.epoch || position.version > this.#at.version) this.#jump(position);
  }

  /** The log after a position; undefined when it cannot be read. */
  async #read({ version } = this.#at): Promise<Page | undefined> {
    return this.#surroundings.log.read(this.#group, version, PAGE).catch(() => undefined);
  }
}
