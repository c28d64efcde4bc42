/**
 * The broadcast node inside one process: both lanes' queues, and the turns of the event loop in which they are emptied,
 * in slices: priority first, a slice of it before the turn, normal when none is left. Must not know publishers or what is beyond the sequencer.
 */
import { ImError, type Position, type Publication } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { ActiveHeads } from '../active-heads.js';
import type { Sequenced, Sequencer } from '../broadcast.js';
import { Fifo } from './fifo.js';
import { LogPassage, type Outcome, type Place } from './log-passage.js';
import type { NodeFigures } from './node-figures.js';

/** Where deliveries go: to subscribers of this process, or to peers. */
export interface Outlet {
  /** Groups that anybody wants. */
  readonly size: number;
  has(group: string): boolean;
  /** Before the deliveries of a turn, and those just before it. */
  beginPass(): void;
  /** Something was published, with a version if that was on the priority lane. Returns how many get it. */
  pass(group: string, publication: Publication, position: Position | undefined): number;
  tellHead(group: string, position: Position): void;
  tellLoss(group: string, count: number): void;
  /** Nobody gets anything any more. */
  clear(): void;
}

export interface LocalNodeOptions {
  readonly sequencer: Sequencer;
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly figures: NodeFigures;
  /** Normal messages that wait; beyond, new ones are dropped and told to subscribers. */
  readonly maxNormalMessages: number;
  /** Priority messages from publishing to delivery; beyond, publishers are refused. */
  readonly maxPriorityMessages: number;
  /** Of the bodies of each lane. */
  readonly maxLaneBytes: number;
}

export interface SequencingMany {
  readonly refused: ReadonlyMap<string, Error>;
  readonly outcomes: Promise<ReadonlyMap<string, Outcome>>;
}

/** Of a normal message that waits. */
interface NormalPlace {
  readonly group: string;
  readonly publication: Publication;
}

/** After so long, before a turn and in it, others get the event loop, and this lane is first again. */
const PRIORITY_SLICE_MS = 5;
/** The normal lane's share of a turn in which no priority message is left. */
const NORMAL_SLICE_MS = 1;
/** Deliveries between two looks at the clock. */
const LOOK_EVERY = 32;

export class LocalNode {
  readonly #options: LocalNodeOptions;
  readonly #outlet: Outlet;
  readonly #heads: ActiveHeads;
  readonly #passage: LogPassage;
  /** Versioned, waiting to be delivered. */
  readonly #ready = new Fifo<Place>();
  readonly #normal = new Fifo<NormalPlace>();
  #normalBytes = 0;
  /** Normal messages dropped since the last turn, by group. */
  readonly #losses = new Map<string, number>();
  /** Priority messages went without waiting for the turn that is due. */
  #hasHurried = false;
  /** The turn that is due; settles when it is over. */
  #turn: Promise<void> | undefined;

  constructor(options: LocalNodeOptions) {
    const { clock, figures, outlet } = options;
    this.#options = options;
    this.#outlet = outlet;
    this.#passage = new LogPassage({
      maxMessages: options.maxPriorityMessages,
      maxBytes: options.maxLaneBytes,
      figures,
      release: (place) => this.#released(place),
    });
    this.#heads = new ActiveHeads({
      clock,
      onHead: (group, position) => {
        this.#outlet.beginPass();
        this.#outlet.tellHead(group, position);
      },
    });
    figures.observe({
      groups: () => this.#outlet.size,
      normalMessages: () => this.#normal.length,
      priorityMessages: () => this.#passage.messages,
      bytes: () => this.#normalBytes + this.#passage.bytes,
      heads: () => this.#heads.size,
    });
  }

  /** Queues a normal message for the next turn; drops it, counted and told, when there is no room. */
  publishNormal(group: string, publication: Publication): void {
    const { figures, maxNormalMessages, maxLaneBytes } = this.#options;
    figures.publishedNormal.add();
    if (!this.#outlet.has(group)) return;
    const bytes = this.#normalBytes + publication.body.length;
    if (this.#normal.length >= maxNormalMessages || bytes > maxLaneBytes) {
      figures.lost.add();
      this.#losses.set(group, (this.#losses.get(group) ?? 0) + 1);
    } else {
      this.#normalBytes = bytes;
      this.#normal.push({ group, publication });
    }
    void this.turn();
  }

  /**
   * Gives a priority message its version and queues it. Rejects with what the sequencer throws.
   * @throws ImError QUEUE_FULL at once: nothing was taken
   */
  publishPriority(group: string, publication: Publication): Promise<Sequenced> {
    return this.#append(this.#passage.enter(group, publication, publication.body.length));
  }

  /** As {@link publishPriority}, for distinct groups: those there was no room for at once, the others' outcomes later. */
  publishPriorityToMany(groups: readonly string[], publication: Publication): SequencingMany {
    const { places, refused } = this.#passage.enterEach(groups, publication);
    return { refused, outcomes: this.#appendMany(places, publication) };
  }

  /** Of what may be under way on the priority lane more than half is. */
  get isCrowded(): boolean {
    return this.#passage.isCrowded;
  }

  /** Resolves when the next turn is over: what was queued before was delivered, unless there is more than a turn's worth. */
  turn(): Promise<void> {
    this.#turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#turn = undefined;
        this.#takeTurn();
        resolve();
      });
    });
    return this.#turn;
  }

  /** Resolves when everything taken was delivered. */
  async drained(): Promise<void> {
    while (this.#passage.messages > 0 || this.#normal.length > 0 || this.#losses.size > 0) await this.turn();
  }

  /** No handler is called afterwards. */
  close(): void {
    this.#heads.close();
    this.#outlet.clear();
  }

  async #append(place: Place): Promise<Sequenced> {
    try {
      const sequenced = await this.#options.sequencer.append(place.group, place.publication);
      this.#passage.settle(place, sequenced);
      return sequenced;
    } catch (error) {
      this.#passage.settle(place, undefined);
      throw ImError.wrap(error);
    }
  }

  async #appendMany(places: readonly Place[], publication: Publication): Promise<ReadonlyMap<string, Outcome>> {
    const groups = places.map(({ group }) => group);
    let appended: ReadonlyMap<string, Outcome>;
    try {
      appended = await this.#options.sequencer.appendMany(groups, publication);
    } catch (error) {
      appended = new Map(groups.map((group) => [group, ImError.wrap(error)]));
    }
    for (const place of places) {
      const outcome = appended.get(place.group);
      this.#passage.settle(place, outcome instanceof Error ? undefined : outcome);
    }
    return appended;
  }

  #released(place: Place): void {
    const { group, sequenced } = place;
    if (sequenced === undefined) this.#options.figures.failed.add();
    else if (sequenced.duplicate) this.#options.figures.duplicates.add();
    const wanted = sequenced !== undefined && this.#outlet.has(group);
    // Also for a duplicate: its first may have been versioned without having gone out.
    if (wanted) this.#heads.note(group, sequenced);
    if (!wanted || sequenced.duplicate) {
      this.#passage.leave(place);
      return;
    }
    this.#ready.push(place);
    this.#hurry();
  }

  /** Once before each turn, what waits on the priority lane goes without it: in a turn a room may be written to for long. */
  #hurry(): void {
    if (!this.#hasHurried) {
      this.#hasHurried = true;
      process.nextTick(() => {
        this.#outlet.beginPass();
        this.#deliverPriority();
      });
    }
    void this.turn();
  }

  #takeTurn(): void {
    if (!this.#hasHurried) this.#outlet.beginPass();
    this.#hasHurried = false;
    this.#deliverPriority();
    if (this.#ready.length === 0) this.#deliverNormal();
    this.#tellLosses();
    if (this.#ready.length > 0 || this.#normal.length > 0) void this.turn();
  }

  #deliverPriority(): void {
    const { clock } = this.#options;
    const until = clock.monotonic() + PRIORITY_SLICE_MS;
    for (let left = this.#ready.length; left > 0; left -= 1) {
      const place = this.#ready.shift();
      if (place === undefined) return;
      this.#passage.leave(place);
      this.#pass(place.group, place.publication, place.sequenced);
      if (left % LOOK_EVERY === 0 && clock.monotonic() >= until) return;
    }
  }

  #deliverNormal(): void {
    const { clock } = this.#options;
    const until = clock.monotonic() + NORMAL_SLICE_MS;
    // Not more than there is now: a handler that publishes waits for its turn like everybody.
    for (let left = this.#normal.length; left > 0; left -= 1) {
      const place = this.#normal.shift();
      if (place === undefined) return;
      this.#normalBytes -= place.publication.body.length;
      this.#pass(place.group, place.publication, undefined);
      if (left % LOOK_EVERY === 0 && clock.monotonic() >= until) return;
    }
  }

  #pass(group: string, publication: Publication, position: Position | undefined): void {
    this.#options.figures.delivered.add(this.#outlet.pass(group, publication, position));
  }

  #tellLosses(): void {
    for (const [group, count] of this.#losses) {
      this.#losses.delete(group);
      this.#outlet.tellLoss(group, count);
    }
  }
}
