import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CommandError } from '../command.js';
import { makeKeys, readBrokerKeys, readPeerKeys } from './key-files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'im-keys-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('lets in everybody whose keys are made, also at the same time', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'peer'];
  await Promise.all(names.map((name) => makeKeys(folder, name)));
  const { allowed, publicKey } = await readBrokerKeys(folder);
  expect(new Set(allowed).size).toBe(names.length);
  const peer = await readPeerKeys(folder);
  expect(allowed).toContain(peer.publicKey);
  expect(peer.brokerKey).toBe(publicKey);
  expect((await readdir(folder)).sort()).toEqual(['broker.json', ...names.map((name) => `${name}.json`)].sort());
});

it('leaves no draft behind when the peer has keys', async () => {
  await makeKeys(folder, 'a');
  await expect(makeKeys(folder, 'a')).rejects.toThrow(/a\.json is there already/);
  expect((await readBrokerKeys(folder)).allowed).toHaveLength(1);
  expect((await readdir(folder)).sort()).toEqual(['a.json', 'broker.json']);
});

it('changes nothing while somebody else writes, and says which file is in the way', async () => {
  await writeFile(path.join(folder, 'broker.json.new'), '');
  const made = makeKeys(folder, 'a');
  await expect(made).rejects.toBeInstanceOf(CommandError);
  await expect(made).rejects.toThrow(/broker\.json\.new is there.*remove it/);
  expect(await readdir(folder)).toEqual(['broker.json.new']);
});
