/**
 * From messages to transport-ready bytes and back: a codec joined with a transport's framing. One object for all
 * connections of a kind, so that fan-out makes each chunk once. Must not know connections.
 */
import type { Encoding } from '@im/groups';
import {
  type Delivery,
  type Push,
  type ReceivedCommand,
  type ServerCodec,
  type ServerMessage,
  withoutProduct,
} from '@im/protocol';

export interface Wire extends Encoding {
  /** @throws ImError MALFORMED, and nothing else */
  decode(frame: Uint8Array, maxMessages: number): ReceivedCommand<Uint8Array>[];
  /** One message as one transport-ready chunk; the caller's. */
  encode(message: ServerMessage<Uint8Array>): Uint8Array;
}

/** Makes one transport message of an encoded payload. The result may be shared between connections. */
export type Framing = (payload: Uint8Array) => Uint8Array;

export function createWire(codec: ServerCodec, framing: Framing): Wire {
  const encode = (message: ServerMessage<Uint8Array>): Uint8Array => framing(codec.encode(message));
  return {
    decode: (frame, maxMessages) => codec.decode(frame, maxMessages),
    encode,
    pushes: (deliveries) => framing(codec.join(deliveries.map((delivery) => codec.encode(pushOf(delivery))))),
    shed: (shed) => encode({ type: 'shed', ...shed, group: withoutProduct(shed.group) }),
    reset: (reset) => encode({ type: 'reset', ...reset, group: withoutProduct(reset.group) }),
  };
}

/** PR-61, PR-80 */
function pushOf({ group, event, lane, version, id, time, body }: Delivery): Push<Uint8Array> {
  return {
    type: 'push',
    group: withoutProduct(group),
    event,
    ...(lane === 'priority' && { lane }),
    ...(version !== undefined && { version }),
    ...(id !== undefined && { id }),
    time,
    data: body,
  };
}
