import { hasNatsServer, startNatsServer } from '@im/test-servers';
import { describe, expect, it } from 'vitest';
import { describeOnServer } from '../pubsub/fixtures/server-suite.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { createNatsBroadcast } from './nats-broadcast.js';

describe.skipIf(!hasNatsServer)('NATS broadcast', () => {
  describeOnServer({
    name: 'NATS',
    start: () => startNatsServer(),
    open: (nats, options) => createNatsBroadcast({ nats, ...options }),
  });

  it('takes the password of its address, and says in one line that a wrong one was refused', async () => {
    const server = await startNatsServer({ user: 'im', password: 'open sesame' });
    const sequencer = new FakeSequencer();
    try {
      await (await createNatsBroadcast({ nats: server.url, sequencer })).close();
      for (const address of [server.url.replace('sesame', 'barley'), `127.0.0.1:${server.port}`]) {
        await expect(createNatsBroadcast({ nats: [address], sequencer })).rejects.toMatchObject({
          name: 'CONFIG_INVALID',
          message: `NATS at 127.0.0.1:${server.port} refused the user name or password`,
        });
      }
    } finally {
      await server.stop();
    }
  });
});
