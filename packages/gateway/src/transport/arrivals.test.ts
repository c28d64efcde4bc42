import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TurnQueue } from '../connection/turn-queue.js';
import { answering, asking } from '../testing/shared-key.js';
import { Arrivals } from './arrivals.js';

const PER_TURN = 32;
const get = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

describe('Arrivals', () => {
  const clock = new FakeClock();
  let server: Server;
  let turns: (() => void)[];
  let arrived: number;
  let refused: number;
  const sockets: Socket[] = [];
  const all: Arrivals[] = [];
  beforeEach(() => {
    server = createServer((_request, response) => response.end('the page'));
    turns = [];
    sockets.length = all.length = arrived = refused = 0;
  });
  afterEach(async () => {
    for (const each of all) each.letGo();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    expect(clock.pendingTimers).toBe(0);
  });

  function arrivals({ maxWaiting = 1_000, maxRunning = 1_000 } = {}): Arrivals {
    const counter = { add: () => void refused++ };
    const nextTurn = (run: () => void) => void turns.push(run);
    const queue = new TurnQueue({ maxRunning, maxWaiting, nextTurn, refused: counter });
    const made = new Arrivals(server, { clock, queue, arrived: () => void arrived++ });
    all.push(made);
    return made;
  }
  const nextTurn = (): void => {
    for (const run of turns.splice(0)) run();
  };
  async function listen(): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  const came = (count: number) => vi.waitFor(() => expect(arrived).toBe(count), { interval: 1 });
  /** Asks for the page; settles with what came before the end. */
  function ask(socket: Socket, name = ''): Promise<string> {
    sockets.push(socket);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.write(get(name));
    return new Promise((resolve) => socket.once('close', () => resolve(text)));
  }

  it('has so many read in a turn, in the order in which they came, with what they have said meanwhile', async () => {
    arrivals();
    const read: (string | undefined)[] = [];
    server.on('request', ({ url }) => read.push(url));
    const port = await listen();
    const names = Array.from({ length: PER_TURN + 8 }, (_, i) => String(i));
    const answers: Promise<string>[] = [];
    for (const name of names) {
      answers.push(ask(connect(port, '127.0.0.1'), name));
      await came(answers.length);
    }
    await Promise.all(answers.slice(0, PER_TURN));
    const urls = names.map((name) => `/${name}`);
    expect(new Set(read)).toEqual(new Set(urls.slice(0, PER_TURN)));
    nextTurn();
    for (const answer of answers) expect(await answer).toMatch(/the page$/);
    expect(read.slice(PER_TURN)).toEqual(urls.slice(PER_TURN));
    nextTurn();
    expect(turns).toEqual([]);
  });

  it('puts up with who breaks off while it waits, and does not have it read', async () => {
    arrivals();
    const reader = vi.fn();
    server.on('request', reader);
    const port = await listen();
    const gone = Array.from({ length: PER_TURN + 1 }, () => connect(port, '127.0.0.1'));
    sockets.push(...gone);
    await came(PER_TURN + 1);
    gone.at(-1)?.resetAndDestroy();
    const left = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
    await vi.waitFor(async () => expect(await left()).toBe(PER_TURN));
    nextTurn();
    expect(reader).not.toHaveBeenCalled();
    expect(await ask(connect(port, '127.0.0.1'))).toMatch(/the page$/);
  });

  it('lets in no more while so many have said nothing, until one of them speaks, goes, or has been silent for long', async () => {
    arrivals({ maxRunning: 2 });
    const read: (string | undefined)[] = [];
    server.on('request', ({ url }) => read.push(url));
    const port = await listen();
    const [speaking, going, silent] = [0, 1, 2].map(() => connect(port, '127.0.0.1')) as [Socket, Socket, Socket];
    sockets.push(going, silent);
    await came(3);
    const names = ['a', 'b', 'c', 'd'];
    const answers: Promise<string>[] = [];
    for (const name of names) {
      answers.push(ask(connect(port, '127.0.0.1'), name));
      await came(3 + answers.length);
    }
    nextTurn();
    expect(read).toEqual([]);
    void ask(speaking, 'speaking');
    await vi.waitFor(() => expect(read).toEqual(['/speaking']));
    nextTurn();
    // The third has its place now.
    await new Promise(setImmediate);
    nextTurn();
    expect(read).toEqual(['/speaking']);
    going.resetAndDestroy();
    await vi.waitFor(() => {
      nextTurn();
      expect(read).toEqual(['/speaking', '/a', '/b', '/c', '/d']);
    });
    await Promise.all(answers);
    const others = [0, 1].map(() => connect(port, '127.0.0.1'));
    sockets.push(...others);
    await came(9);
    nextTurn();
    const last = ask(connect(port, '127.0.0.1'), 'last');
    await came(10);
    nextTurn();
    expect(read).not.toContain('/last');
    clock.advance(250);
    await vi.waitFor(() => {
      nextTurn();
      expect(read).toContain('/last');
    });
    await last;
  });

  it('counts nobody as silent who has been so since it was accepted for long, or has spoken while it waited', async () => {
    arrivals({ maxRunning: 2 });
    const read: (string | undefined)[] = [];
    server.on('request', ({ url }) => read.push(url));
    const port = await listen();
    const silent = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
    sockets.push(...silent);
    await came(20);
    const answers: Promise<string>[] = [];
    for (const name of ['a', 'b', 'c']) {
      answers.push(ask(connect(port, '127.0.0.1'), name));
      await came(20 + answers.length);
    }
    nextTurn();
    clock.advance(250);
    await new Promise(setImmediate);
    nextTurn();
    await vi.waitFor(() => expect(read).toEqual(['/a', '/b', '/c']));
    await Promise.all(answers);
  });

  it.each(['reset', 'end'])('has room again for others when who waits breaks off (%s)', async (how) => {
    arrivals({ maxWaiting: 1 });
    const port = await listen();
    const idle = Array.from({ length: PER_TURN }, () => connect(port, '127.0.0.1'));
    const waiting = connect(port, '127.0.0.1');
    sockets.push(...idle, waiting);
    await came(PER_TURN + 1);
    const left = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
    if (how === 'reset') waiting.resetAndDestroy();
    else waiting.end();
    await vi.waitFor(async () => expect(await left()).toBe(PER_TURN));
    const answer = ask(connect(port, '127.0.0.1'));
    await came(PER_TURN + 2);
    expect(refused).toBe(0);
    nextTurn();
    expect(await answer).toMatch(/the page$/);
  });

  it('closes, and counts, whom there is no room for', async () => {
    arrivals({ maxWaiting: 1 });
    const port = await listen();
    const idle = Array.from({ length: PER_TURN + 1 }, () => connect(port, '127.0.0.1'));
    sockets.push(...idle);
    await came(PER_TURN + 1);
    expect(await ask(connect(port, '127.0.0.1'))).toBe('');
    expect(refused).toBe(1);
  });

  it('gives the server back as it was, with those who wait', async () => {
    const before = server.listeners('connection');
    const taken = arrivals();
    const port = await listen();
    const answers = Array.from({ length: PER_TURN + 8 }, () => ask(connect(port, '127.0.0.1')));
    await came(PER_TURN + 8);
    taken.letGo();
    for (const answer of answers) expect(await answer).toMatch(/the page$/);
    expect(server.listeners('connection')).toEqual(before);
  });

  it.each(['first', 'second'])('leaves a server of two to the other, when the %s lets go', async (which) => {
    const [first, second] = [arrivals(), arrivals()];
    const port = await listen();
    (which === 'first' ? first : second).letGo();
    arrived = 0;
    expect(await ask(connect(port, '127.0.0.1'))).toMatch(/^HTTP.*the page$/s);
    expect(arrived).toBe(1);
    (which === 'first' ? second : first).letGo();
    expect(await ask(connect(port, '127.0.0.1'))).toMatch(/^HTTP.*the page$/s);
    expect(arrived).toBe(1);
  });

  it('hears who speaks over TLS', async () => {
    server = createTlsServer(answering, (_request, response) => response.end('the page'));
    arrivals({ maxRunning: 1 });
    const port = await listen();
    const staying = connectTls({ port, host: '127.0.0.1', ...asking });
    sockets.push(staying);
    await came(1);
    const answer = ask(connectTls({ port, host: '127.0.0.1', ...asking }));
    await came(2);
    staying.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => staying.once('data', resolve));
    const read = vi.fn();
    void answer.then(read);
    await vi.waitFor(() => {
      nextTurn();
      expect(read).toHaveBeenCalledWith(expect.stringMatching(/the page$/));
    });
  });

  it('has connections with TLS wait as well, before they shake hands', async () => {
    server = createTlsServer(answering, (_request, response) => response.end('the page'));
    const secured = vi.fn();
    server.on('secureConnection', secured);
    arrivals();
    const port = await listen();
    const idle = Array.from({ length: PER_TURN }, () => connect(port, '127.0.0.1'));
    sockets.push(...idle);
    await came(PER_TURN);
    const answer = ask(connectTls({ port, host: '127.0.0.1', ...asking }));
    await came(PER_TURN + 1);
    await new Promise(setImmediate);
    expect(secured).not.toHaveBeenCalled();
    nextTurn();
    expect(await answer).toMatch(/the page$/);
  });
});
