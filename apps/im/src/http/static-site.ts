/**
 * Owns: serving a folder of files. They are read once, at start: a request can only ever name one of them, so that no path
 * leads elsewhere, and no request touches the disk.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress } from 'node:zlib';
import { pathOf, type RequestHandler } from './request-handler.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};

/**
 * The page runs its own code only, talks to this server only, and cannot be framed by others. (`'self'` is also the
 * WebSocket of the page's own host and port, by CSP level 3.)
 */
const POLICY = [
  "default-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

interface StaticFile {
  readonly type: string;
  readonly tag: string;
  readonly plain: Buffer;
  /** Absent where it would not be smaller. */
  readonly compressed: Buffer | undefined;
}

/** `/` is `index.html`. Browsers keep files and ask each time whether they are still the same. */
export async function loadStaticSite(folder: string): Promise<RequestHandler> {
  const files = await loadFiles(folder);
  return (request, response) => {
    const name = pathOf(request);
    const file = files.get(name === '/' ? '/index.html' : name);
    if (file === undefined) return false;
    send(file, request, response);
    return true;
  };
}

async function loadFiles(folder: string): Promise<Map<string, StaticFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && path.extname(entry.name) in TYPES);
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const file = path.join(parentPath, name);
        const url = `/${path.relative(folder, file).split(path.sep).map(encodeURIComponent).join('/')}`;
        return [url, await loadFile(file)] as const;
      }),
    ),
  );
}

async function loadFile(file: string): Promise<StaticFile> {
  const plain = await readFile(file);
  const compressed = await promisify(brotliCompress)(plain);
  return {
    type: TYPES[path.extname(file)] as string,
    tag: createHash('sha256').update(plain).digest('base64url').slice(0, 22),
    plain,
    compressed: compressed.length < plain.length * 0.9 ? compressed : undefined,
  };
}

function send({ type, tag, plain, compressed }: StaticFile, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain' }).end('only GET\n');
    return;
  }
  const wantsCompressed = compressed !== undefined && /\bbr\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const etag = `"${tag}${wantsCompressed ? '-br' : ''}"`;
  response.setHeader('etag', etag);
  response.setHeader('cache-control', 'no-cache');
  response.setHeader('vary', 'accept-encoding');
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  const body = wantsCompressed ? compressed : plain;
  response.writeHead(200, {
    'content-type': type,
    'content-length': body.length,
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
    ...(wantsCompressed && { 'content-encoding': 'br' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
