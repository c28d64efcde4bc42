/** Publishes on the priority lane at a steady rate. */
import { setTimeout as pause } from 'node:timers/promises';
import { createZeromqBroadcast, type NodeAddresses } from '@im/broadcast/zeromq';
import { createMetrics } from '@im/runtime';
import { type GiftsCommand, groupNames, type PublisherReply } from '../../src/bus/bus-commands.js';
import { bodyAt, now } from '../../src/bus/message-body.js';
import { obeyParent } from '../../src/harness/obey-parent.js';
import { reached } from '../../src/harness/part.js';

const broadcast = createZeromqBroadcast({ nodes: [reached<NodeAddresses>()], metrics: createMetrics() });
const publisher = broadcast.createPublisher();
const [group = ''] = groupNames(1);

obeyParent(async (command: GiftsCommand): Promise<PublisherReply> => {
  await broadcast.ready(10_000);
  if (command.do === 'prepare') return { messages: 0 };
  const answers: Promise<unknown>[] = [];
  const began = now();
  while (answers.length < command.count) {
    const body = bodyAt(now());
    answers.push(publisher.publish(group, { lane: 'priority', event: 'gift', body, time: Date.now() }));
    // Behind its time after a pause of the machine, it does not slow down for good.
    await pause(Math.max(0, began + answers.length * command.everyMs - now()));
  }
  await Promise.all(answers);
  return { messages: answers.length };
});
