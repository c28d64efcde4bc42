/**
 * The commands of one connection that get an answer, hello aside: which of them are taken, what is done with each, and its one
 * answer (PR-21). Must not know the states of the connection, nor how bytes travel.
 */
import { type ErrorBody, ImError, type ReceivedCommand, type ServerMessage } from '@im/protocol';
import { type Answering, Calls } from '../call/calls.js';
import { answerSync } from '../call/sync.js';
import type { Session } from '../session/session.js';
import type { Surroundings } from '../surroundings.js';
import type { CommandGate } from './command-gate.js';

export type Answerable = Extract<ReceivedCommand<Uint8Array>, { type: 'call' | 'sync' | 'invalid' | 'unknown' }> & {
  readonly id: number;
};

/** The connection, as its commands see it. */
export interface Asking {
  send(message: ServerMessage<Uint8Array>): void;
  /** No more are taken, and everything is answered. */
  onAllAnswered(): void;
}

export class Commands implements Answering {
  readonly #surroundings: Surroundings;
  readonly #gate: CommandGate;
  readonly #connection: Asking;
  /** Only while there are any: most connections are idle most of the time. */
  #calls: Calls | undefined;
  #draining = false;

  constructor(surroundings: Surroundings, gate: CommandGate, connection: Asking) {
    this.#surroundings = surroundings;
    this.#gate = gate;
    this.#connection = connection;
  }

  /** Sequence of the earliest call whose effects may still come. */
  get earliestUnanswered(): number | undefined {
    return this.#calls?.earliest;
  }

  /**
   * Takes a command in, to be carried out or answered otherwise; one that must not be is answered at once.
   * @param now monotonic milliseconds
   * @returns whether it was taken
   */
  take(command: Answerable, now: number): boolean {
    const objection = this.#draining ? new ImError('SHUTTING_DOWN') : this.#gate.admit(command.id, command, now);
    if (!objection) return true;
    this.#surroundings.metrics.refusedCommands.add();
    this.refuse(command.id, objection.toBody());
    return false;
  }

  /** One that was taken. */
  carryOut(command: Answerable, session: Session): void {
    switch (command.type) {
      case 'call':
        this.#calls ??= new Calls(this.#surroundings, this);
        this.#calls.start(command, session);
        break;
      case 'sync':
        answerSync(command, session, this.#surroundings.log).then(
          (synced) => this.answer(synced),
          (thrown: unknown) => this.fail(command.id, ImError.wrap(thrown)),
        );
        break;
      case 'invalid':
        this.answer({ type: 'error', id: command.id, ...command.error });
        break;
      case 'unknown':
        this.fail(command.id, new ImError('UNKNOWN_COMMAND', { details: { kind: command.kind.slice(0, 64) } }));
    }
  }

  /** PR-54 */
  cancel(id: number): void {
    this.#calls?.cancel(id);
  }

  answer(message: ServerMessage<Uint8Array> & { readonly id?: number }): void {
    if (message.id !== undefined) this.#gate.answered(message.id);
    if (this.#calls?.isEmpty) this.#calls = undefined;
    this.#connection.send(message);
    if (this.#draining) this.#leaveWhenDone();
  }

  fail(id: number, error: ImError): void {
    this.answer({ type: 'error', id, ...error.toBody() });
  }

  /** An error beside the answers: the id, if any, stays as it is. */
  refuse(id: number | undefined, error: ErrorBody): void {
    this.#connection.send({ type: 'error', ...(id !== undefined && { id }), ...error });
  }

  /** Takes no more, and tells when everything is answered (PR-124). */
  drain(): void {
    this.#draining = true;
    this.#leaveWhenDone();
  }

  /** The connection is gone: nothing is answered any more. */
  abandon(): void {
    this.#calls?.abandon();
    this.#gate.close();
  }

  #leaveWhenDone(): void {
    if (this.#gate.unanswered === 0) this.#connection.onAllAnswered();
  }
}
