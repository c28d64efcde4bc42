/**
 * Tells Redis of this process's sessions, keeps the lease that they live by, and takes out the sessions of writers whose lease
 * ended. Each time that Redis was away, or the lease ended, a new writer begins and tells everything anew; so nothing that was lost on
 * the way, and no sweep by another, stays unnoticed.
 */
import { randomBytes } from 'node:crypto';
import { ImError } from '@im/protocol';
import type { Clock, Logger, Timer } from '@im/protocol/ports';
import type { RedisConnection } from '@im/redis';
import type { OwnSessions } from './own-sessions.js';
import type { Place, PlaceCall, PlaceKeys } from './place.js';
import { ADD_PLACES, END_LEASE, FORGET_WRITER, KEEP_LEASE, REMOVE_PLACES, SOME_PLACES } from './presence-scripts.js';

export interface PresenceWriterOptions {
  readonly connection: RedisConnection;
  readonly keys: PlaceKeys;
  readonly sessions: OwnSessions;
  /** Of the process; what follows it is the writer's own. */
  readonly node: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onSwept: (places: number) => void;
}

/** Told in one go: small enough that nobody waits long behind it. */
const MAX_PLACES = 64;
const MAX_SESSIONS = 128;
const MAX_NAMES = 1_000;

export class PresenceWriter {
  readonly #options: PresenceWriterOptions;
  #writer: string;
  /** Places that Redis names as this writer's: before any entry of it is there, and until after the last is gone. */
  #named = new Set<Place>();
  /** The writer whose lease was kept last. */
  #leased: string | undefined;
  #heartbeat: Timer | undefined;
  #telling: Promise<void> | undefined;
  /** Former writers, to be swept. */
  #retired: { readonly writer: string; readonly named: ReadonlySet<Place> }[] = [];
  #closed = false;
  readonly #stop: () => void;

  constructor(options: PresenceWriterOptions) {
    this.#options = options;
    this.#writer = this.#newWriter();
    this.#stop = options.connection.onAvailability((available) => {
      if (!available) return;
      this.#retire();
      this.tell();
    });
  }

  /** There are changes: tells them as soon as it can. */
  tell(): void {
    const { connection, sessions } = this.#options;
    if (this.#closed || this.#telling !== undefined || !connection.available || !sessions.hasChanges) return;
    this.#telling = this.#tellAll();
  }

  /** Resolves when Redis was told everything, or is away. */
  async settled(): Promise<void> {
    while (this.#telling !== undefined) await this.#telling;
  }

  /** Takes this process's sessions out, if Redis is there. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#heartbeat?.cancel();
    await this.settled();
    if (this.#leased !== this.#writer || !this.#options.connection.available) return;
    try {
      await this.#sweep(this.#writer);
    } catch {
      // Its lease ends by itself.
    }
  }

  async #tellAll(): Promise<void> {
    // After this turn's code: what one turn changes is told together.
    await Promise.resolve();
    const { connection, sessions } = this.#options;
    try {
      while (sessions.hasChanges && connection.available) {
        if (this.#leased === this.#writer) await this.#tellSome();
        else await this.#beat();
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#telling = undefined;
    }
  }

  async #tellSome(): Promise<void> {
    const { connection, sessions, keys } = this.#options;
    const writer = this.#writer;
    const changes = sessions.take(MAX_PLACES, MAX_SESSIONS);
    const places = [...changes.keys()];
    const unnamed = places.filter((place) => !this.#named.has(place));
    // Before the entries: whoever sweeps must find them all.
    if (unnamed.length > 0) await connection.run(ADD_PLACES, [keys.placesOf(writer)], unnamed);
    for (const place of unnamed) this.#named.add(place);
    const left = await Promise.all(
      places.map((place) => this.#run(keys.change(writer, place, changes.get(place) ?? []))),
    );
    const empty = places.filter((place, index) => left[index] === 0 && !sessions.has(place));
    if (empty.length === 0) return;
    for (const place of empty) this.#named.delete(place);
    await connection.run(REMOVE_PLACES, [keys.placesOf(writer)], empty);
  }

  /** Keeps the lease, and sweeps after others. */
  async #beat(): Promise<void> {
    const { connection, keys, leaseMs, clock } = this.#options;
    this.#heartbeat?.cancel();
    this.#heartbeat = clock.after(leaseMs / 3, () => void this.#beatSafely(), { background: true });
    await this.#endRetired();
    const writer = this.#writer;
    const args = [writer, leaseMs, this.#leased === writer ? 1 : 0];
    const [kept, ...ended] = (await connection.run(KEEP_LEASE, [keys.leases], args)) as [number, ...Buffer[]];
    this.#leased = writer;
    // Others take its entries for a dead process's.
    if (kept === 0) this.#retire();
    for (const each of ended) await this.#sweep(each.toString());
  }

  async #endRetired(): Promise<void> {
    const { connection, keys } = this.#options;
    for (let former = this.#retired[0]; former !== undefined; former = this.#retired[0]) {
      // Named again: somebody may have swept before its last entries came.
      const named = [...former.named];
      for (let i = 0; i < named.length; i += MAX_NAMES) {
        await connection.run(ADD_PLACES, [keys.placesOf(former.writer)], named.slice(i, i + MAX_NAMES));
      }
      await connection.run(END_LEASE, [keys.leases], [former.writer]);
      this.#retired.shift();
    }
  }

  async #beatSafely(): Promise<void> {
    try {
      await this.#beat();
      this.tell();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Takes out all that a writer has entered. Several may do so at once. */
  async #sweep(writer: string): Promise<void> {
    const { connection, keys, onSwept } = this.#options;
    const named = keys.placesOf(writer);
    for (;;) {
      const places = ((await connection.run(SOME_PLACES, [named], [])) as Buffer[]).map(String) as Place[];
      if (places.length === 0) break;
      await Promise.all(places.map((place) => this.#run(keys.sweep(writer, place))));
      await connection.run(REMOVE_PLACES, [named], places);
      onSwept(places.length);
    }
    await connection.run(FORGET_WRITER, [keys.leases], [writer]);
  }

  #run({ script, keys, args }: PlaceCall): Promise<unknown> {
    return this.#options.connection.run(script, keys, args);
  }

  #failed(error: unknown): void {
    const { connection, logger } = this.#options;
    // What was told is uncertain now. Being away is told by the connection, and ends with a new writer.
    if (connection.available) {
      logger.warn('telling Redis who is online failed; all is told anew', { error: ImError.wrap(error) });
      this.#retire();
    }
  }

  /** Everything is told anew, under a new name; what the old one told goes by sweeping. */
  #retire(): void {
    if (this.#leased !== this.#writer) return;
    this.#retired.push({ writer: this.#writer, named: this.#named });
    this.#writer = this.#newWriter();
    this.#named = new Set();
    this.#options.sessions.retellAll();
  }

  #newWriter(): string {
    return `${this.#options.node}.${randomBytes(9).toString('base64url')}`;
  }
}
