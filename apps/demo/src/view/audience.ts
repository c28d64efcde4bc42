/** The list of who is here, page by page. */
import type { Member } from '../api.js';
import { avatar, element } from './dom.js';
import { type SheetContent, sheetBody } from './sheet.js';

export interface AudiencePage {
  readonly members: readonly Member[];
  readonly cursor?: string | undefined;
}

export interface AudienceActions {
  load(cursor: string | undefined): Promise<AudiencePage>;
  /** Opens the conversation with a member. */
  write(member: Member): void;
  readonly me: string;
}

export function audienceSheet({ load, write, me }: AudienceActions): SheetContent {
  const body = sheetBody(element('p.empty', {}, 'Loading …'));
  const shown = new Set<string>();

  const row = (member: Member): HTMLElement => {
    const mine = member.user === me;
    const button = element(
      'button.person',
      { type: 'button', disabled: mine },
      avatar(member.name),
      element('span.text', {}, element('b', {}, member.name), element('span', {}, mine ? 'you' : 'write privately')),
    );
    button.addEventListener('click', () => write(member));
    return button;
  };

  const page = async (cursor: string | undefined): Promise<void> => {
    try {
      const { members, cursor: next } = await load(cursor);
      body.querySelector('.empty, .more')?.remove();
      for (const member of members) {
        if (shown.has(member.user)) continue;
        shown.add(member.user);
        body.append(row(member));
      }
      if (next !== undefined) {
        const more = element('button.plain.more', { type: 'button' }, 'More');
        more.addEventListener('click', () => void page(next));
        body.append(more);
      }
    } catch (error) {
      body.replaceChildren(element('p.empty', {}, error instanceof Error ? error.message : 'Could not load.'));
    }
  };
  void page(undefined);
  return { title: 'In the room', body };
}
