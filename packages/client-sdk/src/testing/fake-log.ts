/** The priority lane of one group as a gateway has it: entries with versions, which a test may trim or begin anew. */
import type { JoinedGroup, Position, Push } from '@im/protocol';

type Entry = Push<unknown> & { readonly version: number };

export class FakeLog {
  #incarnation = 1;
  #entries: Entry[] = [];
  #head = 0;

  constructor(readonly group: string) {}

  get epoch(): string {
    return `${this.group}#${this.#incarnation}`;
  }

  get head(): Position {
    return { epoch: this.epoch, version: this.#head };
  }

  append(
    event: string,
    data: unknown,
    { id, confirm }: { id?: string | undefined; confirm?: boolean | undefined } = {},
  ): Entry {
    const entry: Entry = {
      type: 'push',
      group: this.group,
      event,
      lane: 'priority',
      version: ++this.#head,
      ...(id !== undefined && { id }),
      ...(confirm && { confirm }),
      data,
    };
    this.#entries.push(entry);
    return entry;
  }

  after(version: number, limit = Number.POSITIVE_INFINITY): Entry[] {
    return this.#entries.filter((entry) => entry.version > version).slice(0, limit);
  }

  /** Forgets all but the newest. */
  trim(keep: number): void {
    this.#entries = keep > 0 ? this.#entries.slice(-keep) : [];
  }

  /** A new epoch: what was there is gone. */
  renew(): void {
    this.#incarnation++;
    this.#entries = [];
    this.#head = 0;
  }

  /** How a membership begins (PR-95 to PR-97), and what is replayed to it. */
  join(since?: Position): { joined: JoinedGroup; replay: Entry[] } {
    const { group, epoch } = this;
    if (!since) return { joined: { group, ...this.head }, replay: [] };
    if (since.epoch !== epoch || since.version > this.#head) {
      const missed = { epoch: since.epoch, after: since.version };
      return { joined: { group, ...this.head, recovered: false, missed }, replay: [] };
    }
    const replay = this.after(since.version);
    const first = replay[0]?.version ?? this.#head + 1;
    if (first === since.version + 1) return { joined: { group, ...since, recovered: true }, replay };
    const missed = { after: since.version, upto: first - 1 };
    return { joined: { group, epoch, version: first - 1, recovered: false, missed }, replay };
  }
}
