import type { Delivery } from '@im/protocol';
import type { Entry } from '@im/timeline';

/** An entry of a group's log as it would have come from the bus. The body is shared. */
export function deliveryOf(group: string, epoch: string, entry: Entry): Delivery {
  return {
    group,
    lane: 'priority',
    epoch,
    version: entry.version,
    event: entry.event,
    body: entry.body,
    time: entry.time,
    ...(entry.id !== undefined && { id: entry.id }),
  };
}
