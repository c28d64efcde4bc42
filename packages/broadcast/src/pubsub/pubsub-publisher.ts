/** A publisher of an engine on a pub/sub server: checks, acknowledgements, closing. Must not know sequencers or links. */
import { ImError, isGroupId, type Publication } from '@im/protocol';
import type { Published, PublishedMany, Publisher, PublishOptions, Sequenced } from '../broadcast.js';
import { checkGroup, checkPublication } from '../publication-checks.js';
import type { PubSubNode } from './pubsub-node.js';

export class PubSubPublisher implements Publisher {
  readonly #node: PubSubNode;
  readonly #onClosed: () => void;
  #unanswered = 0;
  #closing: Promise<void> | undefined;
  #onAnswered: (() => void) | undefined;

  constructor(node: PubSubNode, onClosed: () => void) {
    this.#node = node;
    this.#onClosed = onClosed;
  }

  async publish(group: string, publication: Publication, options: PublishOptions = {}): Promise<Published> {
    this.#check(publication);
    checkGroup(group);
    const isAwaited = options.acknowledge !== 'none';
    if (publication.lane === 'normal') {
      const taken = this.#node.publishNormal(group, publication, isAwaited);
      if (isAwaited && taken !== undefined) await this.#track(taken);
      return { group };
    }
    const sequenced = this.#track(this.#node.publishPriority(group, publication));
    if (isAwaited) return publishedAs(group, await sequenced);
    // Nobody waits for the answer; the figures count a failure.
    sequenced.catch(() => {});
    return { group };
  }

  async publishMany(
    groups: readonly string[],
    publication: Publication,
    options: PublishOptions = {},
  ): Promise<PublishedMany> {
    this.#check(publication);
    const failed = new Map<string, Error>();
    const valid: string[] = [];
    for (const group of new Set(groups)) {
      if (isGroupId(group)) valid.push(group);
      else failed.set(group, new ImError('GROUP_INVALID'));
    }
    const isAwaited = options.acknowledge !== 'none';
    if (publication.lane === 'normal') return this.#publishNormalToMany(valid, publication, isAwaited, failed);
    const { refused, outcomes } = this.#node.publishPriorityToMany(valid, publication);
    for (const [group, error] of refused) failed.set(group, error);
    const sequenced = this.#track(outcomes);
    if (!isAwaited) {
      return { published: valid.filter((group) => !refused.has(group)).map((group) => ({ group })), failed };
    }
    const published: Published[] = [];
    for (const [group, outcome] of await sequenced) {
      if (outcome instanceof Error) failed.set(group, outcome);
      else published.push(publishedAs(group, outcome));
    }
    return { published, failed };
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#onAnswered = () => {
        this.#onClosed();
        resolve();
      };
      if (this.#unanswered === 0) this.#onAnswered();
    });
    return this.#closing;
  }

  async #publishNormalToMany(
    groups: readonly string[],
    publication: Publication,
    isAwaited: boolean,
    failed: Map<string, Error>,
  ): Promise<PublishedMany> {
    const published: Published[] = [];
    const tried = groups.map(async (group) => {
      try {
        const taken = this.#node.publishNormal(group, publication, isAwaited);
        if (isAwaited) await taken;
        published.push({ group });
      } catch (error) {
        failed.set(group, ImError.wrap(error));
      }
    });
    await this.#track(Promise.all(tried));
    return { published, failed };
  }

  #check(publication: Publication): void {
    if (this.#closing) throw new ImError('CLOSED');
    checkPublication(publication);
  }

  async #track<Result>(answer: Promise<Result>): Promise<Result> {
    this.#unanswered += 1;
    try {
      return await answer;
    } finally {
      this.#unanswered -= 1;
      if (this.#unanswered === 0) this.#onAnswered?.();
    }
  }
}

function publishedAs(group: string, { epoch, version, duplicate }: Sequenced): Published {
  return duplicate ? { group, epoch, version, duplicate } : { group, epoch, version };
}
