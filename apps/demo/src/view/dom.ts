/** Elements without a framework. Text is always set as text, never as markup. */

type Child = Node | string;
type Attributes = Readonly<Record<string, string | number | boolean>>;

/** `element('button.primary', { type: 'submit' }, 'Enter')`: tag and classes, attributes, children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  selector: Tag | `${Tag}.${string}`,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const [tag, ...classes] = selector.split('.') as [Tag, ...string[]];
  const node = document.createElement(tag);
  if (classes.length > 0) node.className = classes.join(' ');
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children);
  return node;
}

const ICONS = {
  alert: '<circle cx="12" cy="12" r="9"/><path d="M12 7v6M12 16.500v.1"/>',
  bell: '<path d="M6 16v-5a6 6 0 0 1 12 0v5l2 2H4zM10 21h4"/>',
  clock: '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>',
  gift: '<path d="M20 12v9H4v-9M2 7h20v5H2zM12 21V7M12 7S10.5 2.5 8 3s-2 4 4 4ZM12 7s1.5-4.5 4-4 2 4-4 4Z"/>',
  heart: '<path d="M12 21S3 15 3 8.500A4.8 4.8 0 0 1 12 6a4.8 4.8 0 0 1 9 2.500C21 15 12 21 12 21Z"/>',
  letter: '<path d="M3 6h18v13H3zM3 7l9 7 9-7"/>',
  muted: '<path d="M6 16v-5a6 6 0 0 1 9-5.200M18 11v5l2 2H8M10 21h4M4 3l17 18"/>',
  plug: '<path d="M8 3v5M16 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4"/>',
  people:
    '<path d="M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20a6.5 6.5 0 0 1 13 0M16 4.200a3.5 3.5 0 0 1 0 6.600M18 14.500a6.5 6.5 0 0 1 3.5 5.5"/>',
  send: '<path d="M4 12 20 4l-5 16-3-7z"/>',
  tick: '<path d="m5 13 4.500 4.500L19 8"/>',
  ticks: '<path d="m2 13 4.500 4.500L16 8M11.500 16.500l1 1L22 8"/>',
} as const;

export function icon(name: keyof typeof ICONS): SVGElement {
  const holder = document.createElement('template');
  holder.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;
  return holder.content.firstElementChild as SVGElement;
}

/** A colour of the name's own. */
export function hueOf(name: string): number {
  let hue = 0;
  for (const char of name) hue = (hue * 31 + (char.codePointAt(0) ?? 0)) % 360;
  return hue;
}

/** An initial on a colour of the name's own: round for people. */
export function avatar(name: string, isGroup = false): HTMLElement {
  const initial = [...name][0]?.toUpperCase() ?? '?';
  const style = `background:hsl(${hueOf(name)} 55% 42%)`;
  return element(isGroup ? 'span.avatar.group' : 'span.avatar', { style, 'aria-hidden': 'true' }, initial);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

export function timeOfDay(ms: number): string {
  return clock.format(ms);
}

const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** The time today, the day before that. */
export function shortTime(ms: number): string {
  return new Date(ms).toDateString() === new Date().toDateString() ? timeOfDay(ms) : date.format(ms);
}
