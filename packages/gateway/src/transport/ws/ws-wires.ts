/**
 * The wires of WebSocket connections: one for each subprotocol, compressed and not, shared by all connections that agreed on
 * it, so that fan-out encodes, compresses and frames a chunk once for each.
 */
import { jsonServerCodec, type ServerCodec } from '@im/protocol';
import { msgpackServerCodec } from '@im/protocol/msgpack';
import { createWire, type Framing, type Wire } from '../../wire.js';
import type { ChunkDeflater } from './chunk-deflater.js';
import { COMPRESSED, OPCODE, serverFrame } from './server-frame.js';

export interface WebSocketWire extends Wire {
  /** Its messages are binary frames; text frames otherwise. */
  readonly isBinary: boolean;
}

interface Speech {
  readonly codec: ServerCodec;
  readonly opcode: number;
}

/** Of clients that offer no subprotocol (PR-1). */
const DEFAULT: Speech = { codec: jsonServerCodec, opcode: OPCODE.text };
const SPEECHES: ReadonlyMap<string, Speech> = new Map(
  [DEFAULT, { codec: msgpackServerCodec, opcode: OPCODE.binary }].map((speech) => [speech.codec.subprotocol, speech]),
);

/** The first of the offered subprotocols that is spoken here. */
export function chooseSubprotocol(offered: Iterable<string>): string | undefined {
  for (const each of offered) if (SPEECHES.has(each)) return each;
  return undefined;
}

export class WebSocketWires {
  readonly #deflater: ChunkDeflater;
  /** By subprotocol and whether it is compressed: few, whatever clients ask for. */
  readonly #wires = new Map<string, WebSocketWire>();

  constructor(deflater: ChunkDeflater) {
    this.#deflater = deflater;
  }

  /**
   * @param subprotocol that was chosen; empty where none was offered
   * @param compressed whether the client inflates
   */
  get(subprotocol: string, compressed: boolean): WebSocketWire {
    const speech = SPEECHES.get(subprotocol) ?? DEFAULT;
    const key = `${speech.codec.subprotocol} ${compressed}`;
    let wire = this.#wires.get(key);
    if (wire === undefined) {
      wire = this.#make(speech, compressed);
      this.#wires.set(key, wire);
    }
    return wire;
  }

  #make({ codec, opcode }: Speech, compressed: boolean): WebSocketWire {
    const isBinary = opcode === OPCODE.binary;
    const plain: Framing = (payload) => serverFrame(payload, opcode);
    if (!compressed) return { ...createWire(codec, plain), isBinary };
    // What is for one connection or user goes as it is: compressing it would cost time for each, and tell the lengths of secrets.
    const deflating: Framing = (payload) => {
      const deflated = this.#deflater.deflate(payload);
      return deflated === undefined ? plain(payload) : serverFrame(deflated, opcode | COMPRESSED);
    };
    return { ...createWire(codec, plain, deflating), isBinary };
  }
}
