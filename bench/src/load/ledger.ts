/** What the viewers of one process have seen. */
import type { Lane } from '@im/protocol';
import type { SeenMessage } from '../message-body.js';

export interface LoadSnapshot {
  /** Connections that are signed in and in their rooms now. */
  readonly held: number;
  /** Connections that were lost without being asked to close. */
  readonly lostConnections: number;
  readonly messages: number;
  readonly bytes: number;
  /** Messages that servers told to have shed. */
  readonly shed: number;
  /** Connections that servers closed, by code. */
  readonly closedWith: Readonly<Record<number, number>>;
  /** Of sampled viewers, since the last snapshot: milliseconds from making to reading. */
  readonly latenciesMs: Readonly<Record<Lane, readonly number[]>>;
  /** Of sampled viewers: messages that never came although later ones did, and those that came late or twice. */
  readonly missing: Readonly<Record<Lane, number>>;
  readonly disordered: Readonly<Record<Lane, number>>;
  /** Of sampled viewers that read any: the lowest of the numbers they read last, and how many they are. */
  readonly lastRead: Readonly<Record<Lane, { readonly lowest: number; readonly viewers: number }>>;
}

export class Ledger {
  held = 0;
  lostConnections = 0;
  messages = 0;
  bytes = 0;
  shed = 0;
  readonly closedWith: Record<number, number> = {};
  /** Messages in a payload, by its length, or by its fingerprint where bodies are of various sizes. */
  readonly messagesIn = new Map<number, number>();
  #latenciesMs: Record<Lane, number[]> = { normal: [], priority: [] };
  readonly #missing: Record<Lane, number> = { normal: 0, priority: 0 };
  readonly #disordered: Record<Lane, number> = { normal: 0, priority: 0 };
  /** Last number read, by viewer and lane. */
  readonly #last: Record<Lane, Map<number, number>> = { normal: new Map(), priority: new Map() };

  read(viewer: number, messages: readonly SeenMessage[], atUs: number): void {
    for (const { lane, number, madeAtUs } of messages) {
      this.#latenciesMs[lane].push((atUs - madeAtUs) / 1000);
      const last = this.#last[lane].get(viewer);
      if (last !== undefined && number <= last) this.#disordered[lane] += 1;
      else if (last !== undefined) this.#missing[lane] += number - last - 1;
      if (last === undefined || number > last) this.#last[lane].set(viewer, number);
    }
  }

  snapshot(): LoadSnapshot {
    const latenciesMs = this.#latenciesMs;
    this.#latenciesMs = { normal: [], priority: [] };
    const { held, lostConnections, messages, bytes, shed } = this;
    const closedWith = { ...this.closedWith };
    const missing = { ...this.#missing };
    const disordered = { ...this.#disordered };
    const lastRead = { normal: this.#lastRead('normal'), priority: this.#lastRead('priority') };
    return { held, lostConnections, messages, bytes, shed, closedWith, latenciesMs, missing, disordered, lastRead };
  }

  #lastRead(lane: Lane): { lowest: number; viewers: number } {
    let lowest = Number.POSITIVE_INFINITY;
    for (const number of this.#last[lane].values()) lowest = Math.min(lowest, number);
    return { lowest, viewers: this.#last[lane].size };
  }
}
