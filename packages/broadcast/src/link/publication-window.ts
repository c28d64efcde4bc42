/**
 * Priority publications that no node has answered yet. Knows which node has which, repeats what may have been lost and
 * can be repeated, and gives up in the end. Must not know sockets or how nodes are chosen.
 */
import { type ErrorBody, ImError, type Position, type Publication } from '@im/protocol';
import type { Published } from '../broadcast.js';
import type { NodeLink } from './node-link.js';

type Outcome = Published | Error;

/** One call of a publisher: to one group, or to many. */
export class PublicationRequest {
  readonly outcomes: (Outcome | undefined)[];
  left: number;
  resolve!: (outcomes: readonly Outcome[]) => void;
  readonly done = new Promise<readonly Outcome[]>((resolve) => {
    this.resolve = resolve;
  });

  constructor(
    readonly groups: readonly string[],
    readonly publication: Publication,
    /** By the monotonic clock. */
    readonly endsAt: number,
  ) {
    this.outcomes = new Array<Outcome | undefined>(groups.length);
    this.left = groups.length;
  }

  get isRepeatable(): boolean {
    return this.publication.id !== undefined;
  }

  /** @returns whether that was the last outcome */
  settle(index: number, outcome: Outcome): boolean {
    if (this.outcomes[index] !== undefined) return false;
    this.outcomes[index] = outcome;
    this.left--;
    if (this.left > 0) return false;
    this.resolve(this.outcomes as Outcome[]);
    return true;
  }
}

/** What of a request went to one node. */
interface Part {
  readonly request: PublicationRequest;
  /** Of the request's groups. */
  readonly indices: readonly number[];
  left: number;
  readonly sentAt: number;
}

export interface PublicationWindowOptions {
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** The node of a group; undefined while there is none. */
  readonly linkOf: (group: string) => NodeLink | undefined;
  /** What is thrown when there is no room. */
  readonly refused: () => ImError;
  readonly now: () => number;
}

/** An answer that does not come for so long may have been lost: the node is asked again. */
const REPEAT_MS = 3_000;
/** Groups of one message in one record. */
const MAX_GROUPS = 10_000;

export class PublicationWindow {
  readonly #options: PublicationWindowOptions;
  readonly #requests = new Set<PublicationRequest>();
  readonly #parts = new Map<NodeLink, Map<number, Part>>();
  /** No node was there to take them. */
  #waiting: { request: PublicationRequest; indices: readonly number[] }[] = [];
  #messages = 0;
  #bytes = 0;
  #onEmpty: (() => void)[] = [];

  constructor(options: PublicationWindowOptions) {
    this.#options = options;
  }

  get messages(): number {
    return this.#messages;
  }

  /** @throws ImError QUEUE_FULL: nothing was taken */
  add(request: PublicationRequest): void {
    const { maxMessages, maxBytes } = this.#options;
    const bytes = request.publication.body.length;
    const messages = request.groups.length;
    const isFull = this.#messages + messages > maxMessages && this.#messages > 0;
    if (isFull || this.#bytes + bytes > maxBytes) throw this.#options.refused();
    this.#requests.add(request);
    this.#messages += messages;
    this.#bytes += bytes;
    this.#dispatch(request, Array.from(request.groups.keys()));
  }

  /** A node has come: what waited goes, and what it may not have answered goes again. */
  linked(link: NodeLink): void {
    this.lost(link, new ImError('DISCONNECTED'));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { request, indices } of waiting) this.#dispatch(request, indices);
  }

  /** Answers of a node will not come any more. */
  lost(link: NodeLink, error: Error): void {
    const parts = this.#parts.get(link);
    this.#parts.delete(link);
    for (const part of parts?.values() ?? []) this.#again(part, error);
  }

  answered(link: NodeLink, number: number, place: number, position: Position, isDuplicate: boolean): void {
    const group = this.#groupOf(link, number, place);
    if (group === undefined) return;
    this.#settle(link, number, place, isDuplicate ? { group, ...position, duplicate: true } : { group, ...position });
  }

  failed(link: NodeLink, number: number, place: number, error: ErrorBody): void {
    this.#settle(link, number, place, ImError.from(error));
  }

  /** Gives up what has taken too long, asks again for answers that do not come. */
  check(): void {
    const now = this.#options.now();
    const waiting = new Set(this.#waiting.map(({ request }) => request));
    for (const request of this.#requests) {
      if (request.endsAt > now) break;
      const wasSent = !waiting.has(request);
      this.#fail(
        request,
        new ImError(wasSent ? 'TIMEOUT' : 'UNAVAILABLE', { message: 'no broadcast node has answered in time' }),
      );
    }
    this.#waiting = this.#waiting.filter(({ request }) => request.left > 0);
    for (const [link, parts] of this.#parts) {
      for (const [number, part] of parts) {
        if (now - part.sentAt < REPEAT_MS) break;
        if (part.request.left > 0 && !part.request.isRepeatable) continue;
        parts.delete(number);
        if (part.request.left > 0) this.#again(part, new ImError('DISCONNECTED'));
      }
      if (parts.size === 0) this.#parts.delete(link);
    }
  }

  /** Resolves when everything has its outcome. */
  idle(): Promise<void> {
    if (this.#requests.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  close(error: Error): void {
    for (const request of this.#requests) this.#fail(request, error);
    this.#waiting = [];
    this.#parts.clear();
  }

  #dispatch(request: PublicationRequest, indices: readonly number[]): void {
    if (indices.length === 1) {
      this.#send(this.#options.linkOf(request.groups[indices[0] as number] as string), request, indices);
      return;
    }
    const byLink = new Map<NodeLink | undefined, number[]>();
    for (const index of indices) {
      const link = this.#options.linkOf(request.groups[index] as string);
      const list = byLink.get(link);
      if (list === undefined) byLink.set(link, [index]);
      else list.push(index);
    }
    for (const [link, own] of byLink) {
      for (let at = 0; at < own.length; at += MAX_GROUPS) this.#send(link, request, own.slice(at, at + MAX_GROUPS));
    }
  }

  #send(link: NodeLink | undefined, request: PublicationRequest, indices: readonly number[]): void {
    if (link === undefined) {
      this.#waiting.push({ request, indices });
      return;
    }
    const groups = indices.map((index) => request.groups[index] as string);
    const number =
      groups.length === 1
        ? link.priority.publication(groups[0] as string, 0, request.publication)
        : link.priority.publicationToMany(groups, request.publication);
    let parts = this.#parts.get(link);
    if (parts === undefined) {
      parts = new Map();
      this.#parts.set(link, parts);
    }
    parts.set(number, { request, indices, left: indices.length, sentAt: this.#options.now() });
  }

  /** The order of a publisher's messages stays: parts come in the order in which they were sent. */
  #again({ request, indices }: Part, error: Error): void {
    const open = indices.filter((index) => request.outcomes[index] === undefined);
    if (open.length === 0) return;
    if (request.isRepeatable) this.#dispatch(request, open);
    else for (const index of open) this.#outcome(request, index, error);
  }

  #groupOf(link: NodeLink, number: number, place: number): string | undefined {
    const part = this.#parts.get(link)?.get(number);
    return part?.request.groups[part.indices[place] ?? -1];
  }

  #settle(link: NodeLink, number: number, place: number, outcome: Outcome): void {
    const parts = this.#parts.get(link);
    const part = parts?.get(number);
    const index = part?.indices[place];
    if (parts === undefined || part === undefined || index === undefined) return;
    part.left--;
    if (part.left === 0) parts.delete(number);
    this.#outcome(part.request, index, outcome);
  }

  #fail(request: PublicationRequest, error: Error): void {
    for (const index of request.groups.keys()) this.#outcome(request, index, error);
  }

  #outcome(request: PublicationRequest, index: number, outcome: Outcome): void {
    if (!request.settle(index, outcome)) return;
    this.#requests.delete(request);
    this.#messages -= request.groups.length;
    this.#bytes -= request.publication.body.length;
    if (this.#requests.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
