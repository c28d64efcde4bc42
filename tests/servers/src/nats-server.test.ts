import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { hasNatsServer, startNatsServer } from './nats-server.js';

describe.skipIf(!hasNatsServer)('a NATS server for tests', () => {
  it('takes connections at the same port after a kill', async () => {
    const server = await startNatsServer();
    try {
      await server.kill();
      await server.restart();
      const socket = connect(server.port, '127.0.0.1').setEncoding('utf8');
      const [greeting] = await once(socket, 'data');
      socket.destroy();
      expect(greeting).toMatch(/^INFO \{/);
    } finally {
      await server.stop();
    }
  });

  it('asks for its password', async () => {
    const server = await startNatsServer({ user: 'im', password: 'open sesame' });
    try {
      const socket = connect(server.port, '127.0.0.1').setEncoding('utf8');
      const [greeting] = await once(socket, 'data');
      socket.destroy();
      expect(greeting).toContain('"auth_required":true');
      expect(server.url).toContain('open%20sesame');
    } finally {
      await server.stop();
    }
  });
});
