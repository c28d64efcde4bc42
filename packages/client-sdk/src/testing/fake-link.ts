/** One connection at the fake gateway: what came over it, and what a test lets happen to it. */
import {
  type ClientMessage,
  EVERYONE,
  type Hello,
  ImError,
  jsonServerCodec,
  type LeftGroup,
  type Position,
  type Push,
  type ReceivedCommand,
  type ServerMessage,
} from '@im/protocol';
import type { FakeGateway, FakeSession } from './fake-gateway.js';
import type { FakeSocket } from './fake-socket.js';

const ERROR_CLOSES: Readonly<Record<string, number>> = {
  UNAUTHORIZED: 4502,
  TOKEN_EXPIRED: 4007,
  VERIFIER_UNAVAILABLE: 4005,
};

export class FakeLink {
  readonly address: string;
  readonly subprotocol: string;
  /** Every message of the client, in order; bodies parsed. */
  readonly received: ClientMessage<unknown>[] = [];
  /** The lines the client was sent, in order, held ones when they go. */
  readonly sent: string[] = [];
  readonly groups = new Set<string>();
  hello: Hello | undefined;
  /** `closing`: the client has closed it. */
  state: 'connecting' | 'open' | 'closed' = 'connecting';
  /** The code the client closed with. */
  closedWith: number | undefined;
  /** What `welcome` lists as not restored; set it before. */
  left: readonly LeftGroup[] = [];
  #gateway: FakeGateway;
  #socket: FakeSocket;
  #session: FakeSession | undefined;
  #held: string[] | undefined;
  #dead = false;
  #holes = 0;

  constructor(gateway: FakeGateway, socket: FakeSocket) {
    this.#gateway = gateway;
    this.#socket = socket;
    this.address = socket.address;
    this.subprotocol = socket.subprotocol;
    socket.owner = {
      onFrame: (frame) => this.#onFrame(frame),
      onClosedByClient: (code) => {
        this.closedWith = code ?? 1005;
        this.#end();
      },
    };
  }

  /** The transport opens. */
  open(): void {
    this.state = 'open';
    this.#socket.open();
  }

  /** Answers hello: verifies the token, resumes by the ticket, replays what positions ask for. */
  welcome(): void {
    const hello = this.hello;
    if (!hello) throw new Error('no hello to answer');
    let user: string;
    try {
      user = this.#gateway.verify(hello.token);
    } catch (error) {
      this.refuse(ImError.wrap(error));
      return;
    }
    const ticket = hello.ticket === undefined ? undefined : this.#gateway.tickets.get(hello.ticket);
    const resumed = ticket?.user === user && ticket.device === hello.device ? ticket : undefined;
    const out = new Set(this.left.map(({ group }) => group));
    const joins = [...new Set([`u:${user}`, EVERYONE, ...(resumed?.groups ?? [])])]
      .filter((group) => !out.has(group))
      .map((group) => {
        this.groups.add(group);
        return this.#gateway.log(group).join(hello.positions?.[group]);
      });
    this.#session = {
      session: resumed?.session ?? this.#gateway.next('s'),
      user,
      device: hello.device,
      groups: this.groups,
    };
    this.send({
      type: 'welcome',
      id: hello.id,
      session: this.#session.session,
      user,
      heartbeatMs: this.#gateway.heartbeatMs,
      resumed: resumed !== undefined,
      ticket: this.#newTicket(),
      groups: joins.map(({ joined }) => joined),
      left: this.left,
      limits: this.#gateway.limits,
      time: 1_790_000_000_000,
    });
    if (resumed) {
      for (const { joined } of joins) this.send({ type: 'shed', group: joined.group, reason: 'disconnected' });
    }
    for (const { replay } of joins) for (const push of replay) this.push(push);
  }

  /** Answers hello with an error and closes as PR-35 to PR-37 say, or with the code given. */
  refuse(error: ImError, closeCode = ERROR_CLOSES[error.name] ?? 4500): void {
    this.send({ type: 'error', id: this.hello?.id ?? 1, ...error.toBody() });
    this.close(closeCode, error.name);
  }

  /** Lets the client into a group. */
  join(group: string, since?: Position): void {
    const { joined, replay } = this.#gateway.log(group).join(since);
    this.groups.add(group);
    this.send({ type: 'joined', ...joined });
    if (since) this.send({ type: 'shed', group, reason: 'disconnected' });
    for (const push of replay) this.push(push);
    this.send({ type: 'ticket', ticket: this.#newTicket() });
  }

  /** Puts the client out of a group; code 0: it asked for it. */
  leave(group: string, { code = 0, reason = '' }: Partial<Omit<LeftGroup, 'group'>> = {}): void {
    if (!this.groups.delete(group)) return;
    this.send({ type: 'left', group, code, reason });
    this.send({ type: 'ticket', ticket: this.#newTicket() });
  }

  /** Sends a push, unless {@link skip} has its way with it. */
  push(push: Push<unknown>): void {
    if (push.lane && this.#holes > 0) this.#holes--;
    else this.send(push);
  }

  /** The next priority pushes, this many, are not sent: the client sees a hole. */
  skip(count: number): void {
    this.#holes = count;
  }

  /** Sends messages as one frame. */
  send(...messages: readonly ServerMessage<unknown>[]): void {
    this.sendText(messages.map((message) => JSON.stringify(message)).join('\n'));
  }

  /** Sends any text as one frame. */
  sendText(frame: string): void {
    if (this.#dead || this.state === 'closed') return;
    if (this.#held) this.#held.push(frame);
    else {
      this.sent.push(...frame.split('\n'));
      this.#gateway.onFrame('gateway', frame);
      this.#socket.deliver(frame);
    }
  }

  /** Keeps back what the gateway sends. */
  hold(): void {
    this.#held ??= [];
  }

  /** Sends what was kept back. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const frame of held) this.sendText(frame);
  }

  /** The network is gone without a word: nothing arrives any more, in either direction. */
  die(): void {
    this.#dead = true;
  }

  /** Asks the client to move. */
  drain(afterMs: number, address?: string): void {
    this.send({ type: 'drain', afterMs, ...(address !== undefined && { address }), ticket: this.#newTicket() });
  }

  /** Closes with a code. */
  close(code: number, reason = ''): void {
    this.#end();
    this.#socket.end(code, reason);
  }

  /** Breaks the transport: the client sees 1006. */
  cut(): void {
    this.close(1006);
  }

  /** Messages of one kind that the client sent. */
  receivedOf<Type extends ClientMessage<unknown>['type']>(
    type: Type,
  ): Extract<ClientMessage<unknown>, { type: Type }>[] {
    return this.received.filter((message) => message.type === type) as never;
  }

  #end(): void {
    this.state = 'closed';
    this.groups.clear();
  }

  #newTicket(): string {
    const ticket = this.#gateway.next('ticket-');
    if (this.#session) this.#gateway.tickets.set(ticket, { ...this.#session, groups: new Set(this.groups) });
    return ticket;
  }

  #onFrame(frame: string): void {
    if (this.#dead || this.state === 'closed') return;
    this.#gateway.onFrame('client', frame);
    const commands = jsonServerCodec.decode(new TextEncoder().encode(frame), this.#gateway.limits.messagesPerFrame);
    for (const command of commands) this.#take(command);
  }

  #take(command: ReceivedCommand<Uint8Array>): void {
    if (command.type === 'invalid' || command.type === 'unknown') {
      throw new Error(`the client sent what no gateway takes: ${JSON.stringify(command)}`);
    }
    const message = 'data' in command ? { ...command, data: parseBody(command.data) } : command;
    this.received.push(message);
    switch (message.type) {
      case 'hello':
        this.hello = message;
        this.#gateway.onHello(this, message);
        return;
      case 'ping':
        this.send({ type: 'pong' });
        return;
      case 'call':
        void this.#gateway.answer(this, message);
        return;
      case 'sync':
        this.#gateway.onSync(this, message);
        return;
      default:
    }
  }
}

const parseBody = (body: Uint8Array | undefined): unknown => body && JSON.parse(new TextDecoder().decode(body));
