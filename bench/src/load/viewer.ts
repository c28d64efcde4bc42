/**
 * One simulated viewer: a raw socket, so that thousands of them cost little. It counts the messages it gets by the
 * length of the frames that carry them, which is exact where all bodies of a run have one size, and by fingerprints of
 * frames where they have not: all viewers get the same. Sampled viewers read every message.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';
import { countMessages, nowUs, readMessages } from '../message-body.js';
import type { Dialect, DialectViewer } from './dialect.js';
import { clientFrame, FrameReader, type FrameUse } from './frame-reader.js';
import type { Ledger } from './ledger.js';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** The same for all: there is no cache to be misled. */
const KEY = randomBytes(16).toString('base64');
const NORMAL_CLOSURE = Buffer.from([0x03, 0xe8]);

/** opening → held → closing → closed; each may also go to closed at once, when the connection breaks. */
type ViewerState = 'opening' | 'held' | 'closing' | 'closed';

export interface ViewerOptions {
  readonly host: string;
  readonly port: number;
  readonly localAddress: string;
  readonly rooms: readonly string[];
  readonly dialect: Dialect;
  readonly ledger: Ledger;
  readonly sampled: boolean;
  /** How fast it reads once it is in its rooms; undefined: as fast as it can. */
  readonly bytesPerSecond?: number | undefined;
  readonly varied?: boolean;
  readonly deflate?: boolean;
  /** The server asks the viewer to move to this port, after so many milliseconds. */
  onMove(viewer: LoadViewer, afterMs: number, port: number): void;
}

/** How often a slow viewer reads. */
const SLOW_READS_PER_SECOND = 10;

/** All viewers of a process read into it, one at a time: what it holds is used up before the next read. */
const READ_BUFFER = Buffer.alloc(256 * 1024);

export class LoadViewer implements DialectViewer {
  readonly rooms: readonly string[];
  readonly #options: ViewerOptions;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  /** What has come of the answer to the handshake; undefined once it is complete. */
  #handshake: string | undefined = '';
  #entered = 0;
  /** Of both lanes, those read and those told to have been left out. */
  #messages = 0;
  #told = 0;
  #isSlow: boolean;
  #state: ViewerState = 'opening';
  #error: Error | undefined;
  readonly #settled = new Settlement();
  readonly #gone = new Settlement();

  constructor(
    readonly index: number,
    options: ViewerOptions,
  ) {
    this.rooms = options.rooms;
    this.#options = options;
    const { bytesPerSecond } = options;
    this.#isSlow = bytesPerSecond !== undefined;
    const buffer = bytesPerSecond === undefined ? READ_BUFFER : Buffer.alloc(bytesPerSecond / SLOW_READS_PER_SECOND);
    this.#reader = new FrameReader({
      onFrame: (opcode, length) => this.#onFrame(opcode, length),
      onPayload: (opcode, payload, compressed) => this.#onPayload(opcode, payload, compressed),
    });
    this.#socket = connect({
      host: options.host,
      port: options.port,
      localAddress: options.localAddress,
      onread: { buffer, callback: (length) => this.#onRead(buffer.subarray(0, length)) },
    });
    this.#socket.setNoDelay(true);
    this.#socket.on('connect', () => this.#shakeHands());
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.on('close', () => this.#onClose());
  }

  /** What it got and what it was told it did not get. NaN: somebody did not know how many. */
  get account(): number {
    return this.#messages + this.#told;
  }

  /** Resolves when the viewer is in all its rooms. @throws Error why it could not get there */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  sendText(text: string): void {
    this.#socket.write(clientFrame(TEXT, Buffer.from(text)));
  }

  sendBinary(text: string): void {
    this.#socket.write(clientFrame(BINARY, Buffer.from(text)));
  }

  entered(): void {
    this.#entered += 1;
    if (this.#entered === this.rooms.length) this.joined();
  }

  joined(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'held';
    this.#options.ledger.held += 1;
    this.#settled.resolve();
  }

  shed(count: number): void {
    this.#options.ledger.shed += count;
    this.#told += count;
  }

  move(afterMs: number, address: string): void {
    this.#options.onMove(this, afterMs, Number(new URL(address).port));
  }

  heartbeat(): void {
    if (this.#state !== 'held') return;
    const { dialect } = this.#options;
    if (dialect.heartbeat) dialect.heartbeat(this);
    else this.#socket.write(clientFrame(PING, Buffer.alloc(0)));
  }

  /** The connection breaks, without a word. */
  cut(): void {
    if (this.#state === 'held') this.#options.ledger.held -= 1;
    this.#state = 'closing';
    this.#socket.resetAndDestroy();
  }

  /** Resolves when the connection is closed. */
  close(): Promise<void> {
    if (this.#state === 'held') {
      this.#options.ledger.held -= 1;
      this.#state = 'closing';
      this.#socket.end(clientFrame(CLOSE, NORMAL_CLOSURE));
    } else if (this.#state === 'opening') this.#socket.destroy();
    return this.#gone.promise;
  }

  #onClose(): void {
    const { ledger } = this.#options;
    if (this.#state === 'held') {
      ledger.held -= 1;
      ledger.lostConnections += 1;
    }
    if (this.#state === 'opening')
      this.#settled.reject(this.#error ?? new Error(`closed by the server ${this.#stage}`));
    this.#state = 'closed';
    this.#gone.resolve();
  }

  /** How far it has come, for people. */
  get #stage(): string {
    if (this.#handshake === undefined) return `in ${this.#entered} of ${this.rooms.length} rooms`;
    return this.#socket.bytesWritten > 0 ? 'before it answered the handshake' : 'before the handshake';
  }

  #shakeHands(): void {
    const { host, port, dialect, deflate } = this.#options;
    const extensions = deflate ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : '';
    const subprotocol = dialect.subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${dialect.subprotocol}\r\n`;
    this.#socket.write(
      `GET ${dialect.path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${subprotocol}${extensions}\r\n`,
    );
  }

  /** From now on it reads as fast as it can. */
  hasten(): void {
    this.#isSlow = false;
    this.#socket.resume();
  }

  /** @returns whether it goes on reading at once */
  #onRead(read: Buffer): boolean {
    let bytes = read;
    this.#options.ledger.bytes += read.length;
    try {
      if (this.#handshake !== undefined) {
        const rest = this.#readHandshake(bytes);
        if (rest === undefined) return true;
        bytes = rest;
      }
      if (bytes.length > 0) this.#reader.read(bytes);
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
    if (!this.#isSlow || this.#state !== 'held') return true;
    setTimeout(() => this.#socket.resume(), 1_000 / SLOW_READS_PER_SECOND);
    return false;
  }

  /** @returns what follows the handshake, once it is complete */
  #readHandshake(bytes: Buffer): Buffer | undefined {
    const before = this.#handshake as string;
    const text = before + bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#handshake = text;
      return undefined;
    }
    if (!text.startsWith('HTTP/1.1 101')) throw new Error(`handshake refused: ${text.split('\r\n', 1)[0]}`);
    this.#handshake = undefined;
    this.#options.dialect.opened(this);
    return bytes.subarray(end + 4 - before.length);
  }

  #onFrame(opcode: number, length: number): FrameUse {
    const { sampled, varied } = this.#options;
    if (opcode > BINARY || sampled || varied) return 'keep';
    const messages = this.#options.ledger.messagesIn.get(length);
    if (messages === undefined) return 'keep';
    this.#options.ledger.messages += messages;
    this.#messages += messages;
    return 'skip';
  }

  #onPayload(opcode: number, payload: Buffer, compressed: boolean): void {
    const { ledger, dialect, sampled, varied } = this.#options;
    if (opcode === CLOSE && payload.length >= 2) {
      const code = payload.readUInt16BE();
      ledger.closedWith[code] = (ledger.closedWith[code] ?? 0) + 1;
    }
    if (opcode === PING) this.#socket.write(clientFrame(PONG, payload));
    if (opcode === CLOSE) this.#error ??= new Error(`closed by the server: ${payload.toString('utf8', 2)}`);
    if (opcode > BINARY) return;
    const key = varied ? fingerprint(payload) : payload.length;
    const known = varied && !sampled ? ledger.messagesIn.get(key) : undefined;
    if (known !== undefined) {
      ledger.messages += known;
      return;
    }
    const content = compressed ? inflateRawSync(payload, INFLATE) : payload;
    const messages = countMessages(content);
    if (messages === 0) {
      dialect.control(this, content.toString());
      return;
    }
    ledger.messagesIn.set(key, messages);
    ledger.messages += messages;
    this.#messages += messages;
    if (!sampled) return;
    ledger.read(this.index, readMessages(content), nowUs());
    dialect.messages?.(this, content);
  }
}

const INFLATE = { finishFlush: constants.Z_SYNC_FLUSH } as const;

const SAMPLES = 16;

/** Tells the frames of a run apart by their length and some of their bytes, in less time than reading them takes. */
function fingerprint(payload: Buffer): number {
  const { length } = payload;
  let hash = 0;
  for (let at = 0; at + 4 <= length; at += 4 + ((length / SAMPLES) | 0))
    hash = Math.imul(hash, 31) + payload.readUInt32LE(at);
  return length * 2 ** 32 + (hash >>> 0);
}

/** A promise that is settled from outside, once. */
class Settlement {
  readonly promise: Promise<void>;
  resolve: () => void = () => {};
  reject: (error: Error) => void = () => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
