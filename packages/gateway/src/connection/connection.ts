/**
 * One connection: its state machine, and who deals with what comes in each state. Owns the link. Must not know transports, what
 * commands do, or how groups are entered.
 */
import {
  CLOSE_CODES,
  type CloseName,
  type Hello,
  ImError,
  type Positions,
  type ReceivedCommand,
  type ServerMessage,
} from '@im/protocol';
import type { Leaver, NextAddress } from '../drain/drain.js';
import type { Link, LinkEvents } from '../link.js';
import type { Admitted, Refusal } from '../session/admission.js';
import type { Session } from '../session/session.js';
import type { Surroundings } from '../surroundings.js';
import type { Wire } from '../wire.js';
import { Application, type Applier } from './application.js';
import { Backlog } from './backlog.js';
import { closeReason } from './close-reason.js';
import { CommandGate } from './command-gate.js';
import { type Answerable, type Asking, Commands } from './commands.js';
import { type ConnectionState, mayBecome } from './connection-state.js';
import { Upkeep } from './upkeep.js';
import { welcomeTo } from './welcome.js';

type Command = ReceivedCommand<Uint8Array>;

export interface ConnectionOwner {
  /** No more commands are taken and it has left its groups; the link may take a while to go. */
  onClosed(): void;
  /** The link is gone. */
  onGone(connection: Connection): void;
}

export class Connection implements LinkEvents, Applier, Asking, Leaver {
  readonly #link: Link;
  readonly #surroundings: Surroundings;
  readonly #owner: ConnectionOwner;
  readonly #backlog: Backlog;
  readonly #gate: CommandGate;
  readonly #upkeep: Upkeep;
  readonly #commands: Commands;
  #state: ConnectionState = { phase: 'awaiting-hello' };
  /** What it is to be told once it is open; `at` in monotonic milliseconds. */
  #move: { readonly at: number; readonly nextAddress: NextAddress | undefined } | undefined;

  constructor(link: Link, surroundings: Surroundings, owner: ConnectionOwner) {
    const { gateRules, settings } = surroundings;
    this.#link = link;
    this.#surroundings = surroundings;
    this.#owner = owner;
    this.#backlog = new Backlog(this, link, settings, surroundings.unanswered);
    this.#gate = new CommandGate(gateRules);
    this.#upkeep = new Upkeep(this, surroundings);
    this.#commands = new Commands(surroundings, this.#gate, this);
  }

  // ── for fan-out and memberships ─────────────────────────────────────────────────────────────

  get encoding(): Wire {
    return this.#link.wire;
  }

  get congested(): boolean {
    return this.#backlog.congested;
  }

  prefetch(): number {
    return this.#backlog.unconfirmed + this.#link.prefetch();
  }

  relieved(): Promise<void> {
    return this.#backlog.relieved();
  }

  write(chunk: Uint8Array): void {
    if (this.#state.phase === 'closed') return;
    this.#link.write(chunk, this.#backlog.writing(chunk.length));
    if (this.#backlog.overflowing) this.#backlog.giveUp();
  }

  send(message: ServerMessage<Uint8Array>): void {
    if (this.#state.phase !== 'closed') this.write(this.#link.wire.encode(message));
  }

  ping(): void {
    this.write(this.#link.wire.ping);
  }

  answerPing(): void {
    this.write(this.#link.wire.pong);
  }

  get earliestUnanswered(): number | undefined {
    return this.#commands.earliestUnanswered;
  }

  ticketOutdated(): void {
    this.#upkeep.ticketOutdated();
  }

  // ── for the transport ───────────────────────────────────────────────────────────────────────

  received(frame: Uint8Array): void {
    if (this.#isClosed()) return;
    const now = this.#upkeep.hear();
    if (!this.#inGoodFaith(this.#gate.countFrame(frame.length, now))) return;
    let commands: readonly Command[];
    try {
      commands = this.#link.wire.decode(frame, this.#surroundings.limits.messagesPerFrame);
    } catch (thrown) {
      this.#rejectFrame(ImError.wrap(thrown));
      return;
    }
    this.#surroundings.metrics.commands.add(commands.length);
    if (commands.length === 0) this.#countAnything(now);
    for (const command of commands) {
      if (!this.#countAnything(now)) return;
      this.#receive(command, now);
      if (this.#isClosed()) return;
    }
  }

  heard(): void {
    if (!this.#isClosed()) this.#countAnything(this.#upkeep.hear());
  }

  confirmed(number: number): void {
    // Unasked it is traffic like any other.
    if (this.#backlog.confirmed(number)) this.#upkeep.hear();
    else this.heard();
  }

  malformed(why: string): void {
    if (!this.#isClosed()) this.#rejectFrame(new ImError('MALFORMED', { message: why }));
  }

  oversized(): void {
    this.close('FRAME_TOO_LARGE', `more than ${this.#surroundings.limits.frameBytes} bytes`);
  }

  closed(): void {
    this.#becomeClosed();
    this.#owner.onGone(this);
  }

  // ── for the gateway ─────────────────────────────────────────────────────────────────────────

  /** @param detail told to people, behind the code's name (PR-125) */
  close(name: CloseName, detail?: string): void {
    if (this.#isClosed()) return;
    // What it was not sent is known now, and unknown to whoever it comes back to.
    for (const chunk of this.#surroundings.fanOut.takeOwed(this)) this.#link.write(chunk);
    this.#becomeClosed();
    this.#surroundings.metrics.closed(name);
    this.#link.close(CLOSE_CODES[name].code, closeReason(name, detail));
  }

  /** Asks the client to move to the next address, or to one of its own choice, once the time has passed (PR-123). */
  askToMove(afterMs: number, nextAddress: NextAddress | undefined): void {
    if (this.#state.phase === 'open') {
      const address = nextAddress?.();
      const ticket = this.#upkeep.issueTicket(this.#state.session);
      this.send({ type: 'drain', afterMs, ...(address !== undefined && { address }), ticket });
    } else if (!this.#isClosed()) {
      this.#move = { at: this.#surroundings.clock.monotonic() + afterMs, nextAddress };
    }
  }

  stay(): void {
    this.#move = undefined;
  }

  /** Answers the commands it has, refuses new ones and closes (PR-124). */
  finish(): void {
    if (this.#state.phase === 'open') this.#commands.drain();
    else this.close('GOING_AWAY');
  }

  onAllAnswered(): void {
    this.close('GOING_AWAY');
  }

  // ── commands ────────────────────────────────────────────────────────────────────────────────

  #receive(command: Command, now: number): void {
    if (this.#state.phase === 'awaiting-hello') this.#receiveFirst(command, now);
    else if (command.type === 'hello') this.#rejectHello(command);
    else if ('id' in command && command.id !== undefined) this.#receiveAnswerable(command, now);
    else if (command.type === 'ping') this.#pinged(command.positions);
    else if (command.type === 'cancel') this.#cancel(command.call);
  }

  #receiveFirst(command: Command, now: number): void {
    const id = 'id' in command ? command.id : undefined;
    if (command.type === 'hello') {
      this.#gate.admit(command.id, command, now);
      this.#apply(command);
    } else if (command.type === 'invalid' && command.kind === 'hello') {
      this.#commands.refuse(id, command.error);
      this.close('MALFORMED', command.error.message);
    } else {
      this.#commands.refuse(id, new ImError('HELLO_REQUIRED').toBody());
      this.close('PROTOCOL_VIOLATION', 'hello comes first');
    }
  }

  #rejectHello({ id }: Hello): void {
    this.#commands.refuse(id, new ImError('HELLO_REPEATED').toBody());
    this.close('PROTOCOL_VIOLATION', 'hello was repeated');
  }

  #receiveAnswerable(command: Answerable, now: number): void {
    if (!this.#commands.take(command, now)) return;
    if (this.#state.phase === 'open') this.#commands.carryOut(command, this.#state.session);
    else if (this.#state.phase === 'authenticating' && !this.#state.application.early.add(command))
      this.#commands.fail(command.id, new ImError('TOO_MANY_PENDING'));
  }

  #pinged(positions: Positions | undefined): void {
    this.#surroundings.heartbeats.owe(this);
    if (positions && this.#state.phase === 'open') this.#surroundings.positions?.take(this.#state.session, positions);
  }

  #cancel(id: number): void {
    if (this.#state.phase !== 'authenticating') this.#commands.cancel(id);
    else if (this.#state.application.early.remove(id)) this.#commands.fail(id, new ImError('CANCELLED'));
  }

  /** PR-11 */
  #rejectFrame(error: ImError): void {
    this.#commands.refuse(undefined, error.toBody());
    this.close('MALFORMED', error.message);
  }

  /** PR-28 */
  #countAnything(now: number): boolean {
    return this.#inGoodFaith(this.#gate.countAnything(now));
  }

  #inGoodFaith(counted: boolean): boolean {
    if (!counted) this.close('RATE_LIMITED');
    return counted;
  }

  // ── hello ───────────────────────────────────────────────────────────────────────────────────

  #apply(hello: Hello): void {
    const application = new Application(hello, this, this.#surroundings);
    this.#become({ phase: 'authenticating', application });
    this.#upkeep.helloCame();
    if (!application.wait()) this.close('TRY_AGAIN_LATER', 'too many wait to be let in');
  }

  get address(): string {
    return this.#link.remoteAddress;
  }

  onTurn(): void {
    this.#upkeep.helloBegins();
  }

  onRefused({ error, close, detail }: Refusal, { hello }: Application): void {
    this.#commands.fail(hello.id, error);
    this.close(close, detail);
  }

  onAdmitted(admitted: Admitted, { hello, early }: Application): void {
    const { session, resumed, follow } = admitted;
    this.#become({ phase: 'open', session });
    if (resumed) this.#surroundings.metrics.resumed.add();
    this.#register(session);
    this.#commands.answer(welcomeTo(hello, admitted, this.#upkeep.begin(session), this.#surroundings));
    void follow();
    this.#surroundings.positions?.take(session, hello.positions);
    this.#surroundings.devices.opened(session);
    this.#moveAsAsked();
    for (const command of early.all) {
      if (this.#isClosed()) return;
      this.#commands.carryOut(command, session);
    }
  }

  /** PR-132: a drain has begun before it was let in. */
  #moveAsAsked(): void {
    const move = this.#move;
    this.#move = undefined;
    if (move) this.askToMove(Math.max(0, Math.round(move.at - this.#surroundings.clock.monotonic())), move.nextAddress);
  }

  // ── states ──────────────────────────────────────────────────────────────────────────────────

  #isClosed(): boolean {
    return this.#state.phase === 'closed';
  }

  #become(state: ConnectionState): void {
    if (!mayBecome(this.#state, state)) {
      throw new ImError('INTERNAL', { message: `a connection cannot become ${state.phase} from ${this.#state.phase}` });
    }
    this.#state = state;
  }

  #becomeClosed(): void {
    const state = this.#state;
    if (state.phase === 'closed') return;
    this.#become({ phase: 'closed' });
    this.#upkeep.end();
    this.#surroundings.heartbeats.forget(this);
    if (state.phase === 'authenticating') this.#leave(state.application.withdraw());
    else if (state.phase === 'open') this.#leave(state.session);
    this.#commands.abandon();
    this.#backlog.close();
    this.#owner.onClosed();
  }

  #register({ userGroup, presence, device, platform }: Session): void {
    const { users, clock } = this.#surroundings;
    users?.enter(userGroup, { session: presence, device, platform, sinceMs: clock.now() });
  }

  #leave(session: Session | undefined): void {
    if (!session) return;
    this.#surroundings.users?.leave(session.presence);
    this.#surroundings.sessions.release(session, session.remains());
    this.#surroundings.devices.closed(session);
    session.memberships.close();
  }
}
