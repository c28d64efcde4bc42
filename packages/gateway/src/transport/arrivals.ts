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

/** A connection that has said nothing for so long no longer keeps others waiting. */
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
  /** Those that are read and have not said anything, with what ends their time for that. */
  readonly #silent = new Map<Duplex, () => void>();
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
    this.#silent.get(socket)?.();
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
    this.#surroundings.arrived();
    // Until somebody reads it its errors are nobody's, and would end the process.
    socket.on('error', ignore);
    const arrival: Applying = {
      begin: () => {
        this.#waiting.delete(arrival);
        socket.off('error', ignore);
        return socket.destroyed ? undefined : this.#read(socket);
      },
    };
    this.#waiting.add(arrival);
    if (this.#surroundings.queue.enter(arrival)) return;
    this.#waiting.delete(arrival);
    socket.destroy();
  };

  readonly #onRequest = ({ socket }: IncomingMessage): void => this.heard(socket);

  /** @returns settles when it is no longer silent */
  #read(socket: Socket): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#silent.delete(socket);
        socket.off('close', end);
        timer.cancel();
        resolve();
      };
      const timer = this.#surroundings.clock.after(SILENCE_MS, end, { background: true });
      socket.on('close', end);
      this.#silent.set(socket, end);
      this.#tell(socket);
    });
  }

  #tell(socket: Socket): void {
    for (const reader of this.#readers) reader.call(this.#server, socket);
  }
}

function ignore(): void {}
