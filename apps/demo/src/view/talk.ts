/** One conversation: its lines, the way back into its history, and the composer. Draws what it is given; must not know where it comes from. */
import type { EventLine, Line } from '@im/client-sdk/conversations';
import { element, icon } from './dom.js';
import { type SheetContent, sheetBody } from './sheet.js';
import { dayNode, type LineActions, messageNode, noteNode } from './talk-lines.js';

/** What is to be seen of a conversation now. */
interface TalkPicture {
  readonly title: string;
  readonly isGroup: boolean;
  readonly state: 'loading' | 'open' | 'gone';
  readonly muted: boolean;
  readonly lines: readonly Line[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

export interface TalkActions extends LineActions {
  picture(): TalkPicture;
  watch(changed: () => void): () => void;
  load(side: 'older' | 'newer'): Promise<void>;
  latest(): void;
  send(text: string): void;
  /** What is here has been seen. */
  seen(): void;
  mute(muted: boolean): void;
  /** Who is in it. */
  openGroup(): void;
  /** `Bob added Cat` */
  describe(line: EventLine): string;
  back(): void;
}

/** So near to an end more is loaded, in pixels. */
const NEAR = 240;

export function talkSheet(actions: TalkActions): SheetContent {
  const list = element('div.talk', { role: 'log', 'aria-label': 'Messages' });
  const body = sheetBody(list);
  body.classList.add('talk-body');
  const below = element('button.new-below', { type: 'button', hidden: true }, 'New messages ↓');
  const nodes = new Map<string, { readonly line: string; readonly node: HTMLElement }>();
  let shown: readonly Line[] = [];
  let loading = false;

  const field = element('input.field', { maxlength: 2_000, autocomplete: 'off', enterkeyhint: 'send' });
  const send = element('button.round.send', { type: 'submit', 'aria-label': 'Send', title: 'Send' }, icon('send'));
  const form = element('form', {}, field, send);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = field.value.trim();
    field.value = '';
    if (text === '') return;
    actions.send(text);
    toEnd();
  });

  const mute = element('button.plain.icon-only', { type: 'button' });
  mute.addEventListener('click', () => actions.mute(!actions.picture().muted));
  const group = element(
    'button.plain.icon-only',
    { type: 'button', 'aria-label': 'People', title: 'People' },
    icon('people'),
  );
  group.addEventListener('click', actions.openGroup);

  const isAtEnd = (): boolean => body.scrollHeight - body.scrollTop - body.clientHeight < 60;
  const toEnd = (): void => {
    actions.latest();
    body.scrollTop = body.scrollHeight;
  };

  function nodeOf(line: Line): HTMLElement {
    const known = nodes.get(line.key);
    const text = JSON.stringify(line);
    if (known?.line === text) return known.node;
    const node =
      line.kind === 'message'
        ? messageNode(line, actions.picture().isGroup, actions)
        : noteNode(actions.describe(line));
    // Its tick may change while somebody chooses what to do with it.
    const menu = known?.node.querySelector('.line-menu.passing');
    if (menu && line.kind === 'message' && !line.takenBack) node.append(menu);
    nodes.set(line.key, { line: text, node });
    return node;
  }

  /** Lines with the days between them. */
  function drawn(lines: readonly Line[]): HTMLElement[] {
    let day = '';
    let author = '';
    return lines.flatMap((line) => {
      const node = nodeOf(line);
      const at = line.kind === 'message' ? line.at : line.data.at;
      const before = day;
      day = new Date(at).toDateString();
      const from = line.kind === 'message' ? line.from.user : '';
      node.classList.toggle('goes-on', from !== '' && from === author && day === before);
      author = from;
      return day === before ? [node] : [dayNode(at), node];
    });
  }

  function render(): void {
    const { title, isGroup, state, muted, lines, hasNewer } = actions.picture();
    const label = muted ? 'Unmute' : 'Mute';
    mute.replaceChildren(icon(muted ? 'muted' : 'bell'));
    mute.setAttribute('aria-label', label);
    mute.title = label;
    mute.disabled = state !== 'open';
    group.hidden = !isGroup;
    field.placeholder = `Write to ${title}`;
    field.setAttribute('aria-label', field.placeholder);
    form.hidden = state === 'gone';
    if (lines === shown && lines.length > 0) return;

    const follow = isAtEnd();
    const anchor = [...list.children].find(
      (node) => (node as HTMLElement).offsetTop + (node as HTMLElement).offsetHeight > body.scrollTop,
    );
    const place = anchor && (anchor as HTMLElement).offsetTop - body.scrollTop;
    const grew = shown.length > 0 && lines.at(-1)?.key !== shown.at(-1)?.key;
    shown = lines;
    for (const key of nodes.keys()) if (!lines.some((line) => line.key === key)) nodes.delete(key);
    list.replaceChildren(...(lines.length > 0 ? drawn(lines) : [element('p.empty', {}, emptyText(state, title))]));
    if (follow && !hasNewer) body.scrollTop = body.scrollHeight;
    else if (anchor?.isConnected) body.scrollTop = (anchor as HTMLElement).offsetTop - (place ?? 0);
    below.hidden = follow || !grew;
    look();
  }

  /** What can be seen counts as read, where somebody looks. */
  function look(): void {
    if (!isAtEnd() || actions.picture().hasNewer) return;
    below.hidden = true;
    if (document.visibilityState === 'visible') actions.seen();
  }

  async function more(side: 'older' | 'newer'): Promise<void> {
    if (loading) return;
    loading = true;
    await actions.load(side).catch(() => {});
    loading = false;
  }

  function onScroll(): void {
    const { hasOlder, hasNewer } = actions.picture();
    if (hasOlder && body.scrollTop < NEAR) void more('older');
    else if (hasNewer && body.scrollHeight - body.scrollTop - body.clientHeight < NEAR) void more('newer');
    look();
  }

  body.addEventListener('scroll', onScroll);
  below.addEventListener('click', toEnd);
  document.addEventListener('visibilitychange', look);
  const unwatch = actions.watch(render);
  render();
  return {
    title: actions.picture().title,
    body,
    footer: form,
    above: below,
    actions: [group, mute],
    tall: true,
    back: actions.back,
    onOpen() {
      body.scrollTop = body.scrollHeight;
      look();
    },
    onClose() {
      unwatch();
      document.removeEventListener('visibilitychange', look);
    },
  };
}

function emptyText(state: TalkPicture['state'], title: string): string {
  if (state === 'loading') return 'Loading …';
  return state === 'gone'
    ? 'You are not in this conversation any longer.'
    : `Nothing was written yet. Say hello to ${title}.`;
}
