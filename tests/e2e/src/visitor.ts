/** A person in front of the page: what they do, and what they see. Waits are for what becomes visible. */
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';

const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
const TICKS = ['sending', 'sent', 'delivered', 'read'] as const;

export class Visitor {
  private constructor(
    readonly name: string,
    readonly page: Page,
    private readonly context: BrowserContext,
    /** What went wrong in the page: must stay empty. */
    readonly problems: string[],
  ) {}

  /** Opens the page in a profile of its own, signs in and waits until the room is live. */
  static async arrive(
    browser: Browser,
    address: string,
    name: string,
    options: BrowserContextOptions = {},
  ): Promise<Visitor> {
    const context = await browser.newContext({ viewport: DESKTOP, ...options });
    // It ends what hangs, and judges no machine.
    context.setDefaultTimeout(60_000);
    return Visitor.#open(context, address, name);
  }

  /** Another tab of the same browser: another device of the same person. */
  another(address: string): Promise<Visitor> {
    return Visitor.#open(this.context, address, this.name);
  }

  static async #open(context: BrowserContext, address: string, name: string): Promise<Visitor> {
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    const visitor = new Visitor(name, page, context, problems);
    await visitor.signIn(address);
    return visitor;
  }

  async signIn(address: string): Promise<void> {
    await this.page.goto(address);
    await this.page.getByLabel('Your name').fill(this.name);
    await this.page.getByRole('button', { name: 'Enter the room' }).click();
    await this.line(`Welcome, ${this.name}`).waitFor();
  }

  /** A line of the chat with this text. */
  line(text: string): Locator {
    return this.page.locator('.chat .line', { hasText: text });
  }

  get giftBanner(): Locator {
    return this.page.locator('.gifts .gift').first();
  }

  async say(text: string): Promise<void> {
    await this.page.getByLabel('Say something').fill(text);
    await this.page.keyboard.press('Enter');
  }

  async sendGift(title: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Gifts', exact: true }).click();
    await this.page.getByRole('button', { name: `Send ${title}` }).click();
    await this.page.keyboard.press('Escape');
  }

  /** Opens the conversation with somebody of the audience. */
  async openTalk(name: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Audience' }).click();
    await this.page.locator('.sheet .person', { hasText: name }).click();
  }

  async write(text: string): Promise<void> {
    await this.page.locator('.sheet form .field').fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** A message in the open conversation. */
  message(text: string): Locator {
    return this.page.locator('.message', { hasText: text });
  }

  /** Waits until one's own message has come so far, or further. */
  async waitForTick(text: string, state: (typeof TICKS)[number]): Promise<void> {
    const enough = TICKS.slice(TICKS.indexOf(state)).map((each) => `.ticks[data-state="${each}"]`);
    await this.message(text).locator(enough.join()).waitFor();
  }

  async openMessages(): Promise<void> {
    await this.page.getByRole('button', { name: 'Messages' }).click();
  }

  /** A row of the list of conversations. */
  row(title: string): Locator {
    return this.page.locator('.sheet .person', { has: this.page.locator('b', { hasText: title }) });
  }

  async back(): Promise<void> {
    await this.page.getByRole('button', { name: 'Back' }).click();
  }

  /** The connection as the page shows it: connected, connecting, waiting or closed. */
  async waitForState(state: string): Promise<void> {
    await this.page.locator(`.status[data-state="${state}"]`).waitFor();
  }

  /** Idempotent. */
  async leave(): Promise<void> {
    await this.context.close();
  }
}
