/** The list of conversations: who, what was said last, and how much is unread. */
import { avatar, element, icon, shortTime } from './dom.js';
import { type SheetContent, sheetBody } from './sheet.js';

/** A conversation as its row shows it. */
export interface Row {
  readonly conversation: string;
  readonly title: string;
  readonly isGroup: boolean;
  /** What was said last. */
  readonly preview: string;
  readonly at: number;
  readonly unread: number;
  readonly muted: boolean;
}

export interface ConversationsSource {
  /** Undefined until they are known. */
  rows(): readonly Row[] | undefined;
  hasMore(): boolean;
  /** @returns what ends the watching */
  watch(changed: () => void): () => void;
  more(): void;
  open(row: Row): void;
  create(): void;
}

/** Shows what is there and what comes while it is open. */
export function conversationsSheet(source: ConversationsSource): SheetContent {
  const body = sheetBody();
  const create = element('button.plain.with-icon', { type: 'button' }, icon('people'), 'New group');
  create.addEventListener('click', source.create);
  const nodes = new Map<string, { readonly row: string; readonly node: HTMLElement }>();

  const nodeOf = (row: Row): HTMLElement => {
    const known = nodes.get(row.conversation);
    const text = JSON.stringify(row);
    if (known?.row === text) return known.node;
    const node = rowNode(row, () => source.open(row));
    nodes.set(row.conversation, { row: text, node });
    return node;
  };
  const render = (): void => {
    const rows = source.rows();
    const more = element('button.plain.more', { type: 'button', hidden: !source.hasMore() }, 'Older ones');
    more.addEventListener('click', source.more);
    if (!rows) body.replaceChildren(element('p.empty', {}, 'Loading …'));
    else if (rows.length === 0)
      body.replaceChildren(
        element('p.empty', {}, 'No messages yet. Choose somebody from the audience to write to, or begin a group.'),
      );
    else body.replaceChildren(...rows.map(nodeOf), more);
  };
  render();
  return { title: 'Messages', body, actions: [create], tall: true, onClose: source.watch(render) };
}

function rowNode({ title, isGroup, preview, at, unread, muted }: Row, open: () => void): HTMLElement {
  const count = unread > 99 ? '99+' : String(unread);
  const badge = element(
    muted ? 'span.count.muted' : 'span.count',
    { hidden: unread === 0, 'aria-label': `${count} unread` },
    count,
  );
  const row = element(
    unread > 0 && !muted ? 'button.person.unread' : 'button.person',
    { type: 'button' },
    avatar(title, isGroup),
    element('span.text', {}, element('b', {}, title), element('span', {}, preview)),
    element(
      'span.aside',
      {},
      element('time', {}, shortTime(at)),
      element('span.marks', {}, ...(muted ? [icon('muted')] : []), badge),
    ),
  );
  row.addEventListener('click', open);
  return row;
}
