/** Owns: which documents there are, and what is in one: fenced blocks, commands in running text, links, headings. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import GithubSlugger from 'github-slugger';
import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';

export const repository = path.resolve(import.meta.dirname, '../../..');

/** A place in a document. */
interface Line {
  /** Path of the document in the repository, `packages/rpc/README.md`. */
  readonly document: string;
  /** From 1. */
  readonly line: number;
}

export interface Block extends Line {
  /** The first word after the fence; empty for a block without one. */
  readonly language: string;
  /** What follows it: `no-run`, `serves`. */
  readonly markers: readonly string[];
  readonly text: string;
  /** The block right below this one, with nothing between. */
  readonly next: Block | undefined;
}

export interface Document {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Code within sentences and tables. */
  readonly spans: readonly (Line & { readonly text: string })[];
  /** Targets as written. */
  readonly links: readonly (Line & { readonly target: string })[];
  readonly headings: readonly string[];
  /** What may follow `#` in a link to this document. */
  readonly anchors: ReadonlySet<string>;
}

export function readDocuments(): Document[] {
  return markdownFiles('').map((file) => parseDocument(file, readFileSync(path.join(repository, file), 'utf8')));
}

export function parseDocument(file: string, text: string): Document {
  const slugger = new GithubSlugger();
  const blocks: Block[] = [];
  const spans: (Line & { text: string })[] = [];
  const links: (Line & { target: string })[] = [];
  const headings: string[] = [];
  const anchors: string[] = [];

  const visit = (node: Nodes, below: Nodes | undefined): void => {
    const at: Line = { document: file, line: node.position?.start.line ?? 0 };
    if (node.type === 'code') {
      const next =
        below?.type === 'code' ? toBlock(below, { ...at, line: below.position?.start.line ?? 0 }) : undefined;
      blocks.push(toBlock(node, at, next));
    } else if (node.type === 'inlineCode') spans.push({ ...at, text: node.value });
    else if (node.type === 'link' || node.type === 'image' || node.type === 'definition') {
      links.push({ ...at, target: node.url });
    } else if (node.type === 'heading') {
      headings.push(textOf(node));
      anchors.push(slugger.slug(textOf(node)));
    }
    if ('children' in node) node.children.forEach((child, index) => void visit(child, node.children[index + 1]));
  };
  visit(fromMarkdown(text), undefined);
  return { path: file, text, blocks, spans, links, headings, anchors: new Set(anchors) };
}

function toBlock({ lang, meta, value }: Extract<Nodes, { type: 'code' }>, at: Line, next?: Block): Block {
  return { ...at, language: lang ?? '', markers: meta?.split(/\s+/) ?? [], text: value, next };
}

function textOf(node: Nodes): string {
  if ('value' in node) return node.value;
  return 'children' in node ? node.children.map(textOf).join('') : '';
}

/** Below a folder of the repository, in a fixed order; what is hidden, installed or built aside. */
function markdownFiles(folder: string): string[] {
  return readdirSync(path.join(repository, folder), { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && !['node_modules', 'dist', 'CHANGELOG.md'].includes(name))
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => {
      const file = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return markdownFiles(file);
      return entry.name.endsWith('.md') ? [file] : [];
    });
}
