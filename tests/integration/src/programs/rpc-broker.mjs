/** A broker: `node rpc-broker.mjs <callers> <workers>`. Says `ready`. */
import { createZeromqBroker } from '@im/rpc/zeromq';

const [callers, workers] = process.argv.slice(2);
await createZeromqBroker({ callers, workers });
process.stdout.write('ready\n');
