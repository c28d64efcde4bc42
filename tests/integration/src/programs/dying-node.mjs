/**
 * A broadcast node with its logs in Redis: `node dying-node.mjs <redis> <node> [event]`. Kills itself with -9 as soon as the log
 * has a message of that event, before anybody is answered. Says where it is.
 */
import { createZeromqNode } from '@im/broadcast/zeromq';
import { createRedisLogStore } from '@im/timeline/redis';

const [url, node, lastWords] = process.argv.slice(2);
const log = createRedisLogStore({ url });
await log.ready();

const dying = (append) => async (to, entry) => {
  const appended = await append(to, entry);
  if (entry.event === lastWords) process.kill(process.pid, 'SIGKILL');
  return appended;
};
const { addresses } = await createZeromqNode({
  ...JSON.parse(node),
  sequencer: {
    append: dying((group, entry) => log.append(group, entry)),
    appendMany: dying((groups, entry) => log.appendMany(groups, entry)),
  },
});
process.stdout.write(`${JSON.stringify(addresses)}\n`);
