/** The one push client: checks and encodes what is pushed, and leaves the way it takes to a route. */
import { randomUUID } from 'node:crypto';
import type { Published, PublishedMany, PublishOptions } from '@im/broadcast';
import { ImError, isProduct, type Publication } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { checkOptions, invalid, toPublication } from './publication.js';
import type { PushClient, PushMessage, PushOptions } from './push-client.js';
import { groupsOf, type Target } from './target.js';

/** Checked, with the client's defaults. */
export interface RouteOptions extends Required<PublishOptions> {
  readonly product: string | undefined;
}

/** Groups are valid and without product, also in results; publications are checked, those of the priority lane have an id. */
export interface PushRoute {
  one(group: string, publication: Publication, options: RouteOptions): Promise<Published>;
  /** To users' groups, `u:<user>`; one that is named twice is still reached once. */
  many(groups: readonly string[], publication: Publication, options: RouteOptions): Promise<PublishedMany>;
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
  #closing: Promise<void> | undefined;

  /** @throws ImError INVALID_ARGUMENT for a product outside the grammar */
  constructor(route: PushRoute, { clock, product }: RoutedPushClientOptions) {
    checkOwnProduct(product);
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
    return this.#route.many(groups, this.#checked(message, options), this.#routeOptions(options));
  }

  close(): Promise<void> {
    this.#closing ??= this.#route.close();
    return this.#closing;
  }

  async #toOne(target: Target, message: PushMessage, options: PushOptions = {}): Promise<Published> {
    const [group = ''] = groupsOf(target);
    return this.#route.one(group, this.#checked(message, options), this.#routeOptions(options));
  }

  #checked(message: PushMessage, options: PushOptions): Publication {
    if (this.#closing !== undefined) throw new ImError('CLOSED');
    checkOptions(options);
    const publication = toPublication(message, this.#clock.now());
    // So that whoever carries it may repeat it.
    const isNamed = publication.lane === 'normal' || publication.id !== undefined;
    return isNamed ? publication : { ...publication, id: randomUUID() };
  }

  #routeOptions({ acknowledge = 'accepted', product = this.#product }: PushOptions): RouteOptions {
    if (this.#product !== undefined && product !== this.#product)
      throw invalid('product', 'not the one of this client');
    return { acknowledge, product };
  }
}

/** @throws ImError INVALID_ARGUMENT for a product outside the grammar */
export function checkOwnProduct(product: string | undefined): void {
  if (product === undefined || isProduct(product)) return;
  throw new ImError('INVALID_ARGUMENT', { details: { argument: 'product' } });
}
