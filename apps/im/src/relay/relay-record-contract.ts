/**
 * What the process that owns records (the broadcast node with its logs) serves to those that read and write them. Methods
 * begin with `$`, so that no client can name them.
 *
 * $get: `getInput` → a frame: `answer` with `looked`, bodies. $page: `pageInput` → a frame: `answer` with `more`, bodies.
 * $write: a frame: `writeInput`, bodies → nothing.
 */
import { z } from 'zod';

export const RELAY_RECORD = 'relay-record';
/** The same for the records of another cell, served by the bridges from there. */
export const bridgedRecords = (cell: string): string => `${RELAY_RECORD}-${cell}`;
export const GET = '$get';
export const PAGE = '$page';
export const WRITE = '$write';

export const getInput = z.object({ owner: z.string(), fields: z.array(z.string()) });

export const pageInput = z.object({
  owner: z.string(),
  range: z.strictObject({ prefix: z.string(), after: z.string().optional(), limit: z.number() }),
});

/** `bytes` of the body that follows; without: the record is to be deleted. */
export const writeInput = z.object({
  owner: z.string(),
  changes: z.array(
    z.object({ field: z.string(), bytes: z.int().nonnegative().optional(), revision: z.number().optional() }),
  ),
});

const answer = z.object({
  records: z.array(z.object({ field: z.string(), revision: z.number(), bytes: z.int().nonnegative() })),
});
/** How many of the fields asked for this is the answer to: one call carries less than all may be. */
export const getAnswer = answer.extend({ looked: z.int().positive() });
export const pageAnswer = answer.extend({ more: z.boolean() });
