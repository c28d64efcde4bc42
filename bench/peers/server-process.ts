/** What the server programs written for Node share: saying where they listen, and ending with their parent. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server whose `POST /publish` takes messages, one a line, from the outside publisher. */
export function createIngress(publish: (body: string) => void): Server {
  return createServer((request, response) => {
    readBody(request).then(
      (text) => {
        for (const line of text.split('\n')) if (line !== '') publish(line);
        response.writeHead(204).end();
      },
      () => response.destroy(),
    );
  });
}

/** Listens on a free port and tells the parent which. @param more what else it needs to know */
export function announce(server: Server, more: object = {}): void {
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`${JSON.stringify({ port, ...more })}\n`);
  });
  process.stdin.resume().on('end', () => process.exit());
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
