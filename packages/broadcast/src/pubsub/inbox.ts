/**
 * The subscriptions of this process on one lane: which channels it wants, which subscribing is in force, again after each
 * reconnect. Must not know what channels carry.
 */
import type { PubSubLink } from './pubsub-link.js';

export interface InboxOptions {
  /** Runs it when the calls at hand are over. */
  readonly defer: (run: () => void) => void;
  /** The server refused to subscribe: nothing comes of those channels. */
  readonly onRefused: (error: unknown) => void;
  /** All is in force again. */
  readonly onRestored: () => void;
}

/** Channels that are subscribed by one command. */
const CHUNK = 512;
/** Commands that wait for their answers while everything is subscribed again. */
const CHUNKS_UNDER_WAY = 16;

interface Waiter {
  readonly until: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #wanted = new Set<string>();
  /** Since the last command: to be subscribed or not. */
  readonly #changes = new Map<string, boolean>();
  /** Commands without an answer. */
  readonly #open = new Set<number>();
  #commands = 0;
  #waiters: Waiter[] = [];
  #link: PubSubLink | undefined;
  /** Everything must be subscribed anew before anything counts as in force. */
  #isRestoring = true;
  #wasUp = false;
  #isDeferred = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#wanted.size;
  }

  add(channel: string): void {
    this.#wanted.add(channel);
    this.#change(channel, true);
  }

  remove(channel: string): void {
    this.#wanted.delete(channel);
    this.#change(channel, false);
  }

  /** Resolves when every channel that was added before is subscribed. */
  settled(): Promise<void> {
    this.#apply();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ until: this.#commands, resolve, reject });
      this.#tellWaiters();
    });
  }

  up(link: PubSubLink): void {
    this.#link = link;
    void this.#restore(link);
  }

  down(): void {
    this.#link = undefined;
    this.#isRestoring = true;
    this.#changes.clear();
    this.#open.clear();
  }

  close(error: Error): void {
    this.#link = undefined;
    this.#wanted.clear();
    this.#changes.clear();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { reject } of waiters) reject(error);
  }

  #change(channel: string, isWanted: boolean): void {
    if (this.#link === undefined) return;
    this.#changes.set(channel, isWanted);
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#options.defer(() => {
      this.#isDeferred = false;
      this.#apply();
    });
  }

  #apply(): void {
    const link = this.#link;
    if (link === undefined || this.#changes.size === 0) return;
    const [added, removed]: [string[], string[]] = [[], []];
    for (const [channel, isWanted] of this.#changes) (isWanted ? added : removed).push(channel);
    this.#changes.clear();
    for (let at = 0; at < removed.length; at += CHUNK) link.unsubscribe(removed.slice(at, at + CHUNK));
    for (let at = 0; at < added.length; at += CHUNK) void this.#subscribe(link, added.slice(at, at + CHUNK));
  }

  async #subscribe(link: PubSubLink, channels: readonly string[]): Promise<void> {
    if (channels.length === 0) return;
    this.#commands += 1;
    const command = this.#commands;
    this.#open.add(command);
    try {
      const refusal = await link.subscribe(channels);
      if (refusal !== undefined) this.#options.onRefused(refusal);
    } catch {
      // Lost: on the next link all of them are subscribed again, and whoever waits goes on waiting.
      return;
    }
    if (this.#link !== link) return;
    this.#open.delete(command);
    this.#tellWaiters();
  }

  async #restore(link: PubSubLink): Promise<void> {
    const underWay = new Set<Promise<void>>();
    let chunk: string[] = [];
    const send = () => {
      // What was removed meanwhile has been unsubscribed before.
      const channels = chunk.filter((channel) => this.#wanted.has(channel));
      chunk = [];
      const sent = this.#subscribe(link, channels).finally(() => underWay.delete(sent));
      underWay.add(sent);
    };
    for (const channel of this.#wanted) {
      chunk.push(channel);
      if (chunk.length < CHUNK) continue;
      send();
      while (underWay.size >= CHUNKS_UNDER_WAY) await Promise.race(underWay);
      if (this.#link !== link) return;
    }
    if (chunk.length > 0) send();
    await Promise.all(underWay);
    if (this.#link !== link) return;
    this.#isRestoring = false;
    this.#tellWaiters();
    if (this.#wasUp) this.#options.onRestored();
    this.#wasUp = true;
  }

  #tellWaiters(): void {
    if (this.#isRestoring || this.#waiters.length === 0) return;
    let oldest = Infinity;
    for (const command of this.#open) {
      oldest = command;
      break;
    }
    const settled = this.#waiters.filter(({ until }) => until < oldest);
    if (settled.length === 0) return;
    this.#waiters = this.#waiters.filter(({ until }) => until >= oldest);
    for (const { resolve } of settled) resolve();
  }
}
