/**
 * The numbers of the packed form (docs/rpc.md, section 3). A pack is `0x01 sentAtMs:u32 record…`; a record is
 * `kind:u8 flags:u8 length:u32 id:u32 rest`, little-endian, its length counting id and rest.
 */

export const KIND = {
  call: 1,
  reply: 2,
  part: 3,
  error: 4,
  cancel: 5,
  more: 6,
  ping: 7,
  pong: 8,
  serve: 9,
  serving: 10,
  refused: 11,
  drain: 12,
  drained: 13,
  bye: 14,
  again: 15,
} as const;

export const FLAG = {
  idempotent: 1,
  key: 2,
  route: 4,
  trace: 8,
  headers: 16,
  stream: 32,
  attached: 64,
  late: 128,
} as const;

/** First byte of a pack. A plain message begins with `{`. */
export const PACK_MARK = 1;
export const PACK_HEAD_BYTES = 5;

export const LENGTH_OFFSET = 2;
/** Where the bytes begin that the length counts. */
export const ID_OFFSET = 6;
export const RECORD_HEAD_BYTES = 10;
/** Of a call. */
export const TARGET_OFFSET = 10;
export const TIMEOUT_OFFSET = 14;
export const NAMES_OFFSET = 18;

/** Id of an error that answers no call. */
export const NO_ID = 0xffff_ffff;

/** About this much goes into one pack. */
export const PACK_BYTES = 8_192;
/** Frames of one message at most, the pack included. */
export const MAX_FRAMES = 64;
/** Larger bodies travel as frames of their own, by reference. */
export const ATTACH_BYTES = 4_096;
