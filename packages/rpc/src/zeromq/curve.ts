/**
 * CURVE (rfc.zeromq.org 26): brokers prove who they are and admit only peers whose public keys they know; everything
 * between is encrypted. Keys are Z85 text, 40 characters.
 */
import { setImmediate } from 'node:timers/promises';
import { Context, curveKeyPair, Router } from 'zeromq';

export interface CurveKeys {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** Of a caller or worker: its own keys, and the broker's public one. */
export interface CurveClientKeys extends CurveKeys {
  readonly brokerKey: string;
}

/** Of a broker, and who may come in. */
export interface BrokerKeys extends CurveKeys {
  /** Public keys of callers and workers. */
  readonly allowed: readonly string[];
}

export interface CurveServerKeys {
  readonly secretKey: string;
  readonly domain: string;
}

export function createCurveKeys(): CurveKeys {
  return curveKeyPair();
}

const ADDRESS = 'inproc://zeromq.zap.01';
const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Answers ZeroMQ's questions who may come in (ZAP, rfc.zeromq.org 27), for the sockets of one context. */
export class Gatekeeper {
  readonly #socket: Router;
  readonly #allowed: ReadonlySet<string>;
  #isOpen = true;

  constructor(context: Context, allowed: readonly string[]) {
    this.#socket = new Router({ context, linger: 0 });
    this.#allowed = new Set(allowed);
  }

  async open(): Promise<void> {
    await this.#socket.bind(ADDRESS);
    void this.#answer();
  }

  close(): void {
    this.#isOpen = false;
    this.#socket.close();
  }

  /** Fails closed: whoever gets no answer stays outside. */
  async #answer(): Promise<void> {
    while (this.#isOpen) {
      try {
        // identity, empty, version, request id, domain, address, identity, mechanism, credentials
        const [identity, , version, request, , , , mechanism, key] = await this.#socket.receive();
        const admitted = mechanism?.toString() === 'CURVE' && key?.length === 32 && this.#allowed.has(encodeZ85(key));
        const verdict = admitted ? ['200', 'OK'] : ['400', 'unknown key'];
        await this.#socket.send([identity ?? '', '', version ?? '1.0', request ?? '', ...verdict, '', '']);
      } catch {
        // Closed, or one question that could not be answered: others can.
        await setImmediate();
      }
    }
  }
}

/** A context whose CURVE sockets, of whatever library, only peers with these public keys reach. */
export interface GuardedContext {
  readonly context: Context;
  /** Nobody is let in any more; the sockets are yours to close. */
  close(): void;
}

/** @param allowed public keys of peers */
export async function createGuardedContext(allowed: readonly string[]): Promise<GuardedContext> {
  const context = new Context();
  const gatekeeper = new Gatekeeper(context, allowed);
  await gatekeeper.open();
  return { context, close: () => gatekeeper.close() };
}

/** @param bytes a multiple of four */
function encodeZ85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let value = bytes.readUInt32BE(at);
    let five = '';
    for (let i = 0; i < 5; i++) {
      five = Z85[value % 85] + five;
      value = Math.floor(value / 85);
    }
    text += five;
  }
  return text;
}
