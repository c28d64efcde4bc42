/**
 * What processes that own logs (broadcast nodes) and online lists (gateways) serve to those that read them. Methods begin
 * with `$`, so that no client can name them.
 */
import { defineService } from '@im/rpc';
import { z } from 'zod';

/** A frame: the page as head, each entry with `bytes` in place of its body, then the bodies. */
export const RELAY_LOG = 'relay-log';
/** The same for the logs of another cell, served by the bridges from there. */
export const bridgedLog = (cell: string): string => `${RELAY_LOG}-${cell}`;
export const READ = '$read';
export const HEAD = '$head';

/** Of bodies in one answer, whatever was asked for: below what a call may carry. */
export const MAX_PAGE_BYTES = 524_288;
export const MAX_PAGE_ENTRIES = 2_000;

const limit = z.number();
const maxBytes = z.number().optional();
export const readInput = z.object({
  group: z.string(),
  range: z.union([
    z.strictObject({ after: z.number(), limit, maxBytes }),
    z.strictObject({ before: z.number(), limit, maxBytes }),
  ]),
});

const attributes = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export const relayOnline = defineService({
  name: 'relay-online',
  methods: {
    $count: { input: z.string(), output: z.number(), idempotent: true },
    $has: { input: z.object({ group: z.string(), user: z.string() }), output: z.boolean(), idempotent: true },
    $page: {
      input: z.object({ group: z.string(), limit: z.number(), cursor: z.string().optional() }),
      output: z.object({
        members: z.array(z.object({ user: z.string(), attributes, sinceMs: z.number() })),
        cursor: z.string().optional(),
      }),
      idempotent: true,
    },
    $sessions: {
      input: z.string(),
      output: z.array(
        z.object({
          session: z.string(),
          gateway: z.string(),
          device: z.string(),
          platform: z.string(),
          sinceMs: z.number(),
        }),
      ),
      idempotent: true,
    },
  },
});
