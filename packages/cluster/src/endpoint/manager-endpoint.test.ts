import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ImError } from '@im/protocol';
import { seededRandom } from '@im/protocol/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { NodeManager } from '../manager/node-manager.js';
import type { DrainRequest } from '../manager/order-book.js';
import { nodeOf } from '../nodes.fixture.js';
import { createManagerEndpoint } from './manager-endpoint.js';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(ids: readonly string[]) {
  const manager = {
    topology: () => ({ epoch: 3, nodes: ids.map((id) => nodeOf(id, { labels: { region: id } })) }),
    status: () => ({ id: 'm1', isWarmingUp: false, epoch: 3, nodes: [], refused: [], orders: [] }),
    journal: () => [{ at: 1, kind: 'came', id: 'a', text: 'gateway a came' }],
    release: vi.fn(() => 2),
    drain: vi.fn(({ node, windowMs, restart = false }: DrainRequest) => {
      if (!ids.includes(node)) throw new ImError('INVALID_ARGUMENT', { message: `no node is called ${node}` });
      return { order: 'o-1', id: node, incarnation: '1', windowMs, restart };
    }),
    keep: vi.fn((id: string) => ({ order: 'o-2', id, incarnation: '1', restart: false })),
  } satisfies NodeManager;
  const handle = createManagerEndpoint({
    manager,
    isOperator: ({ headers }) => headers.authorization === 'Bearer right',
    random: seededRandom(1),
  });
  const server = createServer((request, response) => {
    if (!handle(request, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = (path: string, init: RequestInit = {}) => fetch(origin + path, init);
  return { ask, manager, asOperator: { headers: { authorization: 'Bearer right' } } };
}

describe('the endpoint of a node manager', () => {
  it('tells everybody, pages of any origin too, where to connect and how to wait', async () => {
    const { ask } = await serve(['a', 'b']);
    const response = await ask('/v1/route', { headers: { origin: 'https://page.test' } });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const route = (await response.json()) as { addresses: string[] };
    expect(route).toMatchObject({ backoff: { minMs: 500, maxMs: 30_000 }, maxAgeMs: 30_000 });
    expect(route.addresses.sort()).toEqual(['ws://a.test/', 'ws://b.test/']);
  });

  it('names gateways of the region asked for first', async () => {
    const { ask } = await serve(['a', 'b', 'c', 'd']);
    const response = await ask('/v1/route?region=c&else=1');
    expect(await response.json()).toMatchObject({ addresses: { 0: 'ws://c.test/', length: 3 } });
  });

  it('says when to ask again while no gateway takes clients', async () => {
    const { ask } = await serve([]);
    const response = await ask('/v1/route');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({ name: 'UNAVAILABLE', retryable: true });
  });

  const paths = ['/v1/topology', '/v1/nodes', '/v1/journal', '/v1/topology/release'];
  it.each([...paths, '/v1/nodes/drain?node=a', '/v1/nodes/keep?node=a'])('tells %s operators only', async (path) => {
    const { ask, manager, asOperator } = await serve(['a']);
    for (const init of [{}, { headers: { authorization: 'Bearer wrong' } }]) {
      const response = await ask(path, { method: 'POST', ...init });
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
    for (const changing of [manager.release, manager.drain, manager.keep]) expect(changing).not.toHaveBeenCalled();
    const method = /release|node=/.test(path) ? 'POST' : 'GET';
    expect((await ask(path, { method, ...asOperator })).status).toBe(200);
  });

  it('releases what is held back, by POST only', async () => {
    const { ask, manager, asOperator } = await serve(['a']);
    const refused = await ask('/v1/topology/release', asOperator);
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
    const response = await ask('/v1/topology/release', { method: 'POST', ...asOperator });
    expect(await response.json()).toEqual({ released: 2 });
    expect(manager.release).toHaveBeenCalledTimes(1);
  });

  it('orders drains and takes them back, by POST only, and says what is wrong', async () => {
    const { ask, manager, asOperator } = await serve(['a']);
    const post = { method: 'POST', ...asOperator };
    expect((await ask('/v1/nodes/drain?node=a', asOperator)).status).toBe(405);
    const ordered = await ask('/v1/nodes/drain?node=a&windowMs=500&restart=true&anyway=true', post);
    expect(await ordered.json()).toEqual({ order: 'o-1', id: 'a', incarnation: '1', windowMs: 500, restart: true });
    expect(manager.drain).toHaveBeenLastCalledWith({ node: 'a', windowMs: 500, restart: true, anyway: true });
    await ask('/v1/nodes/drain?node=a', post);
    const plain = { node: 'a', windowMs: 10_000, restart: false, anyway: false };
    expect(manager.drain).toHaveBeenLastCalledWith(plain);
    const unknown = await ask('/v1/nodes/drain?node=z', post);
    expect(unknown.status).toBe(400);
    expect(await unknown.json()).toMatchObject({ name: 'INVALID_ARGUMENT', message: 'no node is called z' });
    expect(await (await ask('/v1/nodes/keep?node=a', post)).json()).toMatchObject({ order: 'o-2', id: 'a' });
  });

  it('leaves other paths to others', async () => {
    const { ask } = await serve(['a']);
    for (const path of ['/', '/v1/routes', '/v1/constructor', '/constructor']) {
      expect((await ask(path)).status).toBe(418);
    }
    expect((await ask('/v1/route', { method: 'POST' })).status).toBe(405);
  });
});
