/** One visit to a room: wires the SDK's client to the views. Decides what is shown; draws nothing itself. */
import type { Client, ClientState } from '@im/client-sdk';
import type { CatalogueGift, Gift, LiveApp, Member } from './api.js';
import { cutFor } from './cuttable-socket.js';
import { Likes } from './likes.js';
import { Messages } from './messages.js';
import { People } from './people.js';
import type { Identity } from './sign-in.js';
import { type AudiencePage, audienceSheet } from './view/audience.js';
import { catalogueSheet } from './view/catalogue.js';
import { ChatView } from './view/chat.js';
import type { Candidate } from './view/choose-people.js';
import { connectionSheet, type Facts, StatusPill } from './view/connection.js';
import { GiftBanners } from './view/gifts.js';
import { RoomView } from './view/room.js';
import { Sheet } from './view/sheet.js';
import { Stage } from './view/stage.js';

type EnteredRoom = Awaited<ReturnType<Client<LiveApp>['enter']>>;

export class LiveRoom {
  readonly view: RoomView;
  readonly #stage = new Stage();
  readonly #chat = new ChatView();
  readonly #gifts = new GiftBanners();
  readonly #sheet = new Sheet();
  readonly #status = new StatusPill(() => this.#openConnection());
  readonly #people = new People();
  readonly #messages: Messages;
  readonly #factWatchers = new Set<() => void>();
  readonly #counts = { welcomes: 0, gifts: 0 };
  #room: EnteredRoom | undefined;
  #catalogue: readonly CatalogueGift[] = [];
  readonly #likes: Likes;

  constructor(
    private readonly client: Client<LiveApp>,
    private readonly me: Identity,
    private readonly name: string,
  ) {
    this.#likes = new Likes({
      // The key makes it repeatable: likes sent into a dying connection are repeated after the reconnect, and counted once.
      send: (count) => client.call('room.like', { room: name, count }, { key: crypto.randomUUID() }),
      show: (total, others) => {
        this.view.likes(total);
        this.#stage.like(others);
      },
    });
    const parts = {
      stage: this.#stage,
      chat: this.#chat,
      gifts: this.#gifts,
      status: this.#status,
      sheet: this.#sheet,
    };
    this.view = new RoomView(`Room ${name}`, parts, {
      say: (text) => this.#try(this.client.call('chat.send', { room: this.name, text }), 'Not sent'),
      like: () => this.#like(),
      openGifts: () => this.#sheet.open(catalogueSheet(this.#catalogue, (gift) => this.#sendGift(gift))),
      openMessages: () => this.#messages.openList(),
      openAudience: () => this.#openAudience(),
    });
    this.#messages = new Messages({
      client,
      me,
      people: this.#people,
      sheet: this.#sheet,
      candidates: () => this.#others(),
      unread: (count) => this.view.unread(count),
      problem: (what, error) => this.#note(what, error),
    });
  }

  /** Connects, enters and goes on by itself from there, whatever happens to the connection. */
  start(): void {
    this.client.on('state', (state) => this.#showState(state));
    this.client.connect();
    this.#try(this.#enter(), 'Could not enter the room');
  }

  async #enter(): Promise<void> {
    const room = await this.client.enter(this.name);
    this.#room = room;
    this.#listen(room);
    this.view.audience(room.data.count);
    this.#chat.note(`Welcome, ${this.me.name}. Be kind.`);
    this.#catalogue = (await this.client.call('gift.catalogue', {})).gifts;
  }

  #listen(room: EnteredRoom): void {
    room.on('chat', ({ from, text }) => this.#chat.message(from.name, text, from.user === this.me.user));
    room.on('gift', (gift) => this.#receiveGift(gift));
    room.on('like', ({ count }, { sum = count }) => this.#likes.receive(sum));
    room.on('audience', ({ count }) => this.view.audience(count));
    room.on('$shed', ({ count }) => {
      if (count === undefined) this.#likes.missed();
      this.#factsChanged();
    });
    room.on('$recovered', ({ recovered }) => {
      if (recovered) this.#chat.note('Back in the room. No gift was missed.', 'good');
      else this.#chat.note('Back in the room. Some gifts of the meantime are lost.', 'warn');
    });
    room.on('$left', ({ reason }) => this.#chat.note(`You are out of the room: ${reason}`, 'warn'));
  }

  #receiveGift(gift: Gift): void {
    this.#counts.gifts += gift.count;
    this.#gifts.show(gift);
    this.#chat.gift(gift.from.name, `sends ${gift.icon} ${gift.title} ×${gift.count}`);
    this.#factsChanged();
  }

  #sendGift(gift: CatalogueGift): void {
    // The key makes it repeatable: a gift sent into a dying connection is repeated after the reconnect, and counted once.
    const sent = this.client.call(
      'gift.send',
      { room: this.name, gift: gift.gift, count: 1 },
      { key: crypto.randomUUID(), timeoutMs: 30_000 },
    );
    this.#try(sent, `${gift.title} not sent`);
  }

  #like(): void {
    this.#stage.like(1);
    this.#likes.tap();
  }

  #openAudience(): void {
    const load = (cursor: string | undefined): Promise<AudiencePage> =>
      this.client.call('room.members', { room: this.name, limit: 50, ...(cursor !== undefined && { cursor }) });
    const write = ({ user, name }: Member): void => {
      this.#people.meet(user, name);
      this.#messages.openWith(user);
    };
    this.#sheet.open(audienceSheet({ load, write, me: this.me.user }));
  }

  /** Of the people here, those who came first. */
  async #others(): Promise<readonly Candidate[]> {
    const { members } = await this.client.call('room.members', { room: this.name, limit: 100 });
    for (const { user, name } of members) this.#people.meet(user, name);
    return members.filter(({ user }) => user !== this.me.user);
  }

  #openConnection(): void {
    const watch = (changed: () => void): (() => void) => {
      this.#factWatchers.add(changed);
      return () => this.#factWatchers.delete(changed);
    };
    this.#sheet.open(connectionSheet(() => this.#facts(), watch, cutFor));
  }

  #facts(): Facts {
    const { state } = this.client;
    const position = this.#room?.position;
    const { pressure = 0, budget = 0, upstream = 0 } = this.#room?.shed ?? {};
    return {
      rows: [
        ['State', state.status],
        ['Session', state.status === 'connected' ? state.session : '–'],
        ['Reconnects', String(Math.max(0, this.#counts.welcomes - 1))],
        ['Last gift seen', position ? `${position.version} of log ${position.epoch}` : '–'],
        ['Gifts received', String(this.#counts.gifts)],
        ['Chat left out', String(pressure + budget + upstream)],
      ],
    };
  }

  #showState(state: ClientState): void {
    switch (state.status) {
      case 'connected':
        this.#counts.welcomes++;
        this.#status.show('connected', 'Connected');
        break;
      case 'closed':
        this.#status.show('closed', 'Disconnected');
        this.#chat.note(`Disconnected: ${state.reason}. Reload the page to come back.`, 'warn');
        break;
      case 'waiting':
        this.#status.show('waiting', 'Reconnecting …');
        break;
      default:
        this.#status.show('connecting', 'Connecting …');
    }
    this.#factsChanged();
  }

  #factsChanged(): void {
    for (const changed of this.#factWatchers) changed();
  }

  #try(promise: Promise<unknown>, what: string): void {
    promise.catch((error: unknown) => this.#note(what, error));
  }

  #note(what: string, error: unknown): void {
    this.#chat.note(`${what}: ${error instanceof Error ? error.message : 'unknown error'}`, 'warn');
  }
}
