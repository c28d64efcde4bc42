/** Between programs and a broadcast node: passes TCP on as it is and counts what passes, both ways. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { NodeAddresses } from '@im/broadcast/zeromq';
import { HOST } from '../harness/host.js';

export class CountingRelay {
  bytes = 0;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  /** @returns the addresses to use in place of the node's */
  async before({ id, publish, subscribe }: NodeAddresses): Promise<NodeAddresses> {
    const both = async ({ normal, priority }: NodeAddresses['publish']) => ({
      normal: await this.#open(normal),
      priority: await this.#open(priority),
    });
    return { id, publish: await both(publish), subscribe: await both(subscribe) };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  async #open(address: string): Promise<string> {
    const port = Number(new URL(address).port);
    const server = createServer((near) => {
      const far = connect(port, HOST);
      this.#pass(near, far);
      this.#pass(far, near);
    });
    this.#servers.push(server);
    server.listen(0, HOST);
    await once(server, 'listening');
    return `tcp://${HOST}:${(server.address() as AddressInfo).port}`;
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.pipe(to);
  }
}
