/** A link that is made again whenever it is lost. Owns when; must not know what goes over it. */
import type { Clock, Random, Timer } from '@im/protocol/ports';
import type { PubSubLink } from './pubsub-link.js';

export interface StandingLinkOptions {
  readonly open: () => Promise<PubSubLink>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onUp: (link: PubSubLink) => void;
  /** The link was lost: nothing comes and nothing goes until the next `onUp`. */
  readonly onDown: (cause: unknown) => void;
  /** One attempt to make it again failed. */
  readonly onFailure: (cause: unknown) => void;
}

type State =
  | { readonly name: 'up'; readonly link: PubSubLink; readonly check: Timer }
  | { readonly name: 'waiting'; readonly timer: Timer }
  | { readonly name: 'opening' }
  | { readonly name: 'closed' };

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2_000;
/** From one check of a link that is up to the next. */
const CHECK_MS = 5_000;

export class StandingLink {
  readonly #options: StandingLinkOptions;
  #state: State = { name: 'opening' };
  #failures = 0;

  constructor(options: StandingLinkOptions) {
    this.#options = options;
  }

  get link(): PubSubLink | undefined {
    return this.#state.name === 'up' ? this.#state.link : undefined;
  }

  /** The first time: rejects with why it cannot be made, and does not try again. */
  async start(): Promise<void> {
    this.#up(await this.#options.open());
  }

  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { name: 'closed' };
    if (state.name === 'waiting') state.timer.cancel();
    if (state.name !== 'up') return;
    state.check.cancel();
    await state.link.close();
  }

  #up(link: PubSubLink): void {
    if (this.#state.name === 'closed') {
      void link.close();
      return;
    }
    this.#failures = 0;
    this.#state = { name: 'up', link, check: this.#checkLater(link) };
    void link.lost.then((cause) => this.#lost(link, cause));
    this.#options.onUp(link);
  }

  #checkLater(link: PubSubLink): Timer {
    return this.#options.clock.after(
      CHECK_MS,
      () => {
        if (this.link !== link) return;
        link.check();
        this.#state = { name: 'up', link, check: this.#checkLater(link) };
      },
      { background: true },
    );
  }

  #lost(link: PubSubLink, cause: unknown): void {
    if (this.#state.name !== 'up' || this.#state.link !== link) return;
    this.#state.check.cancel();
    this.#wait();
    this.#options.onDown(cause);
  }

  #wait(): void {
    const { clock, random } = this.#options;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, LONGEST_DELAY_MS) * (0.5 + random() / 2);
    this.#state = { name: 'waiting', timer: clock.after(delay, () => void this.#reopen()) };
  }

  async #reopen(): Promise<void> {
    this.#state = { name: 'opening' };
    try {
      this.#up(await this.#options.open());
    } catch (error) {
      if ((this.#state as State).name === 'closed') return;
      this.#failures += 1;
      this.#wait();
      this.#options.onFailure(error);
    }
  }
}
