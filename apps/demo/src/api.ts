/** The application's API as apps/workers/README.md describes it: shapes only. */
import type { Role } from '@im/client-sdk/conversations';

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

interface GroupMember {
  readonly user: string;
  readonly name?: string;
  readonly role: Role;
}

/** What the SDK needs to know to type events and calls. */
export interface LiveApp {
  room: {
    chat: Chat;
    like: { readonly user: string; readonly count: number };
    audience: { readonly room: string; readonly count: number };
    gift: Gift;
  };
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
    'conversation.create'(input: { name: string; members: readonly string[] }): {
      conversation: string;
      refused: readonly string[];
    };
    'conversation.invite'(input: { conversation: string; users: readonly string[] }): { refused: readonly string[] };
    'conversation.members'(input: { conversation: string; cursor?: string; limit?: number }): {
      members: readonly GroupMember[];
      cursor?: string;
    };
    'conversation.remove'(input: { conversation: string; user: string }): unknown;
    'conversation.leave'(input: { conversation: string }): unknown;
    'conversation.rename'(input: { conversation: string; name: string }): unknown;
  };
}
