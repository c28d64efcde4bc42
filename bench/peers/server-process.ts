/** What the server programs written for Node share: saying where they listen, and ending with their parent. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

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

export interface Answers {
  /** What else it holds. */
  readonly figures?: () => object;
  /** Others that the parent may ask, and what is done with the words behind the first. */
  readonly questions?: Readonly<Record<string, (...words: string[]) => Promise<object>>>;
}

/** Connections that wait to be accepted: many come at once. */
const BACKLOG = 4_096;
const LAG_RESOLUTION_MS = 10;

/**
 * Listens on a free port and tells the parent which. Answers its questions: `measure`, what the process holds, after a collection where it
 * was started with `--expose-gc`; `lag`, how late its event loop was since it was asked before.
 * @param more what the parent needs to know
 */
export function announce(
  server: Server,
  more: object = {},
  { figures = () => ({}), questions = {} }: Answers = {},
): void {
  server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG }, () => {
    const { port } = server.address() as AddressInfo;
    say({ port, ...more });
  });
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const [question = '', ...words] = line.split(' ');
      questions[question]?.(...words).then(say, (error: unknown) => process.stderr.write(`${String(error)}\n`));
      if (line === 'measure') say({ ...holding(), ...figures() });
      if (line === 'lag') say(lagOf(lag));
    })
    .on('close', () => process.exit());
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function holding(): object {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, residentBytes: rss, handles: process.getActiveResourcesInfo() };
}

function lagOf(lag: IntervalHistogram): object {
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - LAG_RESOLUTION_MS);
  const said = { lagP99Ms: ms(lag.percentile(99)), lagMaxMs: ms(lag.max) };
  lag.reset();
  lag.enable();
  return said;
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
