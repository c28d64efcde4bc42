/** The state of the connection, always in sight, and the panel behind it: facts, and the knife. */
import { element } from './dom.js';
import { type SheetContent, sheetBody } from './sheet.js';

export interface Facts {
  /** Label → value, in the order of showing. */
  readonly rows: readonly (readonly [string, string])[];
}

export class StatusPill {
  readonly root = element('button.pill.status', { type: 'button', 'aria-live': 'polite' });
  readonly #text = element('span');

  constructor(onOpen: () => void) {
    this.root.append(element('span.dot'), this.#text);
    this.root.addEventListener('click', onOpen);
  }

  show(state: string, text: string): void {
    this.root.dataset.state = state;
    this.#text.textContent = text;
  }
}

/** @param watch calls back whenever facts change, and returns a way to stop */
export function connectionSheet(
  facts: () => Facts,
  watch: (changed: () => void) => () => void,
  cut: (durationMs: number) => void,
): SheetContent {
  const list = element('dl.facts');
  const draw = (): void => {
    list.replaceChildren(
      ...facts().rows.flatMap(([label, value]) => [element('dt', {}, label), element('dd', {}, value)]),
    );
  };
  const knife = (label: string, durationMs: number): HTMLElement => {
    const button = element('button.secondary', { type: 'button' }, label);
    button.addEventListener('click', () => cut(durationMs));
    return button;
  };
  draw();
  return {
    title: 'Connection',
    body: sheetBody(
      list,
      element('div.cut-row', {}, knife('Cut it now', 0), knife('Cut it for 10 s', 10_000)),
      element('p.empty', {}, 'Gifts and private messages sent meanwhile arrive after the reconnect, each once.'),
    ),
    onClose: watch(draw),
  };
}
