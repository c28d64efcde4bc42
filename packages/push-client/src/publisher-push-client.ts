/** Pushing inside the system: straight to a publisher of @im/broadcast. */
import type { Published, Publisher } from '@im/broadcast';
import { withoutProduct, withProduct } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import type { Clock } from '@im/protocol/ports';
import type { PushClient } from './push-client.js';
import { type PushRoute, RoutedPushClient } from './routed-push-client.js';

export interface PushClientOptions {
  /** The client's own from now on: closing the client closes it. */
  readonly publisher: Publisher;
  /** Pushes reach this product alone. Without: those that belong to none, or the one a push names. */
  readonly product?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** @throws ImError INVALID_ARGUMENT for a product outside the grammar */
export function createPushClient({ publisher, product, clock = systemClock }: PushClientOptions): PushClient {
  return new RoutedPushClient(publisherRoute(publisher), { clock, product });
}

/** @param publisher closed with the route */
export function publisherRoute(publisher: Publisher): PushRoute {
  const seen = (published: Published): Published => ({ ...published, group: withoutProduct(published.group) });
  return {
    async one(group, publication, { product, ...options }) {
      return seen(await publisher.publish(withProduct(product, group), publication, options));
    },
    async many(groups, publication, { product, ...options }) {
      if (product === undefined) return publisher.publishMany(groups, publication, options);
      const underProduct = groups.map((group) => withProduct(product, group));
      const { published, failed } = await publisher.publishMany(underProduct, publication, options);
      return {
        published: published.map(seen),
        failed: new Map([...failed].map(([group, error]) => [withoutProduct(group), error])),
      };
    },
    close: () => publisher.close(),
  };
}
