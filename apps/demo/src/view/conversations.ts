/** Private messages: the list of conversations, and one conversation with its composer. */
import type { PrivateMessage } from '../api.js';
import type { Conversation } from '../inbox.js';
import { avatar, element, timeOfDay } from './dom.js';
import { type SheetContent, sheetBody } from './sheet.js';

export interface ConversationsSource {
  read(): readonly Conversation[];
  /** @returns what ends the watching */
  watch(changed: () => void): () => void;
  open(peer: string): void;
}

/** Shows what is there and what comes while it is open. */
export function conversationsSheet({ read, watch, open }: ConversationsSource): SheetContent {
  const body = sheetBody();
  const render = (): void => body.replaceChildren(...rowsOf(read(), open));
  render();
  return { title: 'Messages', body, onClose: watch(render) };
}

function rowsOf(conversations: readonly Conversation[], open: (peer: string) => void): HTMLElement[] {
  if (conversations.length === 0) {
    return [element('p.empty', {}, 'No messages yet. Choose somebody from the audience to write to.')];
  }
  return conversations.map(({ peer, name, last, unread }) => {
    const badge = element('span.badge', { style: 'position:static', hidden: unread === 0 }, String(unread));
    const row = element(
      'button.person',
      { type: 'button' },
      avatar(name),
      element('span.text', {}, element('b', {}, name), element('span', {}, last.text)),
      badge,
    );
    row.addEventListener('click', () => open(peer));
    return row;
  });
}

export interface TalkActions {
  readonly me: string;
  readonly name: string;
  /** Settles when the message is stored. */
  send(text: string, key: string): Promise<void>;
  back(): void;
  onClose(): void;
}

/** One conversation; messages are told apart by id, so that the same one is never shown twice. */
export class TalkView {
  readonly content: SheetContent;
  readonly #list = element('div.talk');
  readonly #body = sheetBody(this.#list);
  readonly #shown = new Map<string, HTMLElement>();

  constructor(private readonly actions: TalkActions) {
    const field = element('input.field', {
      maxlength: 500,
      placeholder: `Write to ${actions.name}`,
      'aria-label': `Write to ${actions.name}`,
      autocomplete: 'off',
    });
    const form = element('form', {}, field, element('button.primary', { type: 'submit' }, 'Send'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (!text) return;
      field.value = '';
      this.#send(text);
    });
    const { back, onClose } = actions;
    this.content = { title: actions.name, body: this.#body, footer: form, back, onClose };
  }

  /** In the order of the conversation; known ids are left as they are. */
  show(messages: readonly PrivateMessage[]): void {
    for (const message of messages) {
      if (this.#shown.has(message.id)) continue;
      const node = bubble(message.text, message.from.user === this.actions.me);
      node.append(element('time', {}, timeOfDay(message.at)));
      this.#shown.set(message.id, node);
      this.#list.append(node);
    }
    this.#body.scrollTop = this.#body.scrollHeight;
  }

  #send(text: string): void {
    const key = crypto.randomUUID();
    const node = bubble(text, true);
    node.classList.add('pending');
    this.#list.append(node);
    this.#body.scrollTop = this.#body.scrollHeight;
    const attempt = (): void => {
      node.classList.remove('failed');
      node.classList.add('pending');
      node.onclick = null;
      // The stored copy comes back as a push to all my devices, this one included: it takes this one's place.
      this.actions.send(text, key).then(
        () => node.remove(),
        () => {
          node.classList.replace('pending', 'failed');
          node.title = 'Not sent. Tap to try again.';
          node.onclick = attempt;
        },
      );
    };
    attempt();
  }
}

function bubble(text: string, mine: boolean): HTMLElement {
  return element(mine ? 'div.bubble.mine' : 'div.bubble', {}, text);
}
