/** One panel at a time above the room: a sheet on phones, a drawer on desktops. */
import { element } from './dom.js';

export interface SheetContent {
  readonly title: string;
  readonly body: HTMLElement;
  readonly footer?: HTMLElement | undefined;
  /** Shown as a way back instead of closing. */
  readonly back?: (() => void) | undefined;
  readonly onClose?: (() => void) | undefined;
}

export class Sheet {
  readonly scrim = element('div.scrim', { hidden: true });
  readonly root = element('section.sheet', { hidden: true, role: 'dialog', tabindex: -1 });
  #content: SheetContent | undefined;
  #opener: Element | null = null;

  constructor() {
    this.scrim.addEventListener('click', () => this.close());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
  }

  open(content: SheetContent): void {
    if (!this.#content) this.#opener = document.activeElement;
    this.#content?.onClose?.();
    this.#content = content;
    const close = element('button.plain', { type: 'button' }, 'Close');
    close.addEventListener('click', () => this.close());
    const header = element('header', {}, element('h2', {}, content.title), close);
    if (content.back) {
      const back = element('button.plain', { type: 'button', 'aria-label': 'Back' }, '←');
      back.addEventListener('click', content.back);
      header.prepend(back);
    }
    this.root.replaceChildren(header, content.body, ...(content.footer ? [content.footer] : []));
    this.root.setAttribute('aria-label', content.title);
    this.root.hidden = this.scrim.hidden = false;
    this.root.focus({ preventScroll: true });
  }

  close(): void {
    if (!this.#content) return;
    this.#content.onClose?.();
    this.#content = undefined;
    this.root.hidden = this.scrim.hidden = true;
    if (this.#opener instanceof HTMLElement) this.#opener.focus({ preventScroll: true });
  }
}

export function sheetBody(...children: HTMLElement[]): HTMLElement {
  return element('div.body', {}, ...children);
}
