/**
 * From messages to transport-ready bytes and back: a codec joined with a transport's framing. One object for all
 * connections of a kind, so that fan-out makes each chunk once. Must not know connections.
 */
import type { Encoding } from '@im/groups';
import {
  askedId,
  type Delivery,
  isAsking,
  type Push,
  type ReceivedCommand,
  type ServerCodec,
  type ServerMessage,
  withoutProduct,
} from '@im/protocol';

export interface Wire extends Encoding {
  /** @throws ImError MALFORMED, and nothing else */
  decode(frame: Uint8Array, maxMessages: number): readonly ReceivedCommand<Uint8Array>[];
  /** One message as one transport-ready chunk; the caller's. */
  encode(message: ServerMessage<Uint8Array>): Uint8Array;
  /** `ping` and `pong`, one chunk each for all connections. */
  readonly ping: Uint8Array;
  readonly pong: Uint8Array;
}

/** Makes one transport message of an encoded payload. The result may be shared between connections. */
export type Framing = (payload: Uint8Array) => Uint8Array;

/** What most frames of most clients say, and nothing else: it is answered without reading it. */
const HEARTBEAT: readonly ReceivedCommand<Uint8Array>[] = [Object.freeze({ type: 'ping' })];

/** @param sharedFraming of what many people get, if it is another one */
export function createWire(codec: ServerCodec, framing: Framing, sharedFraming = framing): Wire {
  const encode = (message: ServerMessage<Uint8Array>): Uint8Array => framing(codec.encode(message));
  const join = (deliveries: readonly Delivery[]): Uint8Array =>
    codec.join(deliveries.map((delivery) => codec.encode(pushOf(delivery))));
  const heartbeat = codec.encode({ type: 'ping' });
  return {
    decode: (frame, maxMessages) => (areEqual(frame, heartbeat) ? HEARTBEAT : codec.decode(frame, maxMessages)),
    encode,
    ping: encode({ type: 'ping' }),
    pong: encode({ type: 'pong' }),
    pushes: (deliveries) => (areForOneUser(deliveries) ? framing : sharedFraming)(join(deliveries)),
    pushesToOne: (deliveries) => framing(join(deliveries)),
    shed: (shed) => encode({ type: 'shed', ...shed, group: withoutProduct(shed.group) }),
    reset: (reset) => encode({ type: 'reset', ...reset, group: withoutProduct(reset.group) }),
  };
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** A chunk is of one group. */
function areForOneUser([first]: readonly Delivery[]): boolean {
  return first !== undefined && withoutProduct(first.group).startsWith('u:');
}

/** PR-61, PR-80, PR-88, PR-89, PR-140 */
function pushOf({ group, event, lane, version, id, time, conflated, terms, body }: Delivery): Push<Uint8Array> {
  const conflate = terms?.conflate;
  return {
    type: 'push',
    group: withoutProduct(group),
    event,
    ...(lane === 'priority' && { lane }),
    ...(version !== undefined && { version }),
    ...(id !== undefined && { id: askedId(id) }),
    time,
    ...(conflated !== undefined && { conflated }),
    ...(conflate && { key: conflate.key }),
    ...(conflate?.mode === 'sum' && { sum: conflate.amount }),
    ...(lane === 'priority' && id !== undefined && isAsking(id) && { confirm: true }),
    data: body,
  };
}
