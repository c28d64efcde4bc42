/** A sequencer that gives versions in memory and does what a test tells it: hold, fail, begin a new epoch. */
import type { Publication } from '@im/protocol';
import type { Sequenced, Sequencer } from '../broadcast.js';

interface FakeLog {
  version: number;
  readonly versions: Map<string, number>;
}

export class FakeSequencer implements Sequencer {
  /** Epoch of all logs. */
  epoch = 'e1';
  /** Groups of all appends, in the order of the calls. */
  readonly calls: string[] = [];
  #logs = new Map<string, FakeLog>();
  readonly #failures: { readonly error: Error; readonly afterAppending: boolean; readonly group?: string }[] = [];
  /** Answers that wait, while answers are held. */
  #held: (() => void)[] | undefined;

  async append(group: string, publication: Publication): Promise<Sequenced> {
    const outcome = this.#append(group, publication);
    await this.#answerable();
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  async appendMany(
    groups: readonly string[],
    publication: Publication,
  ): Promise<ReadonlyMap<string, Sequenced | Error>> {
    const outcomes = new Map(groups.map((group) => [group, this.#append(group, publication)]));
    await this.#answerable();
    return outcomes;
  }

  /** The next append (of that group) fails. With `afterAppending` it has been given a version all the same. */
  failOnce(error: Error, options: { afterAppending?: boolean; group?: string } = {}): void {
    this.#failures.push({ error, afterAppending: false, ...options });
  }

  /** All logs begin anew. */
  restart(epoch: string): void {
    this.epoch = epoch;
    this.#logs = new Map();
  }

  /** From now on versions are given, but no append settles until {@link release}. */
  hold(): void {
    this.#held ??= [];
  }

  /** Appends that wait for {@link release}. */
  get held(): number {
    return this.#held?.length ?? 0;
  }

  /** Lets held appends settle: all, or the one at that place alone, whatever the order of the calls was. */
  release(place?: number): void {
    if (place === undefined) {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const answer of held) answer();
    } else {
      this.#held?.splice(place, 1)[0]?.();
    }
  }

  async #answerable(): Promise<void> {
    const held = this.#held;
    if (held) await new Promise<void>((resolve) => held.push(resolve));
  }

  #append(group: string, { id }: Publication): Sequenced | Error {
    this.calls.push(group);
    const failing = this.#failures.findIndex((failure) => failure.group === undefined || failure.group === group);
    const failure = failing < 0 ? undefined : this.#failures.splice(failing, 1)[0];
    if (failure && !failure.afterAppending) return failure.error;
    const log = this.#logs.get(group) ?? { version: 0, versions: new Map<string, number>() };
    this.#logs.set(group, log);
    const known = id === undefined ? undefined : log.versions.get(id);
    if (known === undefined) log.version += 1;
    const version = known ?? log.version;
    if (id !== undefined) log.versions.set(id, version);
    return failure?.error ?? { epoch: this.epoch, version, duplicate: known !== undefined };
  }
}
