/** Counts messages of the official client: a subscription for each group. */
import { connect } from 'nats';
import { runSubscriber } from '../../src/bus/subscriber-process.js';
import { HOST } from '../../src/harness/host.js';
import { reached } from '../../src/harness/part.js';

const connecting = connect({ servers: `${HOST}:${reached<{ port: number }>().port}` });

runSubscriber((sink) => ({
  async subscribe(groups) {
    const connection = await connecting;
    for (const group of groups) {
      connection.subscribe(group, { callback: (_, { data }) => sink.take(data) });
    }
    await connection.flush();
  },
}));
