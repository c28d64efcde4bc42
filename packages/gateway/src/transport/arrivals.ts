/**
 * Connections that a server has accepted and that nobody reads yet. Shaking hands (HTTP, also TLS) costs several times what accepting does, and
 * an event loop reads all that has come before it does anything else. So each connection waits for its turn before those who listen for
 * `connection` hear of it, and no more are let in while many have not said anything. Must not know what is spoken on a connection.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '@im/protocol/ports';
import type { Applying, TurnQueue } from '../connection/turn-queue.js';

/** A connection that has said nothing for so long since it was accepted keeps nobody else waiting. */
const SILENCE_MS = 250;

export interface ArrivalsSurroundings {
  readonly clock: Clock;
  readonly queue: TurnQueue;
  /** Called with each connection. */
  arrived(): void;
}

type Reader = (socket: Socket) => void;

export class Arrivals {
  readonly #server: Server;
  readonly #surroundings: ArrivalsSurroundings;
  readonly #readers: readonly Reader[];
  readonly #waiting = new Set<Applying>();
  /** Those that are read and have not said anything, by their peers, with what ends their time for that. */
  readonly #silent = new Map<unknown, () => void>();
  #hasLetGo = false;

  /** Takes the place of those who listen for connections of the server. */
  constructor(server: Server, surroundings: ArrivalsSurroundings) {
    this.#server = server;
    this.#surroundings = surroundings;
    this.#readers = server.listeners('connection') as Reader[];
    server.removeAllListeners('connection').on('connection', this.#onConnection);
    server.on('request', this.#onRequest);
  }

  /** The client has made a request, or begun to shake hands. */
  heard(socket: Duplex): void {
    // Asking for the peer takes a while, and as a rule nobody is silent.
    if (this.#silent.size > 0) this.#silent.get(peerOf(socket))?.();
  }

  /** Gives the server back as it was; nobody waits any longer. */
  letGo(): void {
    this.#hasLetGo = true;
    this.#server.off('request', this.#onRequest);
    // Another may have taken this one's place meanwhile: then it goes on between the two, and holds nobody up.
    if (this.#server.listeners('connection').includes(this.#onConnection)) {
      this.#server.off('connection', this.#onConnection);
      for (const reader of this.#readers) this.#server.on('connection', reader);
    }
    for (const arrival of this.#waiting) {
      this.#surroundings.queue.leave(arrival);
      void arrival.begin();
    }
    for (const end of this.#silent.values()) end();
  }

  readonly #onConnection = (socket: Socket): void => {
    if (this.#hasLetGo) {
      this.#tell(socket);
      return;
    }
    const { arrived, clock, queue } = this.#surroundings;
    arrived();
    const acceptedAt = clock.monotonic();
    const leave = (): void => {
      this.#waiting.delete(arrival);
      queue.leave(arrival);
      socket.destroy();
    };
    // Until somebody reads it its errors are nobody's, and would end the process.
    socket.on('error', ignore).on('end', leave).on('close', leave);
    const arrival: Applying = {
      begin: () => {
        this.#waiting.delete(arrival);
        if (socket.destroyed) return undefined;
        socket.off('error', ignore).off('end', leave).off('close', leave);
        return this.#read(socket, acceptedAt + SILENCE_MS - clock.monotonic());
      },
    };
    this.#waiting.add(arrival);
    if (!queue.enter(arrival)) leave();
  };

  readonly #onRequest = ({ socket }: IncomingMessage): void => this.heard(socket);

  /** @returns settles when it is no longer silent; nothing: it has spoken while it waited, or had its time for that */
  #read(socket: Socket, patienceMs: number): Promise<void> | undefined {
    if (patienceMs <= 0 || socket.readableLength > 0) {
      this.#tell(socket);
      return undefined;
    }
    const peer = peerOf(socket);
    return new Promise((resolve) => {
      const end = (): void => {
        this.#silent.delete(peer);
        socket.off('close', end);
        timer.cancel();
        resolve();
      };
      const timer = this.#surroundings.clock.after(patienceMs, end, { background: true });
      socket.on('close', end);
      this.#silent.set(peer, end);
      this.#tell(socket);
    });
  }

  #tell(socket: Socket): void {
    for (const reader of this.#readers) reader.call(this.#server, socket);
  }
}

/** With TLS requests come on another socket than the one that was accepted: both have the same peer. */
function peerOf(socket: Duplex): unknown {
  const { remoteAddress, remotePort } = socket as Socket;
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`;
}

function ignore(): void {}
