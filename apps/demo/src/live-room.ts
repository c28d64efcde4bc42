/** One visit to a room: wires the SDK's client to the views. Decides what is shown; draws nothing itself. */
import type { Client, ClientState } from '@im/client-sdk';
import type { CatalogueGift, Gift, LiveApp, Member } from './api.js';
import { cutFor } from './cuttable-socket.js';
import { Inbox, peerOf } from './inbox.js';
import { Likes } from './likes.js';
import type { Identity } from './sign-in.js';
import { type AudiencePage, audienceSheet } from './view/audience.js';
import { catalogueSheet } from './view/catalogue.js';
import { ChatView } from './view/chat.js';
import { connectionSheet, type Facts, StatusPill } from './view/connection.js';
import { conversationsSheet, TalkView } from './view/conversations.js';
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
  readonly #inbox: Inbox;
  readonly #factWatchers = new Set<() => void>();
  readonly #counts = { welcomes: 0, gifts: 0 };
  #room: EnteredRoom | undefined;
  #catalogue: readonly CatalogueGift[] = [];
  readonly #likes: Likes;
  #talk: { peer: string; view: TalkView } | undefined;

  constructor(
    private readonly client: Client<LiveApp>,
    private readonly me: Identity,
    private readonly name: string,
  ) {
    this.#inbox = new Inbox(me.user);
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
      openMessages: () => this.#openMessages(),
      openAudience: () => this.#openAudience(),
    });
    this.#inbox.listen((message) => {
      this.view.unread(this.#inbox.unread);
      if (message && this.#talk?.peer === peerOf(message, me.user)) this.#talk.view.show([message]);
    });
  }

  /** Connects, enters and goes on by itself from there, whatever happens to the connection. */
  start(): void {
    this.client.on('state', (state) => this.#showState(state));
    this.client.user.on('message', (message) => this.#inbox.receive(message));
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
    await this.#recall();
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
    const write = (member: Member): void => this.#openTalk(member.user, member.name);
    this.#sheet.open(audienceSheet({ load, write, me: this.me.user }));
  }

  #openMessages(): void {
    this.#sheet.open(
      conversationsSheet({
        read: () => this.#inbox.conversations,
        watch: (changed) => this.#inbox.listen(changed),
        open: (peer) => this.#openTalk(peer, this.#inbox.nameOf(peer)),
      }),
    );
  }

  #openTalk(peer: string, name: string): void {
    const view = new TalkView({
      me: this.me.user,
      name,
      send: async (text, key) => {
        await this.client.call('conversation.send', { to: peer, text }, { key, timeoutMs: 30_000 });
      },
      back: () => this.#openMessages(),
      onClose: () => {
        if (this.#talk?.view !== view) return;
        this.#talk = undefined;
        this.#inbox.look(undefined);
      },
    });
    this.#sheet.open(view.content);
    this.#talk = { peer, view };
    this.#inbox.look(peer);
    const history = this.client
      .call('conversation.history', { with: peer, limit: 50 })
      .then(({ conversation, entries }) => {
        const messages = entries.filter(({ event, data }) => event === 'message' && data.text !== undefined);
        view.show(messages.map(({ version, data }) => ({ ...data, conversation, version })).reverse());
      });
    this.#try(history, 'Messages could not be loaded');
  }

  async #recall(): Promise<void> {
    const { conversations } = await this.client.call('conversation.list', {});
    for (const { peer, last } of conversations) {
      if (peer && last) this.#inbox.recall({ ...last.data, version: last.version }, peer.name);
    }
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
    promise.catch((error: unknown) => {
      this.#chat.note(`${what}: ${error instanceof Error ? error.message : 'unknown error'}`, 'warn');
    });
  }
}
