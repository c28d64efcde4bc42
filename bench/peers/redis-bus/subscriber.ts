/** SUBSCRIBE by ioredis: a channel for each group. */
import { Redis } from 'ioredis';
import { runSubscriber } from '../../src/bus/subscriber-process.js';
import { HOST } from '../../src/harness/host.js';
import { reached } from '../../src/harness/part.js';

const redis = new Redis(reached<{ port: number }>().port, HOST);

runSubscriber((sink) => {
  redis.on('messageBuffer', (_: Buffer, body: Buffer) => sink.take(body));
  return {
    async subscribe(groups) {
      await redis.subscribe(...groups);
    },
  };
});
