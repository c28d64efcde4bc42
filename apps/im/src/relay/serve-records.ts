/** Serves the records of this process to those in others that read and write them. */
import { ImError } from '@im/protocol';
import { decodeJson, type RpcRequest, type RpcWorker } from '@im/rpc';
import type { NamedRecord, RecordStore } from '@im/timeline';
import type { z } from 'zod';
import { MAX_PAGE_BYTES } from './relay-contract.js';
import { decodeFrame, encodeFrame } from './relay-frame.js';
import { GET, getInput, PAGE, pageInput, RELAY_RECORD, WRITE, writeInput } from './relay-record-contract.js';

export interface RecordService {
  readonly worker: RpcWorker;
  readonly records: RecordStore;
  readonly version: string;
  /** Under which name. Default: that of the records of this cell. */
  readonly service?: string;
}

/** Settles when it can be reached; closing answers the calls it has. */
export async function serveRecords(options: RecordService): Promise<{ close(): Promise<void> }> {
  const { worker, records, version, service = RELAY_RECORD } = options;
  const registration = await worker.serve({
    name: service,
    version,
    methods: [GET, PAGE, WRITE],
    handle: async (request) => ({ body: await answer(records, request), headers: {} }),
  });
  return { close: () => registration.drain() };
}

function answer(records: RecordStore, { method, body }: RpcRequest): Promise<Uint8Array> {
  switch (method) {
    case GET:
      return get(records, parsed(getInput, decodeJson(body)));
    case PAGE:
      return page(records, parsed(pageInput, decodeJson(body)));
    default:
      return write(records, body);
  }
}

async function get(store: RecordStore, { owner, fields }: z.infer<typeof getInput>): Promise<Uint8Array> {
  const found = await store.get(owner, fields);
  const records: NamedRecord[] = [];
  let bytes = 0;
  let looked = 0;
  for (const field of fields) {
    const record = found.get(field);
    bytes += record?.body.byteLength ?? 0;
    if (bytes > MAX_PAGE_BYTES && looked > 0) break;
    looked += 1;
    if (record !== undefined) records.push({ field, ...record });
  }
  return frameOf(records, { looked });
}

async function page(store: RecordStore, { owner, range }: z.infer<typeof pageInput>): Promise<Uint8Array> {
  const { after, ...rest } = range;
  const { records, more } = await store.page(owner, { ...rest, ...(after !== undefined && { after }) });
  return frameOf(records, { more });
}

async function write(store: RecordStore, body: Uint8Array): Promise<Uint8Array> {
  const { head, next } = decodeFrame(body);
  const { owner, changes } = parsed(writeInput, head);
  await store.write(
    owner,
    changes.map(({ field, bytes, revision }) => ({
      field,
      body: bytes === undefined ? undefined : next(bytes),
      ...(revision !== undefined && { revision }),
    })),
  );
  return new Uint8Array();
}

function frameOf(records: readonly NamedRecord[], rest: Readonly<Record<string, unknown>>): Uint8Array {
  const heads = records.map(({ field, revision, body }) => ({ field, revision, bytes: body.byteLength }));
  return encodeFrame(
    { records: heads, ...rest },
    records.map(({ body }) => body),
  );
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const { success, data } = schema.safeParse(value);
  if (!success) throw new ImError('INVALID_ARGUMENT', { message: 'not what is asked of records' });
  return data;
}
