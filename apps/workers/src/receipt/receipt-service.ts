/**
 * `receipt`: how many have what somebody sent, and how many have read it. Gateways tell positions, senders and backends ask for
 * sums. Methods that begin with `$` are not for clients.
 */
import { isName, isProduct, parseGroupId, withoutProduct, withProduct } from '@im/protocol';
import { defineService, implementService, type ServedService } from '@im/rpc';
import { z } from 'zod';
import { callerOf, groupOf } from '../call.js';
import type { Receipts } from './receipts.js';

const version = z.int().min(1);
const name = z.string().refine(isName, { message: 'not a name' });
const group = z.string().refine(isReadable, { message: 'not a group whose log has receipts' });
const status = z.object({ version, of: z.number(), delivered: z.number(), read: z.number() });

/** How many positions one call may tell. */
const MAX_POSITIONS = 1_000;

export const receiptDefinition = defineService({
  name: 'receipt',
  methods: {
    /** Of the caller's own messages, those that asked. */
    of: {
      input: z.object({ conversation: group, versions: z.array(version).min(1).max(100) }),
      output: z.object({ receipts: z.array(status) }),
      idempotent: true,
    },
    /** For backends. */
    $query: {
      input: z.object({ product: z.string().refine(isProduct).optional(), group, versions: z.array(version).max(100) }),
      output: z.object({ receipts: z.array(status) }),
      idempotent: true,
    },
    /** Who has one entry, on which devices; page by page. */
    $readers: {
      input: z.object({
        product: z.string().refine(isProduct).optional(),
        group,
        version,
        after: name.optional(),
        limit: z.int().min(1).max(1_000).default(100),
      }),
      output: z.object({
        users: z.array(z.object({ user: z.string(), devices: z.array(z.string()), read: z.boolean() })),
        more: z.boolean(),
      }),
      idempotent: true,
    },
    /** Groups as on the bus. */
    $positions: {
      input: z.object({
        positions: z
          .array(
            z.object({
              userGroup: z.string(),
              device: name,
              group: z.string(),
              epoch: z.string().min(1).max(64),
              version: z.int().min(0),
            }),
          )
          .max(MAX_POSITIONS),
      }),
      output: z.object({}),
      idempotent: true,
    },
  },
});

export interface ReceiptServiceOptions {
  readonly receipts: Receipts;
  readonly version: string;
}

export function createReceiptService({ receipts, version }: ReceiptServiceOptions): ServedService {
  async function statusOf(log: string, versions: readonly number[], by?: string) {
    const found = await receipts.status(log, versions, by);
    return { receipts: [...found].map(([version, sums]) => ({ version, ...sums })) };
  }

  return implementService(
    receiptDefinition,
    {
      of({ conversation, versions }, context) {
        const caller = callerOf(context);
        return statusOf(groupOf(caller, conversation), versions, caller.user);
      },
      $query: ({ product, group, versions }) => statusOf(withProduct(product, group), versions),
      $readers: async ({ product, group, version, ...range }) =>
        receipts.readers(withProduct(product, group), version, range),
      async $positions({ positions }) {
        const moved = positions.flatMap(({ userGroup, group, ...position }) =>
          isReadable(withoutProduct(group)) ? [{ ...position, log: group, user: parseGroupId(userGroup).name }] : [],
        );
        await receipts.moved(moved);
        return {};
      },
    },
    { version },
  );
}

/** Rooms have no receipts: who comes later does not want yesterday's gifts. */
function isReadable(group: string): boolean {
  return /^[udg]:[A-Za-z0-9_-]{1,64}$/.test(group);
}
