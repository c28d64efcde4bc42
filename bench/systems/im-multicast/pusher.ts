/** A backend: pushes to users one by one, a thousand at a time, or to all of them in one call. */
import type { NodeAddresses } from '@im/broadcast/zeromq';
import { createZeromqPushClient } from '@im/push-client/zeromq';
import { createMetrics } from '@im/runtime';
import { obeyParent } from '../../src/harness/obey-parent.js';
import { reached } from '../../src/harness/part.js';
import { type Done, type PushCommand, userNames } from '../../src/multicast/multicast-commands.js';

const AT_ONCE = 1_000;

const push = createZeromqPushClient({ nodes: [reached<NodeAddresses>()], metrics: createMetrics() });
const ready = push.ready(10_000);

obeyParent(async ({ way, users, lane, bodyBytes, rounds }: PushCommand): Promise<Done> => {
  await ready;
  const names = userNames(users);
  const message = { event: 'news', data: 'x'.repeat(bodyBytes - 2), lane };
  for (let round = 0; round < rounds; round += 1) {
    if (way === 'single') {
      for (let at = 0; at < users; at += AT_ONCE) {
        await Promise.all(names.slice(at, at + AT_ONCE).map((user) => push.toUser(user, message)));
      }
    } else {
      const { failed } = await push.toUsers(names, message);
      for (const error of failed.values()) throw error;
    }
  }
  return { messages: users * rounds };
});
