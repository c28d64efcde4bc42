/** The application's API as apps/workers/README.md describes it: shapes only. */

interface Person {
  readonly user: string;
  readonly name: string;
}

interface Chat {
  readonly id: string;
  readonly from: Person;
  readonly text: string;
  readonly at: number;
}

export interface CatalogueGift {
  readonly gift: string;
  readonly title: string;
  readonly icon: string;
}

export interface Gift extends CatalogueGift {
  readonly id: string;
  readonly from: Person;
  readonly count: number;
  readonly at: number;
}

export interface Member extends Person {
  readonly since: number;
}

/** A private message; `version` counts 1, 2, 3 … within its conversation. */
export interface PrivateMessage {
  readonly id: string;
  readonly conversation: string;
  readonly version: number;
  readonly from: Person;
  readonly to: string;
  readonly text: string;
  readonly at: number;
}

/** What the SDK needs to know to type events and calls. */
export interface LiveApp {
  room: {
    chat: Chat;
    like: { readonly user: string; readonly count: number };
    audience: { readonly room: string; readonly count: number };
    gift: Gift;
  };
  user: { message: PrivateMessage };
  calls: {
    'room.enter'(input: { room: string }): { room: string; count: number };
    'room.members'(input: { room: string; cursor?: string; limit?: number }): {
      members: readonly Member[];
      cursor?: string;
    };
    'room.like'(input: { room: string; count: number }): unknown;
    'chat.send'(input: { room: string; text: string }): { id: string };
    'gift.catalogue'(input: object): { gifts: readonly CatalogueGift[] };
    'gift.send'(input: { room: string; gift: string; count: number }): { id: string };
    'conversation.send'(input: { to: string; text: string }): { id: string };
    'conversation.history'(input: { with: string; before?: number; limit?: number }): {
      conversation: string;
      entries: readonly { version: number; event: string; data: PrivateMessage }[];
    };
    'conversation.list'(input: object): {
      conversations: readonly {
        kind: string;
        peer?: { user: string; name?: string };
        last?: { version: number; data: PrivateMessage };
      }[];
    };
  };
}
