/** The broadcast interface over links to nodes. */
import { ImError, isGroupId, type Publication } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type {
  Broadcast,
  Published,
  PublishedMany,
  Publisher,
  PublishOptions,
  Subscriber,
  SubscriberHandlers,
} from '../broadcast.js';
import type { LocalSubscriber } from '../memory/subscriber-table.js';
import { checkGroup, checkPublication } from '../publication-checks.js';
import type { LaneSender } from './lane-sender.js';
import { MAX_CALL_GROUPS, type NodeLinks, type Route, unreachable } from './node-links.js';
import { PublicationRequest } from './publication-window.js';

export interface NodeBroadcast extends Broadcast {
  /** Resolves when a broadcast node is in reach. @throws ImError UNAVAILABLE (retryable) when none is in time */
  ready(timeoutMs: number): Promise<void>;
  readonly nodesInReach: number;
  /** Told whenever their number has changed. */
  onReach(listener: (nodes: number) => void): void;
}

export interface LinkBroadcastOptions {
  readonly clock: Clock;
  /** Of packs on the normal lane, for each node; beyond, publishers get QUEUE_FULL. */
  readonly maxLaneBytes: number;
  readonly publishTimeoutMs: number;
}

/** How long closing waits for nodes that do not read. */
const SENDING_MS = 1_000;

export class LinkBroadcast implements NodeBroadcast {
  readonly #links: NodeLinks;
  readonly #options: LinkBroadcastOptions;
  readonly #publishers = new Set<LinkPublisher>();
  #closing: Promise<void> | undefined;

  constructor(links: NodeLinks, options: LinkBroadcastOptions) {
    this.#links = links;
    this.#options = options;
  }

  ready(timeoutMs: number): Promise<void> {
    return this.#links.ready(timeoutMs);
  }

  get nodesInReach(): number {
    return this.#links.nodesInReach;
  }

  onReach(listener: (nodes: number) => void): void {
    this.#links.onReach(listener);
  }

  createPublisher(): Publisher {
    if (this.#closing) throw new ImError('CLOSED');
    const publisher = new LinkPublisher(this.#links, this.#options, () => this.#publishers.delete(publisher));
    this.#publishers.add(publisher);
    return publisher;
  }

  createSubscriber(handlers: SubscriberHandlers): Subscriber {
    if (this.#closing) throw new ImError('CLOSED');
    return new LinkSubscriber(this.#links, handlers, () => this.#closing !== undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#publishers].map((publisher) => publisher.close()));
    this.#links.close();
  }
}

class LinkPublisher implements Publisher {
  readonly #links: NodeLinks;
  readonly #options: LinkBroadcastOptions;
  readonly #onClosed: () => void;
  /** Calls that have not settled. */
  readonly #open = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(links: NodeLinks, options: LinkBroadcastOptions, onClosed: () => void) {
    this.#links = links;
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
    const failed = new Map<string, Error>();
    const valid: string[] = [];
    for (const group of new Set(groups)) {
      if (isGroupId(group)) valid.push(group);
      else failed.set(group, new ImError('GROUP_INVALID'));
    }
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
    let route = this.#links.knownRoute(group);
    if (route === undefined) {
      checkGroup(group);
      route = this.#links.routeOf(group);
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
    const call = this.#links.beginCall(groups.length);
    for (const group of groups) {
      let route = this.#links.knownRoute(group);
      if (route === undefined) {
        if (!isGroupId(group)) {
          failed.set(group, new ImError('GROUP_INVALID'));
          continue;
        }
        route = this.#links.routeOf(group);
        if (route === undefined) throw unreachable();
      }
      if (route.call === call) continue;
      route.call = call;
      published.push({ group });
      const sender = route.link.normal;
      const own = bySender.get(sender);
      if (own !== undefined) own.push(group);
      else if (sender.bytes > this.#options.maxLaneBytes) throw this.#links.refused();
      else bySender.set(sender, [group]);
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

class LinkSubscriber implements Subscriber, LocalSubscriber {
  readonly handlers: SubscriberHandlers;
  readonly #links: NodeLinks;
  readonly #groups = new Set<string>();
  readonly #isEngineClosed: () => boolean;
  #closed = false;

  constructor(links: NodeLinks, handlers: SubscriberHandlers, isEngineClosed: () => boolean) {
    this.#links = links;
    this.handlers = handlers;
    this.#isEngineClosed = isEngineClosed;
    links.addSubscriber(this);
  }

  subscribe(group: string): void {
    if (this.#closed || this.#isEngineClosed()) throw new ImError('CLOSED');
    checkGroup(group);
    this.#groups.add(group);
    this.#links.subscribe(group, this);
  }

  unsubscribe(group: string): void {
    if (this.#groups.delete(group)) this.#links.unsubscribe(group, this);
  }

  async settled(): Promise<void> {
    if (this.#closed || this.#isEngineClosed()) throw new ImError('CLOSED');
    await this.#links.settled();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const group of this.#groups) this.unsubscribe(group);
    this.#links.removeSubscriber(this);
  }
}
