/** Pushing inside the system: straight to a publisher of @im/broadcast. */
import type { Published, Publisher } from '@im/broadcast';
import { type Publication, withoutProduct, withProduct } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import type { PushClient } from './push-client.js';
import { asking } from './receipt/asking.js';
import { noReceipts } from './receipt/push-receipts.js';
import { createRpcReceipts } from './receipt/rpc-receipts.js';
import { type PushRoute, RoutedPushClient, type RouteOptions } from './routed-push-client.js';

export interface PushClientOptions {
  /** The client's own from now on: closing the client closes it. */
  readonly publisher: Publisher;
  /** Reaches the service `receipt`, for pushes that ask; stays yours to close. Without: those are refused with RECEIPTS_UNSERVED. */
  readonly receipts?: RpcCaller | undefined;
  /** Pushes reach this product alone. Without: those that belong to none, or the one a push names. */
  readonly product?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** @throws ImError INVALID_ARGUMENT for a product outside the grammar */
export function createPushClient({ publisher, receipts, product, clock = systemClock }: PushClientOptions): PushClient {
  return new RoutedPushClient(publisherRoute(publisher, receipts), { clock, product });
}

/** @param publisher closed with the route @param caller reaches those who count receipts; stays whose it is */
export function publisherRoute(publisher: Publisher, caller: RpcCaller | undefined): PushRoute {
  const receipts = caller ? createRpcReceipts(caller) : noReceipts;
  const seen = (published: Published): Published => ({ ...published, group: withoutProduct(published.group) });

  async function one(group: string, publication: Publication, { product, acknowledge }: RouteOptions) {
    return seen(await publisher.publish(withProduct(product, group), publication, { acknowledge }));
  }

  async function many(groups: readonly string[], publication: Publication, { product, acknowledge }: RouteOptions) {
    if (product === undefined) return publisher.publishMany(groups, publication, { acknowledge });
    const underProduct = groups.map((group) => withProduct(product, group));
    const { published, failed } = await publisher.publishMany(underProduct, publication, { acknowledge });
    return {
      published: published.map(seen),
      failed: new Map([...failed].map(([group, error]) => [withoutProduct(group), error])),
    };
  }

  return {
    async one(group, publication, options) {
      if (!options.receipt) return one(group, publication, options);
      const { published } = await asking(receipts, [group], publication, options, async (asked) => ({
        published: [await one(group, asked, options)],
      }));
      return published[0] as Published;
    },
    many(groups, publication, options) {
      if (!options.receipt) return many(groups, publication, options);
      return asking(receipts, groups, publication, options, (asked) => many(groups, asked, options));
    },
    receiptOf: (id, product) => receipts.sums({ product, id }),
    close: () => publisher.close(),
  };
}
