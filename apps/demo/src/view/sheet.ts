/** One panel at a time above the room: a sheet on phones, a drawer on desktops. */
import { element } from './dom.js';

export interface SheetContent {
  readonly title: string;
  readonly body: HTMLElement;
  readonly footer?: HTMLElement | undefined;
  /** Floats above the footer. */
  readonly above?: HTMLElement | undefined;
  /** Beside the title. */
  readonly actions?: readonly HTMLElement[] | undefined;
  /** As high as there is room. */
  readonly tall?: boolean | undefined;
  /** Shown as a way back instead of closing. */
  readonly back?: (() => void) | undefined;
  /** It can be seen from now on. */
  readonly onOpen?: (() => void) | undefined;
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
    const header = element('header', {}, element('h2', {}, content.title), ...(content.actions ?? []), close);
    if (content.back) {
      const back = element('button.plain', { type: 'button', 'aria-label': 'Back', title: 'Back' }, '←');
      back.addEventListener('click', content.back);
      header.prepend(back);
    }
    const { above, footer } = content;
    this.root.replaceChildren(header, content.body, ...(above ? [above] : []), ...(footer ? [footer] : []));
    this.root.classList.toggle('tall', content.tall === true);
    this.root.setAttribute('aria-label', content.title);
    this.root.hidden = this.scrim.hidden = false;
    this.root.focus({ preventScroll: true });
    content.onOpen?.();
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
