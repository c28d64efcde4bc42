/**
 * What the process that owns broadcast node, logs and online list serves to workers in other processes, for as long as
 * there is no broadcast bus between processes. Methods begin with `$`, so that no client can name them.
 */
import type { Published } from '@im/broadcast';
import type { ErrorBody } from '@im/protocol';
import { defineService } from '@im/rpc';
import { z } from 'zod';

/**
 * A frame: head {@link publishHead}, then the bodies. Answered in parts, {@link Outcomes}: the first as soon as all were handed to
 * the broadcast node, in their order, whatever it knows by then; further ones as they come.
 */
export const RELAY_BROADCAST = 'relay-broadcast';
export const PUBLISH = '$publish';

export const publishHead = z.array(
  z.object({
    /** One: published to that group; several: one body to many. */
    groups: z.array(z.string()),
    many: z.boolean(),
    lane: z.enum(['normal', 'priority']),
    event: z.string(),
    id: z.string().optional(),
    time: z.number(),
    acknowledge: z.enum(['none', 'accepted', 'durable']),
    bytes: z.int().min(0),
  }),
);

export type PublishHead = z.infer<typeof publishHead>;

/** What became of one item: of each group, or of the whole. */
export interface Outcome {
  readonly published: readonly Published[];
  readonly failed: readonly (readonly [group: string, error: ErrorBody])[];
  readonly error?: ErrorBody | undefined;
}

export type Outcomes = readonly (readonly [index: number, outcome: Outcome])[];

/** A frame: the page as head, each entry with `bytes` in place of its body, then the bodies. */
export const RELAY_LOG = 'relay-log';
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
  },
});
