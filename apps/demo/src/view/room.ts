/** The room's frame: places for everything, and the composer. Knows elements only; what happens is handed in. */

import type { ChatView } from './chat.js';
import type { StatusPill } from './connection.js';
import { avatar, element, icon } from './dom.js';
import type { GiftBanners } from './gifts.js';
import type { Sheet } from './sheet.js';
import type { Stage } from './stage.js';

export interface RoomActions {
  say(text: string): void;
  like(): void;
  openGifts(): void;
  openMessages(): void;
  openAudience(): void;
}

export interface RoomParts {
  readonly stage: Stage;
  readonly chat: ChatView;
  readonly gifts: GiftBanners;
  readonly status: StatusPill;
  readonly sheet: Sheet;
}

export class RoomView {
  readonly root: HTMLElement;
  readonly #count = element('span', {}, '–');
  readonly #badge = element('span.badge', { hidden: true });
  readonly #likes = element('span.likes', { hidden: true, title: 'Likes since you came' });

  constructor(title: string, parts: RoomParts, actions: RoomActions) {
    const audience = element('button.pill.audience-button', { type: 'button', 'aria-label': 'Audience' });
    const people = icon('people');
    people.setAttribute('style', 'width:18px;height:18px;fill:none;stroke:currentColor;stroke-width:2');
    audience.append(people, this.#count);
    audience.addEventListener('click', actions.openAudience);
    const host = element(
      'div.pill.host',
      {},
      avatar('Luna'),
      element('span', {}, element('span.name', {}, title), element('small', {}, 'LIVE')),
    );
    this.root = element(
      'main.room',
      {},
      parts.stage.root,
      element('header.top', {}, host, element('div.right', {}, audience, parts.status.root)),
      parts.gifts.root,
      element('section.side', {}, parts.chat.root, parts.chat.below, this.#composer(actions)),
      parts.sheet.scrim,
      parts.sheet.root,
    );
  }

  audience(count: number): void {
    this.#count.textContent = count.toLocaleString();
  }

  unread(count: number): void {
    this.#badge.hidden = count === 0;
    this.#badge.textContent = count > 99 ? '99+' : String(count);
  }

  /** Of everybody, since this page came. */
  likes(total: string): void {
    this.#likes.hidden = false;
    this.#likes.textContent = total;
  }

  #composer(actions: RoomActions): HTMLElement {
    const field = element('input.field', {
      maxlength: 500,
      placeholder: 'Say something',
      'aria-label': 'Say something',
      autocomplete: 'off',
      enterkeyhint: 'send',
    });
    const form = element(
      'form.composer',
      {},
      field,
      round('Messages', icon('letter'), actions.openMessages, this.#badge),
      round('Gifts', icon('gift'), actions.openGifts),
      round('Like', icon('heart'), actions.like, this.#likes),
    );
    form.lastElementChild?.classList.add('like');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = field.value.trim();
      field.value = '';
      if (text) actions.say(text);
    });
    return form;
  }
}

function round(label: string, picture: Node, run: () => void, ...more: HTMLElement[]): HTMLElement {
  const button = element('button.round', { type: 'button', 'aria-label': label, title: label }, picture, ...more);
  button.addEventListener('click', run);
  return button;
}
