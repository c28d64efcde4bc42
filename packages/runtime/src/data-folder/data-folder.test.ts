import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataFolder } from './data-folder.js';
import { DataFolderError } from './data-folder-error.js';
import { ensureSecret } from './secret.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'im-data-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('secrets', () => {
  it('are made once, for their owner alone', async () => {
    const secret = await ensureSecret(folder, 'jwt-secret');
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect((await stat(path.join(folder, 'jwt-secret'))).mode & 0o777).toBe(0o600);
    expect(await ensureSecret(folder, 'jwt-secret')).toBe(secret);
    expect(await ensureSecret(folder, 'push-token')).not.toBe(secret);
  });

  it('are the same for all who ask at once, and leave nothing else behind', async () => {
    const secrets = await Promise.all(Array.from({ length: 20 }, () => ensureSecret(folder, 'ticket-key')));
    expect(new Set(secrets).size).toBe(1);
    expect(await readdir(folder)).toEqual(['ticket-key']);
  });

  it.each([0o644, 0o640, 0o604])('are refused when others may read them (mode %o)', async (mode) => {
    await ensureSecret(folder, 'jwt-secret');
    await chmod(path.join(folder, 'jwt-secret'), mode);
    await expect(ensureSecret(folder, 'jwt-secret')).rejects.toThrow(/can be read by other users; run: chmod 600/);
  });

  it('are refused when cut short', async () => {
    await writeFile(path.join(folder, 'jwt-secret'), 'short', { mode: 0o600 });
    await expect(ensureSecret(folder, 'jwt-secret')).rejects.toThrow(DataFolderError);
  });
});

describe('a data folder', () => {
  it('is made for its owner alone', async () => {
    const data = await openDataFolder(path.join(folder, 'deep/er'));
    expect((await stat(data.path)).mode & 0o777).toBe(0o700);
    expect(data.file('log')).toBe(path.join(folder, 'deep/er/log'));
    await data.close();
    expect(await readdir(data.path)).toEqual(['lock.1']);
  });

  it('belongs to one process at a time', async () => {
    const data = await openDataFolder(folder);
    await expect(openDataFolder(folder)).rejects.toThrow(`is in use by process ${process.pid}`);
    await data.close();
    await (await openDataFolder(folder)).close();
  });

  it('goes to exactly one of many who want it, also after an owner that was killed', async () => {
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    await writeFile(path.join(folder, 'lock.7'), JSON.stringify({ pid: dead.pid, began: '1' }));
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => openDataFolder(folder)));
    const owners = results.filter((result) => result.status === 'fulfilled');
    expect(owners).toHaveLength(1);
    await owners[0]?.value.close();
    expect((await readdir(folder)).sort()).toEqual(['lock.7', 'lock.8']);
  });

  it('is taken over when the process id of its owner now belongs to another process', async () => {
    await writeFile(path.join(folder, 'lock.1'), JSON.stringify({ pid: process.pid, began: '1' }));
    const data = await openDataFolder(folder);
    expect(JSON.parse(await readFile(data.file('lock.2'), 'utf8')).began).not.toBe('1');
    await data.close();
  });

  it('is taken over when the lock is damaged', async () => {
    await writeFile(path.join(folder, 'lock.1'), '{');
    await (await openDataFolder(folder)).close();
  });

  it('is told in one line when it cannot be used', async () => {
    await writeFile(path.join(folder, 'file'), '');
    await expect(openDataFolder(path.join(folder, 'file'))).rejects.toThrow(/cannot be used as data folder/);
  });
});
