/** A subscriber that writes down everything it is told. */
import type { Delivery, Position } from '@im/protocol';
import type { Broadcast, Subscriber } from '../broadcast.js';

export interface RecordingSubscriber extends Subscriber {
  readonly deliveries: readonly Delivery[];
  readonly heads: readonly { readonly group: string; readonly position: Position }[];
  readonly losses: readonly { readonly group: string; readonly count: number | undefined }[];
  /** Bodies as text, of one group and lane or of all. */
  texts(group?: string, lane?: Delivery['lane']): string[];
  /** Versions of the priority deliveries of one group. */
  versions(group: string): (number | undefined)[];
}

/** Settles when the subscriptions are in force. */
export async function subscribeRecording(broadcast: Broadcast, ...groups: string[]): Promise<RecordingSubscriber> {
  const deliveries: Delivery[] = [];
  const heads: { group: string; position: Position }[] = [];
  const losses: { group: string; count: number | undefined }[] = [];
  const subscriber = broadcast.createSubscriber({
    onDelivery: (delivery) => void deliveries.push(delivery),
    onHead: (group, position) => void heads.push({ group, position }),
    onLoss: (group, count) => void losses.push({ group, count }),
  });
  for (const group of groups) subscriber.subscribe(group);
  await subscriber.settled();
  const decoder = new TextDecoder();
  return {
    deliveries,
    heads,
    losses,
    texts: (group, lane) =>
      deliveries
        .filter((delivery) => (group ?? delivery.group) === delivery.group && (lane ?? delivery.lane) === delivery.lane)
        .map(({ body }) => decoder.decode(body)),
    versions: (group) =>
      deliveries.filter((delivery) => delivery.group === group && delivery.lane === 'priority').map((d) => d.version),
    subscribe: (group) => subscriber.subscribe(group),
    unsubscribe: (group) => subscriber.unsubscribe(group),
    settled: () => subscriber.settled(),
    close: () => subscriber.close(),
  };
}
