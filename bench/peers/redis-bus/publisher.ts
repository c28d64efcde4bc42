/** PUBLISH by ioredis, in pipelines. */
import { Redis } from 'ioredis';
import { runPublisher } from '../../src/bus/publisher-process.js';
import { HOST } from '../../src/harness/host.js';
import { reached } from '../../src/harness/part.js';

const redis = new Redis(reached<{ port: number }>().port, HOST);

runPublisher({
  async publish(groups, body) {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const pipeline = redis.pipeline();
    for (const group of groups) pipeline.publish(group, bytes);
    await pipeline.exec();
  },
});
