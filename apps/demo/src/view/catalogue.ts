/** The gifts one can send. */
import type { CatalogueGift } from '../api.js';
import { element } from './dom.js';
import { type SheetContent, sheetBody } from './sheet.js';

export function catalogueSheet(gifts: readonly CatalogueGift[], send: (gift: CatalogueGift) => void): SheetContent {
  const grid = element('div.catalogue');
  for (const gift of gifts) {
    const button = element(
      'button',
      { type: 'button', 'aria-label': `Send ${gift.title}` },
      element('span.icon', {}, gift.icon),
      element('b', {}, gift.title),
    );
    button.addEventListener('click', () => send(gift));
    grid.append(button);
  }
  return { title: 'Send a gift', body: sheetBody(grid) };
}
