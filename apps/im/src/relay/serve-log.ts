/** Serves the logs of this process to those in others that read them. */
import { ImError } from '@im/protocol';
import { decodeJson, encodeJson, type RpcRequest, type RpcWorker } from '@im/rpc';
import type { LogReader } from '@im/timeline';
import { HEAD, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, READ, RELAY_LOG, readInput } from './relay-contract.js';
import { encodeFrame } from './relay-frame.js';

export interface LogService {
  readonly worker: RpcWorker;
  readonly log: LogReader;
  readonly version: string;
  /** Under which name. Default: that of the logs of this cell. */
  readonly service?: string;
}

/** Settles when it can be reached; closing answers the calls it has. */
export async function serveLog(options: LogService): Promise<{ close(): Promise<void> }> {
  const { worker, log, version, service = RELAY_LOG } = options;
  const registration = await worker.serve({
    name: service,
    version,
    methods: [READ, HEAD],
    handle: (request) => readLog(log, request),
  });
  return { close: () => registration.drain() };
}

async function readLog(log: LogReader, { method, body }: RpcRequest) {
  if (method === HEAD) return { body: encodeJson(await log.head(String(decodeJson(body)))), headers: {} };
  const { success, data } = readInput.safeParse(decodeJson(body));
  if (!success) throw new ImError('INVALID_ARGUMENT', { message: 'not what a log reader asks' });
  const { group, range } = data;
  const maxBytes = Math.min(range.maxBytes ?? MAX_PAGE_BYTES, MAX_PAGE_BYTES);
  const limit = Math.min(range.limit, MAX_PAGE_ENTRIES);
  const { entries, ...position } = await log.read(group, { ...range, limit, maxBytes });
  const heads = entries.map(({ body: { byteLength: bytes }, ...entry }) => ({ ...entry, bytes }));
  return {
    body: encodeFrame(
      { ...position, entries: heads },
      entries.map((entry) => entry.body),
    ),
    headers: {},
  };
}
