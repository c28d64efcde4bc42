/** Owns: writing SVG: elements with their attributes and text, everything escaped; and the look that all plots share. Pure. */

export type Attributes = Readonly<Record<string, string | number>>;

/** An element with what is in it. @param inside elements as they are; text goes through {@link text} */
export function element(name: string, attributes: Attributes, ...inside: readonly string[]): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? rounded(value) : value)}"`,
  );
  const open = `<${name}${written.join('')}`;
  return inside.length === 0 ? `${open}/>` : `${open}>${inside.join('')}</${name}>`;
}

export function text(words: string, attributes: Attributes): string {
  return element('text', attributes, escaped(words));
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Follows the reader's choice of light or dark. */
const STYLE = [
  'svg{background:#fff;color:#1f2328;--a:#0072b2;--b:#d98200;--line:#d1d9e0;--soft:#59636e}',
  '@media (prefers-color-scheme:dark){svg{background:#0d1117;color:#f0f6fc;--a:#56b4e9;--b:#e69f00;--line:#3d444d;--soft:#9198a1}}',
  'text{font:13px system-ui,sans-serif;fill:currentColor}',
  '.title{font-weight:600;font-size:15px}.soft{fill:var(--soft);font-size:12px}',
  '.a{fill:var(--a)}.b{fill:var(--b)}.line{stroke:var(--line);stroke-width:1}',
  '.way{fill:none;stroke:var(--a);stroke-width:1.5;stroke-dasharray:4 3}',
].join('');

/** @param title also read out to those who do not see it */
export function drawing({ width, height }: Size, title: string, ...inside: readonly string[]): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
  };
  const body = [element('title', {}, escaped(title)), element('style', {}, STYLE), ...inside];
  return `${element('svg', attributes, ...body)}\n`;
}

/** A tenth of a pixel is exact enough, and shorter. */
function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(raw: string): string {
  return raw.replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`);
}
