/**
 * `receipt`: how many have what somebody sent, and how many have read it. Gateways tell positions, senders and backends ask for
 * sums. Methods that begin with `$` are not for clients.
 */
import { isLabel, isName, isProduct, parseGroupId, withoutProduct, withProduct } from '@im/protocol';
import { defineService, implementService, type ServedService } from '@im/rpc';
import { z } from 'zod';
import { callerOf, groupOf } from '../call.js';
import { MAX_PEOPLE, type PushReceipts } from './push-receipts.js';
import type { Receipts } from './receipts.js';

const version = z.int().min(1);
const name = z.string().refine(isName, { message: 'not a name' });
const group = z.string().refine(isReadable, { message: 'not a group whose log has receipts' });
const product = z.string().refine(isProduct).optional();
const epoch = z.string().min(1).max(64);
const push = { product, id: z.string().refine(isLabel, { message: 'not a message id' }) };
const status = z.object({ version, of: z.number(), delivered: z.number(), read: z.number() });

/** How many positions one call may tell. */
const MAX_POSITIONS = 1_000;
/** And how many places of a push. */
const MAX_ENTRIES = 4_000;

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
      input: z.object({ product, group, versions: z.array(version).max(100) }),
      output: z.object({ receipts: z.array(status) }),
      idempotent: true,
    },
    /** Who has one entry, on which devices; page by page. */
    $readers: {
      input: z.object({
        product,
        group,
        version,
        epoch: epoch.optional(),
        after: name.optional(),
        limit: z.int().min(1).max(1_000).default(100),
      }),
      output: z.object({
        users: z.array(z.object({ user: z.string(), devices: z.array(z.string()), read: z.boolean() })),
        more: z.boolean(),
      }),
      idempotent: true,
    },
    /** A push to these people is about to be published that asks for a receipt. */
    $prepare: {
      input: z.object({ ...push, users: z.array(name).min(1).max(MAX_PEOPLE) }),
      output: z.object({}),
      idempotent: true,
    },
    /** It was published: user, epoch and version in the log of each. Of many people, in several calls. */
    $ask: {
      input: z.object({
        ...push,
        entries: z
          .array(z.tuple([name, epoch, version]))
          .min(1)
          .max(MAX_ENTRIES),
      }),
      output: z.object({}),
      idempotent: true,
    },
    /** How many of those to whom it went have it. */
    $asked: {
      input: z.object(push),
      output: z.object({ of: z.number(), delivered: z.number() }),
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
              epoch,
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
  readonly pushes: PushReceipts;
  readonly version: string;
}

export function createReceiptService({ receipts, pushes, version }: ReceiptServiceOptions): ServedService {
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
      async $prepare({ users, product, id }) {
        await pushes.prepare({ product, id }, users);
        return {};
      },
      async $ask({ entries, product, id }) {
        await pushes.ask({ product, id }, entries);
        return {};
      },
      $asked: ({ product, id }) => pushes.sums({ product, id }),
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
