/** Who is in a chat group, and what can be done about it. */
import type { Role } from '@im/client-sdk/conversations';
import { avatar, element } from './dom.js';
import { type SheetContent, sheetBody } from './sheet.js';

interface GroupPerson {
  readonly user: string;
  readonly name: string;
  readonly role: Role;
}

export interface GroupActions {
  readonly title: string;
  readonly me: string;
  /** Whether this person may remove others. */
  readonly isAdmin: boolean;
  load(
    cursor: string | undefined,
  ): Promise<{ readonly people: readonly GroupPerson[]; readonly cursor?: string | undefined }>;
  write(person: GroupPerson): void;
  remove(person: GroupPerson): Promise<unknown>;
  invite(): void;
  leave(): void;
  back(): void;
}

export function groupSheet(actions: GroupActions): SheetContent {
  const { title, me, isAdmin, back } = actions;
  const list = element('div', {}, element('p.empty', {}, 'Loading …'));

  const row = (person: GroupPerson): HTMLElement => {
    const { user, name, role } = person;
    const what =
      [role === 'member' ? '' : role, user === me ? 'you' : ''].filter(Boolean).join(' · ') || 'write privately';
    const open = element(
      'button.person',
      { type: 'button', disabled: user === me },
      avatar(name),
      element('span.text', {}, element('b', {}, name), element('span', {}, what)),
    );
    open.addEventListener('click', () => actions.write(person));
    const node = element('div.group-person', {}, open);
    if (isAdmin && user !== me && role !== 'owner') {
      const remove = element('button.plain', { type: 'button', 'aria-label': `Remove ${name}` }, 'Remove');
      remove.addEventListener('click', () => {
        remove.disabled = true;
        actions.remove(person).then(
          () => node.remove(),
          () => {
            remove.disabled = false;
          },
        );
      });
      node.append(remove);
    }
    return node;
  };

  const page = async (cursor: string | undefined): Promise<void> => {
    try {
      const { people, cursor: next } = await actions.load(cursor);
      list.querySelector('.empty, .more')?.remove();
      list.append(...people.map(row));
      if (next === undefined) return;
      const more = element('button.plain.more', { type: 'button' }, 'More');
      more.addEventListener('click', () => void page(next));
      list.append(more);
    } catch (error) {
      list.replaceChildren(element('p.empty', {}, error instanceof Error ? error.message : 'Could not load.'));
    }
  };
  void page(undefined);

  const leave = element('button.secondary', { type: 'button' }, 'Leave the group');
  leave.addEventListener('click', actions.leave);
  const invite = element('button.primary', { type: 'button' }, 'Invite');
  invite.addEventListener('click', actions.invite);
  const footer = element('div.pair', {}, leave, invite);
  return { title, body: sheetBody(list), footer, tall: true, back };
}
