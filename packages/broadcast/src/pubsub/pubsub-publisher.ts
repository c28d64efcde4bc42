/** A publisher of an engine on a pub/sub server: checks, acknowledgements, closing. Must not know sequencers or links. */
import { ImError, type Publication } from '@im/protocol';
import type { Published, PublishedMany, Publisher, PublishOptions } from '../broadcast.js';
import { OpenAnswers } from '../open-answers.js';
import { checkGroup, checkGroups, checkPublication } from '../publication-checks.js';
import { publishedAs, publishedOf } from '../published.js';
import type { PubSubNode } from './pubsub-node.js';

export class PubSubPublisher implements Publisher {
  readonly #node: PubSubNode;
  readonly #onClosed: () => void;
  readonly #answers = new OpenAnswers();
  #closing: Promise<void> | undefined;

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
      if (isAwaited && taken !== undefined) await this.#answers.track(taken);
      return { group };
    }
    const sequenced = this.#answers.track(this.#node.publishPriority(group, publication));
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
    const { valid, failed } = checkGroups(groups);
    const isAwaited = options.acknowledge !== 'none';
    if (publication.lane === 'normal') return this.#publishNormalToMany(valid, publication, isAwaited, failed);
    const { refused, outcomes } = this.#node.publishPriorityToMany(valid, publication);
    for (const [group, error] of refused) failed.set(group, error);
    const sequenced = this.#answers.track(outcomes);
    if (!isAwaited) {
      return { published: valid.filter((group) => !refused.has(group)).map((group) => ({ group })), failed };
    }
    const published = publishedOf(await sequenced, failed);
    return { published, failed };
  }

  close(): Promise<void> {
    this.#closing ??= this.#answers.settled().then(this.#onClosed);
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
    await this.#answers.track(Promise.all(tried));
    return { published, failed };
  }

  #check(publication: Publication): void {
    if (this.#closing) throw new ImError('CLOSED');
    checkPublication(publication);
  }
}
