/** Publishes with the official client, which collects what is published in a turn; a round trip now and then keeps its buffer short. */
import { connect } from 'nats';
import { runPublisher } from '../../src/bus/publisher-process.js';
import { HOST } from '../../src/harness/host.js';
import { reached } from '../../src/harness/part.js';

const connection = await connect({ servers: `${HOST}:${reached<{ port: number }>().port}` });

runPublisher({
  async publish(groups, body) {
    for (const group of groups) connection.publish(group, body);
    if (groups.length > 1) await connection.flush();
  },
});
