/**
 * Which peers want one group, and how far its normal lane has come. What a run needs lies in one object: with many groups
 * in turn, each further object is one more that the processor has to wait for.
 */
import type { PeerOutbox } from './peer-outbox.js';

const NOBODY: readonly PeerOutbox[] = [];

export class Interest {
  /** Normal messages since anybody wanted them. */
  position = 0;
  /** The first of those that want it; nobody once it was withdrawn, which is for good. */
  first: PeerOutbox | undefined;
  others: readonly PeerOutbox[] = NOBODY;

  /** @param alias names it in an index */
  constructor(
    readonly group: string,
    readonly alias: number,
    first: PeerOutbox,
  ) {
    this.first = first;
  }

  add(peer: PeerOutbox): void {
    this.others = [...this.others, peer];
  }

  remove(peer: PeerOutbox): void {
    if (this.first === peer) [this.first, ...this.others] = this.others;
    else this.others = this.others.filter((other) => other !== peer);
  }

  peers(): readonly PeerOutbox[] {
    return this.first === undefined ? NOBODY : [this.first, ...this.others];
  }
}
