/** The lines of a conversation: bubbles with their ticks and what can be done with them, notes, days. */
import type { MessageLine, SendState } from '@im/client-sdk/conversations';
import { element, hueOf, icon, timeOfDay } from './dom.js';

export interface LineActions {
  nameOf(user: string): string;
  retry(line: MessageLine): void;
  discard(line: MessageLine): void;
  takeBack(line: MessageLine): void;
  /** For this person alone. */
  forget(line: MessageLine): void;
  /** Whether this person may take it back. */
  mayTakeBack(line: MessageLine): boolean;
}

const TICKS: Readonly<Record<SendState, string>> = {
  sending: 'Sending',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  failed: 'Not sent',
};

export function messageNode(line: MessageLine, isGroup: boolean, actions: LineActions): HTMLElement {
  const { from, text, at, mine, takenBack, state } = line;
  const bubble = element(
    'div.bubble',
    { tabindex: 0 },
    ...(isGroup && !mine
      ? [element('span.author', { style: `--hue:${hueOf(from.user)}` }, actions.nameOf(from.user))]
      : []),
    element('span.said', {}, takenBack ? 'Taken back' : text),
    element('span.foot', {}, element('time', {}, timeOfDay(at)), ...(state ? [ticks(state)] : [])),
  );
  const node = element(mine ? 'div.message.mine' : 'div.message', {}, bubble);
  node.classList.toggle('taken-back', takenBack);
  node.classList.toggle('pending', state === 'sending');
  node.classList.toggle('failed', state === 'failed');
  if (state === 'failed') {
    node.append(
      menu([
        ['Try again', () => actions.retry(line)],
        ['Discard', () => actions.discard(line)],
      ]),
    );
  } else if (line.version !== undefined) {
    const toggle = (): void => {
      const open = node.querySelector('.line-menu');
      for (const other of node.parentElement?.querySelectorAll('.line-menu.passing') ?? []) other.remove();
      if (!open) node.append(lineMenu(line, actions));
    };
    bubble.addEventListener('click', () => {
      if (getSelection()?.isCollapsed !== false) toggle();
    });
    bubble.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') toggle();
    });
  }
  return node;
}

function lineMenu(line: MessageLine, actions: LineActions): HTMLElement {
  const node = menu([
    ...(actions.mayTakeBack(line) ? [['Take back', () => actions.takeBack(line)] as const] : []),
    ['Delete for me', () => actions.forget(line)],
  ]);
  node.classList.add('passing');
  return node;
}

function menu(items: readonly (readonly [string, () => void])[]): HTMLElement {
  return element(
    'div.line-menu',
    {},
    ...items.map(([label, run]) => {
      const button = element('button', { type: 'button' }, label);
      button.addEventListener('click', run);
      return button;
    }),
  );
}

function ticks(state: SendState): HTMLElement {
  const node = element('span.ticks', { title: TICKS[state], role: 'img', 'aria-label': TICKS[state] });
  node.dataset.state = state;
  node.append(icon(state === 'sending' ? 'clock' : state === 'failed' ? 'alert' : state === 'sent' ? 'tick' : 'ticks'));
  return node;
}

export const noteNode = (text: string): HTMLElement => element('div.talk-note', {}, text);

const days = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

export function dayNode(at: number): HTMLElement {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return element('div.talk-note.day', {}, isToday ? 'Today' : days.format(at));
}
