/** Gift banners: each gift is shown for its time, never pushed out by chat; repeats of one sender count up in place. */
import type { Gift } from '../api.js';
import { avatar, element } from './dom.js';

const SHOWN_MS = 4200;
const MOST_AT_ONCE = 3;
/** Gifts that wait for a place; beyond, the oldest waiting is only in the chat. */
const MOST_WAITING = 50;

interface Banner {
  readonly key: string;
  readonly node: HTMLElement;
  readonly times: HTMLElement;
  count: number;
  timer: ReturnType<typeof setTimeout>;
}

export class GiftBanners {
  readonly root = element('div.gifts', { 'aria-live': 'polite', 'aria-label': 'Gifts' });
  readonly #shown = new Map<string, Banner>();
  readonly #waiting: Gift[] = [];

  show(gift: Gift): void {
    const banner = this.#shown.get(keyOf(gift));
    if (banner) this.#countUp(banner, gift.count);
    else if (this.#shown.size < MOST_AT_ONCE) this.#open(gift);
    else {
      this.#waiting.push(gift);
      if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    }
  }

  #open(gift: Gift): void {
    const key = keyOf(gift);
    const times = element('span.times', {}, `×${gift.count}`);
    const node = element(
      'div.gift',
      {},
      avatar(gift.from.name),
      element('span.what', {}, element('b', {}, gift.from.name), gift.title),
      element('span.icon', {}, gift.icon),
      times,
    );
    this.root.append(node);
    this.#shown.set(key, { key, node, times, count: gift.count, timer: this.#closeLater(key) });
  }

  #countUp(banner: Banner, count: number): void {
    banner.count += count;
    banner.times.textContent = `×${banner.count}`;
    clearTimeout(banner.timer);
    banner.timer = this.#closeLater(banner.key);
  }

  #closeLater(key: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const banner = this.#shown.get(key);
      if (!banner) return;
      this.#shown.delete(key);
      banner.node.classList.add('leaving');
      setTimeout(() => banner.node.remove(), 300);
      this.#next();
    }, SHOWN_MS);
  }

  #next(): void {
    const gift = this.#waiting.shift();
    if (gift) this.show(gift);
  }
}

function keyOf(gift: Gift): string {
  return `${gift.from.user} ${gift.gift}`;
}
