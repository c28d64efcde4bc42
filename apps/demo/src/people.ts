/** What people are called, as far as this page has met them. */
import type { Line, Summary } from '@im/client-sdk/conversations';

/** Names that are kept, those met last. */
const MOST = 2_000;

export class People {
  readonly #names = new Map<string, string>();

  meet(user: string, name: string | undefined): void {
    if (name === undefined) return;
    this.#names.delete(user);
    this.#names.set(user, name);
    if (this.#names.size > MOST) this.#names.delete(this.#names.keys().next().value as string);
  }

  meetIn(lines: readonly Line[]): void {
    for (const line of lines) {
      const { user, name } = line.kind === 'message' ? line.from : line.data.by;
      // A message of this page has no name yet.
      if (user !== name || !this.#names.has(user)) this.meet(user, name);
    }
  }

  nameOf(user: string): string {
    return this.#names.get(user) ?? user;
  }

  /** What a conversation is called. */
  titleOf({ name, peer }: Summary): string {
    return name ?? peer?.name ?? this.nameOf(peer?.user ?? '');
  }
}
