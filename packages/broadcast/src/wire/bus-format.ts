/**
 * The numbers of the bus between publishers, broadcast nodes and subscribers (docs/bus.md). Everything is little-endian;
 * positions, versions and times are f64, exact up to 2^53.
 *
 * ```
 * publish pack   mark:u8=0x50 form:u8=1 flags:u8 pack:u32 peer:8 record…
 * delivery pack  peer:8 '!' mark:u8=0x44 form:u8=1 lane:u8 node:u32 pack:u32 record…
 * record         kind:u8 small:u8 count:u16 bytes:u32 rest                      bytes: of the rest
 * message        bodyBytes:u32 time:f64 eventBytes:u8 idBytes:u8 [terms] event id body          terms: if eventBytes & 0x80
 * terms          bytes:u16 flags:u8 senderBytes:u8 keyBytes:u8 [amount:f64] sender key          bytes: of the rest
 * ```
 */

/** Characters of the name of a peer, base64url: whoever publishes or subscribes at nodes, one process. */
export const PEER_CHARACTERS = 8;
/** Ends the address of a peer: what is sent to it begins so, and it subscribes that. */
export const ADDRESS_END = '!';
/** Between peer and group in a subscription that says who wants what. */
export const INTEREST_MARK = '|';
/** Begins what is no group in such a subscription: a marker that a node answers. */
export const MARKER_MARK = '~';

export const FORM = 1;
export const PUBLISH_MARK = 0x50;
export const PUBLISH_HEAD_BYTES = 15;
export const PUBLISH_PEER_OFFSET = 7;
/** Of a publish pack: the node says when it has it. */
export const FLAG_ANSWER = 1;

export const DELIVERY_MARK = 0x44;
export const DELIVERY_HEAD_BYTES = 20;
export const DELIVERY_MARK_OFFSET = 9;

export const RECORD_HEAD_BYTES = 8;
/** Before the name of the group in a run of a publish pack: its number and alias. */
export const PUBLISH_RUN_BYTES = 8;
/** Of one run in an index. */
export const INDEX_BYTES = 16;
/** Of a position in the log of one of several groups, beside the names of group and epoch. */
export const PLACE_BYTES = 10;
export const MESSAGE_HEAD_BYTES = 14;

/** Records of a publish pack. */
export const PUBLISH = {
  /** `count` messages to one group of `small` bytes: first number:u32 alias:u32 group messages */
  run: 1,
  /** One message to `count` groups: number:u32 (length:u8 group)… message */
  many: 2,
} as const;

/** Records of a delivery pack. */
export const DELIVER = {
  /** Normal: first position:f64 group messages */
  run: 1,
  /** Normal: (position:f64 length:u8 group)… message */
  many: 2,
  /** Priority: first version:f64 epochLength:u8 group epoch messages */
  versionedRun: 3,
  /** Priority: (version:f64 length:u8 epochLength:u8 group epoch)… message. An epoch of no length is the one before. */
  versionedMany: 4,
  /** Where the normal lane of a group stands: position:f64 group. `count` 1: counting began with this subscription. */
  base: 5,
  /** number:u32. Everything that was subscribed before is in force. */
  marker: 7,
  /** What became of a publication in `count` of its groups: number:u32, place of the first:u16, and as `small` says. */
  answer: 8,
  /** pack:u32 of the normal lane was taken. */
  taken: 9,
  /** A connection began; markers are to be set again. */
  welcome: 10,
  /** The node lives: 0:u32 */
  alive: 11,
  /** Normal: (offset:u32 alias:u32 position:f64)… of `count` runs in a publish pack, which is the second frame of the message. */
  shared: 12,
  /** Where the logs of `count` groups stand: (version:f64 length:u8 epochLength:u8 group epoch)…, epochs as of `versionedMany`. */
  heads: 13,
} as const;

/** `small` of an answer. */
export const ANSWER = {
  /** epochLength:u8 epoch version:f64… */
  versioned: 1,
  duplicate: 2,
  /** JSON of an error body, of one group */
  failed: 3,
} as const;

/** About this much goes into one pack. */
export const PACK_BYTES = { normal: 65_536, priority: 8_192 } as const;
export const MAX_COUNT = 65_535;
