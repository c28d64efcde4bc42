/** Publishing over links to nodes: each group to its node, the priority lane through the window, many groups in one record a node. */
import { ImError, isGroupId, type Publication } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { Published, PublishedMany, Publisher, PublishOptions } from '../broadcast.js';
import { checkGroup, checkGroups, checkPublication } from '../publication-checks.js';
import type { LaneSender } from './lane-sender.js';
import { type NodeLinks, unreachable } from './node-links.js';
import { PublicationRequest } from './publication-window.js';
import { MAX_CALL_GROUPS, type Route, type Routes } from './routes.js';

export interface LinkPublisherOptions {
  readonly clock: Clock;
  /** Of packs on the normal lane, for each node; beyond, publishers get QUEUE_FULL. */
  readonly maxLaneBytes: number;
  readonly publishTimeoutMs: number;
}

/** How long closing waits for nodes that do not read. */
const SENDING_MS = 1_000;

export class LinkPublisher implements Publisher {
  readonly #links: NodeLinks;
  readonly #routes: Routes;
  readonly #options: LinkPublisherOptions;
  readonly #onClosed: () => void;
  /** Calls that have not settled. */
  readonly #open = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(links: NodeLinks, options: LinkPublisherOptions, onClosed: () => void) {
    this.#links = links;
    this.#routes = links.routes;
    this.#options = options;
    this.#onClosed = onClosed;
  }

  publish(group: string, publication: Publication, options: PublishOptions = {}): Promise<Published> {
    if (publication.lane !== 'normal' || options.acknowledge !== 'none') {
      return this.#publish(group, publication, options);
    }
    // The shortest way: nobody waits.
    try {
      return this.#publishNormal(group, publication).published;
    } catch (error) {
      return Promise.reject(ImError.wrap(error));
    }
  }

  async #publish(group: string, publication: Publication, options: PublishOptions): Promise<Published> {
    if (publication.lane === 'normal') {
      await this.#track(this.#publishNormal(group, publication).link.normal.acknowledged());
      return { group };
    }
    this.#check(publication);
    checkGroup(group);
    const request = this.#request([group], publication);
    const outcomes = this.#track(request.done);
    if (options.acknowledge === 'none') return { group };
    const [outcome] = await outcomes;
    if (outcome instanceof Error) throw outcome;
    return outcome as Published;
  }

  async publishMany(
    groups: readonly string[],
    publication: Publication,
    options: PublishOptions = {},
  ): Promise<PublishedMany> {
    this.#check(publication);
    if (publication.lane === 'normal') return this.#publishNormalToMany(groups, publication, options);
    const { valid, failed } = checkGroups(groups);
    const published: Published[] = [];
    if (valid.length === 0) return { published, failed };
    const outcomes = this.#track(this.#request(valid, publication).done);
    if (options.acknowledge === 'none') return { published: valid.map((group) => ({ group })), failed };
    for (const [index, outcome] of (await outcomes).entries()) {
      if (outcome instanceof Error) failed.set(valid[index] as string, outcome);
      else published.push(outcome);
    }
    return { published, failed };
  }

  close(): Promise<void> {
    this.#closing ??= this.#settle();
    return this.#closing;
  }

  async #settle(): Promise<void> {
    await Promise.allSettled(this.#open);
    // Nobody waits for an answer to the rest.
    await this.#links.sent(SENDING_MS);
    this.#onClosed();
  }

  #check(publication: Publication): void {
    if (this.#closing) throw new ImError('CLOSED');
    checkPublication(publication);
  }

  #request(groups: readonly string[], publication: Publication): PublicationRequest {
    const { clock, publishTimeoutMs } = this.#options;
    const request = new PublicationRequest(groups, publication, clock.monotonic() + publishTimeoutMs);
    this.#links.window.add(request);
    return request;
  }

  /** @returns where it goes @throws ImError UNAVAILABLE, QUEUE_FULL: nothing was taken */
  #publishNormal(group: string, publication: Publication): Route {
    this.#check(publication);
    const route = this.#routeOf(group);
    route.link.normal.publication(group, route.alias, publication);
    return route;
  }

  /** @throws ImError GROUP_INVALID, UNAVAILABLE, QUEUE_FULL */
  #routeOf(group: string): Route {
    // What has a route was checked when it got it.
    let route = this.#routes.known(group);
    if (route === undefined) {
      checkGroup(group);
      route = this.#routes.find(group);
    }
    if (route === undefined) throw unreachable();
    if (route.link.normal.bytes > this.#options.maxLaneBytes) throw this.#links.refused();
    return route;
  }

  async #publishNormalToMany(
    groups: readonly string[],
    publication: Publication,
    { acknowledge }: PublishOptions,
  ): Promise<PublishedMany> {
    const published: Published[] = [];
    const failed = new Map<string, Error>();
    const distinct = groups.length > MAX_CALL_GROUPS ? [...new Set(groups)] : groups;
    const records: [sender: LaneSender, groups: string[]][] = [];
    for (let at = 0; at < distinct.length; at += MAX_CALL_GROUPS) {
      records.push(...this.#bySender(distinct.slice(at, at + MAX_CALL_GROUPS), published, failed));
    }
    for (const [sender, own] of records) sender.publicationToMany(own, publication);
    if (acknowledge !== 'none') {
      const senders = new Set(records.map(([sender]) => sender));
      await this.#track(Promise.all([...senders].map((sender) => sender.acknowledged())));
    }
    return { published, failed };
  }

  /** Every group once, by where it goes; its route knows whether it was named before. @throws ImError UNAVAILABLE, QUEUE_FULL */
  #bySender(groups: readonly string[], published: Published[], failed: Map<string, Error>): Map<LaneSender, string[]> {
    const bySender = new Map<LaneSender, string[]>();
    const call = this.#routes.beginCall(groups.length);
    let sender: LaneSender | undefined;
    let own: string[] = [];
    for (const group of groups) {
      let route = this.#routes.known(group);
      if (route === undefined) {
        if (!isGroupId(group)) {
          failed.set(group, new ImError('GROUP_INVALID'));
          continue;
        }
        route = this.#routes.find(group);
        if (route === undefined) throw unreachable();
      }
      if (route.call === call) continue;
      route.call = call;
      published.push({ group });
      const { normal } = route.link;
      if (normal !== sender) {
        sender = normal;
        own = bySender.get(sender) ?? [];
        if (own.length === 0 && sender.bytes > this.#options.maxLaneBytes) throw this.#links.refused();
        bySender.set(sender, own);
      }
      own.push(group);
    }
    return bySender;
  }

  #track<Result>(answer: Promise<Result>): Promise<Result> {
    this.#open.add(answer);
    const settle = (): void => void this.#open.delete(answer);
    answer.then(settle, settle);
    return answer;
  }
}
