/**
 * A session while its connection lasts: who it is, its groups and attributes, the position of its calls. What survives the
 * connection is its snapshot. Must not know sockets.
 */
import { type Attributes, type CloseName, type Effect, EVERYONE, userGroup, withProduct } from '@im/protocol';
import { UNKNOWN_EPOCH } from '../feed/epochs.js';
import type { GatewayViewer } from '../membership/gateway-viewer.js';
import { Memberships, type MembershipsOwner, type MembershipsSurroundings } from '../membership/memberships.js';
import type { Identity } from '../verifier/token-verifier.js';
import { EffectOrder, type Unanswered } from './effect-order.js';
import type { SessionSnapshot } from './session-snapshot.js';

/** The connection that holds a session. */
export interface SessionHolder extends GatewayViewer, Unanswered {
  close(name: CloseName, detail?: string): void;
  /** What a ticket holds has changed. */
  ticketOutdated(): void;
}

export interface SessionOptions {
  readonly id: string;
  readonly identity: Identity;
  readonly device: string;
  readonly platform: string;
  readonly address: string;
  readonly holder: SessionHolder;
  /** What the session was, when it is resumed. */
  readonly snapshot: SessionSnapshot | undefined;
  /** Groups that the connection has begun to enter for another session, which this one takes the place of. */
  readonly memberships?: Memberships;
  readonly surroundings: MembershipsSurroundings;
}

type AttributeChanges = Extract<Effect, { type: 'set' }>['attributes'];

const NO_ATTRIBUTES: Attributes = {};

/** Sequence numbers that one connection of a session may use. */
const SEQUENCES_PER_CONNECTION = 2 ** 32;
/** Largest size of all attributes as JSON, in bytes of UTF-8: they travel in every ticket and in the headers of every call. */
const MAX_ATTRIBUTES_BYTES = 2_048;

export class Session implements MembershipsOwner {
  readonly id: string;
  readonly identity: Identity;
  readonly device: string;
  readonly platform: string;
  readonly address: string;
  readonly holder: SessionHolder;
  readonly memberships: Memberships;
  /** When it signed in, in milliseconds since 1970; resumed ones keep it. */
  readonly begunAt: number;
  /** `u:<user>` as on the bus. */
  readonly userGroup: string;
  readonly presence: string;
  readonly #surroundings: MembershipsSurroundings;
  readonly #resumedFrom: SessionSnapshot | undefined;
  /** Only while a call is unanswered, or something was removed since the last one: most sessions are idle most of the time. */
  #order: EffectOrder | undefined;
  #established = false;
  #attributes: Attributes;
  #sequence: number;

  constructor(options: SessionOptions) {
    const { id, identity, device, platform, address, holder, snapshot, surroundings } = options;
    this.id = id;
    this.identity = identity;
    this.device = device;
    this.platform = platform;
    this.address = address;
    this.holder = holder;
    this.begunAt = snapshot?.begunAt ?? surroundings.clock.now();
    this.userGroup = withProduct(identity.product, userGroup(identity.user));
    this.memberships = options.memberships?.passTo(this) ?? new Memberships(this, surroundings);
    this.#surroundings = surroundings;
    this.#resumedFrom = snapshot;
    this.#attributes = snapshot?.attributes ?? NO_ATTRIBUTES;
    // Above every number of the connections before, also of calls that no ticket has heard of.
    const before = snapshot ? Math.floor(snapshot.sequence / SEQUENCES_PER_CONNECTION) + 1 : 0;
    this.#sequence = before * SEQUENCES_PER_CONNECTION;
    // Joined, and not a template, which would keep its parts beside the whole.
    this.presence = [id, before].join('.');
  }

  get attributes(): Attributes {
    return this.#attributes;
  }

  /** Of the latest call. */
  get sequence(): number {
    return this.#sequence;
  }

  nextSequence(): number {
    return ++this.#sequence;
  }

  /** Which calls' effects win. */
  get order(): EffectOrder {
    this.#order ??= new EffectOrder(this.holder);
    return this.#order;
  }

  /** No effects of a call can come any more. */
  allCallsAnswered(): void {
    this.#order = undefined;
  }

  /** Whether the attributes would be small enough after these changes. */
  hasRoomFor(changes: AttributeChanges): boolean {
    return Buffer.byteLength(JSON.stringify(this.#merged(changes))) <= MAX_ATTRIBUTES_BYTES;
  }

  /** Merges; null removes. */
  setAttributes(changes: AttributeChanges): void {
    this.#attributes = this.#merged(changes);
    this.memberships.refreshOnline();
    this.changed();
  }

  changed(): void {
    this.holder.ticketOutdated();
  }

  #merged(changes: AttributeChanges): Attributes {
    const merged = Object.entries({ ...this.#attributes, ...changes }).filter(([, value]) => value !== null);
    return Object.fromEntries(merged) as Attributes;
  }

  /** Whether the client was told that it is in the group. */
  isIn(group: string): boolean {
    return group === EVERYONE || group === userGroup(this.identity.user) || this.memberships.isJoined(group);
  }

  get established(): boolean {
    return this.#established;
  }

  /** Its groups are entered: from here on it stands for itself. */
  establish(): void {
    this.#established = true;
  }

  /** What survives a connection that was lost: nothing of a session that was never established. Before memberships are closed. */
  remains(): SessionSnapshot | undefined {
    return this.#established ? this.snapshot() : this.#resumedFrom;
  }

  snapshot(): SessionSnapshot {
    const { user, product } = this.identity;
    const { position } = this.#surroundings.feeds.get(this.userGroup) ?? {};
    const { joined: groups, allShownAfter: shownAfter } = this.memberships;
    return {
      session: this.id,
      user,
      device: this.device,
      ...(product !== undefined && { product }),
      groups,
      ...(shownAfter !== undefined && { shownAfter }),
      attributes: this.#attributes,
      begunAt: this.begunAt,
      sequence: this.#sequence,
      userPosition: position ?? { epoch: UNKNOWN_EPOCH, version: 0 },
    };
  }
}
