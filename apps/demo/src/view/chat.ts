/** The stream of chat lines. Bounded, drawn once a picture, and still while its reader scrolls back. */
import { element } from './dom.js';

const MOST_LINES = 200;

export type Tone = 'plain' | 'good' | 'warn';

export class ChatView {
  readonly root = element('div.chat', { role: 'log', 'aria-label': 'Chat', tabindex: 0 });
  readonly below = element('button.new-below', { type: 'button', hidden: true }, 'New messages ↓');
  #waiting: HTMLElement[] = [];
  #unread = false;

  constructor() {
    this.below.addEventListener('click', () => this.#toEnd());
    this.root.addEventListener('scroll', () => {
      if (this.#atEnd()) this.below.hidden = true;
    });
  }

  message(name: string, text: string, mine: boolean): void {
    this.#add(element(mine ? 'div.line.mine' : 'div.line', {}, element('span.who', {}, name), text));
  }

  gift(name: string, text: string): void {
    this.#add(element('div.line.gift-line', {}, element('span.who', {}, name), text));
  }

  note(text: string, tone: Tone = 'plain'): void {
    this.#add(element(tone === 'plain' ? 'div.line.note' : `div.line.note.${tone}`, {}, text));
  }

  #add(line: HTMLElement): void {
    if (this.#waiting.length === 0) requestAnimationFrame(() => this.#draw());
    this.#waiting.push(line);
    // A page in the background gets no pictures: keep what will be shown at most.
    if (this.#waiting.length > MOST_LINES) this.#waiting.shift();
  }

  #draw(): void {
    const follow = this.#atEnd() && !this.#unread;
    this.root.append(...this.#waiting);
    this.#waiting = [];
    if (follow) {
      while (this.root.childElementCount > MOST_LINES) this.root.firstElementChild?.remove();
      this.root.scrollTop = this.root.scrollHeight;
    } else {
      // Whoever reads old lines keeps them, up to a bound.
      while (this.root.childElementCount > MOST_LINES * 3) this.root.firstElementChild?.remove();
      this.#unread = true;
      this.below.hidden = false;
    }
  }

  #atEnd(): boolean {
    const end = this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < 40;
    if (end) this.#unread = false;
    return end;
  }

  #toEnd(): void {
    this.root.scrollTop = this.root.scrollHeight;
    this.#unread = false;
    this.below.hidden = true;
  }
}
