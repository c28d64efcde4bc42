/** The one push client: checks and encodes what is pushed, and leaves the way it takes to a route. */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Published, PublishedMany, PublishOptions } from '@im/broadcast';
import { ImError, isProduct, type Publication } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { checkId, checkOptions, invalid, toPublication } from './publication.js';
import type { PushClient, PushMessage, PushOptions, PushReceipt, ReceiptOptions, WaitOptions } from './push-client.js';
import { checkAsking } from './receipt/asking.js';
import type { ReceiptSums } from './receipt/push-receipts.js';
import { waitDelivered } from './receipt/wait-delivered.js';
import { groupsOf, type Target } from './target.js';

/** Checked, with the client's defaults. */
export interface RouteOptions extends Required<PublishOptions> {
  readonly product: string | undefined;
  /** Asks for a receipt: to users alone, by an id of at most 63 characters. */
  readonly receipt: boolean;
}

/** Groups are valid and without product, also in results; publications are checked, those of the priority lane have an id. */
export interface PushRoute {
  one(group: string, publication: Publication, options: RouteOptions): Promise<Published>;
  /** To users' groups, `u:<user>`; one that is named twice is still reached once. */
  many(groups: readonly string[], publication: Publication, options: RouteOptions): Promise<PublishedMany>;
  /** Of what was asked under this id. */
  receiptOf(id: string, product: string | undefined): Promise<ReceiptSums>;
  close(): Promise<void>;
}

export interface RoutedPushClientOptions {
  readonly clock: Clock;
  readonly product: string | undefined;
}

export class RoutedPushClient implements PushClient {
  readonly #route: PushRoute;
  readonly #clock: Clock;
  readonly #product: string | undefined;
  /** Ends those who wait. */
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  /** @throws ImError INVALID_ARGUMENT for a product outside the grammar */
  constructor(route: PushRoute, { clock, product }: RoutedPushClientOptions) {
    checkOwnProduct(product);
    // Everybody who waits listens: their number is for the caller to bound.
    setMaxListeners(0, this.#closed.signal);
    this.#route = route;
    this.#clock = clock;
    this.#product = product;
  }

  toUser(user: string, message: PushMessage, options?: PushOptions): Promise<Published> {
    return this.#toOne({ user }, message, options);
  }

  toRoom(room: string, message: PushMessage, options?: PushOptions): Promise<Published> {
    return this.#toOne({ room }, message, options);
  }

  toGroup(group: string, message: PushMessage, options?: PushOptions): Promise<Published> {
    return this.#toOne({ group }, message, options);
  }

  toAll(message: PushMessage, options?: PushOptions): Promise<Published> {
    return this.#toOne({ all: true }, message, options);
  }

  async toUsers(users: readonly string[], message: PushMessage, options: PushOptions = {}): Promise<PublishedMany> {
    const groups = groupsOf({ users });
    return this.#route.many(groups, this.#checked(groups, message, options), this.#routeOptions(options));
  }

  async receiptOf(id: string, { product }: ReceiptOptions = {}): Promise<PushReceipt> {
    this.#expectOpen();
    checkId(id);
    checkOptions({ product });
    const sums = await this.#route.receiptOf(id, this.#productOf(product));
    return { ...sums, isComplete: sums.delivered >= sums.of };
  }

  waitDelivered(id: string, { product, ...options }: WaitOptions = {}): Promise<PushReceipt> {
    const ports = { clock: this.#clock, closing: this.#closed.signal };
    return waitDelivered(() => this.receiptOf(id, { product }), options, ports);
  }

  close(): Promise<void> {
    this.#closed.abort();
    this.#closing ??= this.#route.close();
    return this.#closing;
  }

  async #toOne(target: Target, message: PushMessage, options: PushOptions = {}): Promise<Published> {
    const groups = groupsOf(target);
    const [group = ''] = groups;
    return this.#route.one(group, this.#checked(groups, message, options), this.#routeOptions(options));
  }

  #checked(groups: readonly string[], message: PushMessage, options: PushOptions): Publication {
    this.#expectOpen();
    checkOptions(options);
    const publication = toPublication(message, this.#clock.now());
    checkAsking(groups, publication, options);
    // So that whoever carries it may repeat it.
    const isNamed = publication.lane === 'normal' || publication.id !== undefined;
    return isNamed ? publication : { ...publication, id: randomUUID() };
  }

  #routeOptions({ acknowledge = 'accepted', product, receipt = false }: PushOptions): RouteOptions {
    return { acknowledge, product: this.#productOf(product), receipt };
  }

  #productOf(product = this.#product): string | undefined {
    if (this.#product !== undefined && product !== this.#product)
      throw invalid('product', 'not the one of this client');
    return product;
  }

  #expectOpen(): void {
    if (this.#closing !== undefined) throw new ImError('CLOSED');
  }
}

/** @throws ImError INVALID_ARGUMENT for a product outside the grammar */
export function checkOwnProduct(product: string | undefined): void {
  if (product === undefined || isProduct(product)) return;
  throw new ImError('INVALID_ARGUMENT', { details: { argument: 'product' } });
}
