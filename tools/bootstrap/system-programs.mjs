/** Owns: programs that are not npm packages, which tests need: how to find them, and to install them where that is allowed. */
import { existsSync } from 'node:fs';
import { runCommand } from './command.mjs';
import { step } from './step.mjs';

/**
 * @typedef {object} SystemProgram
 * @property {string} name
 * @property {string[]} files where it may be when it is installed: one of them is enough
 * @property {string[]} debianPackages what brings it
 */

/** @type {Record<string, SystemProgram>} */
const systemPrograms = {
  chromium: { name: 'Chromium', files: ['/usr/bin/chromium'], debianPackages: ['chromium', 'fonts-dejavu-core'] },
  curl: { name: 'curl', files: ['/usr/bin/curl'], debianPackages: ['curl'] },
  go: { name: 'Go', files: ['/usr/local/go/bin/go', '/usr/bin/go'], debianPackages: ['golang-go'] },
  natsServer: {
    name: 'NATS',
    files: ['/usr/sbin/nats-server', '/usr/bin/nats-server'],
    debianPackages: ['nats-server'],
  },
  php: { name: 'PHP', files: ['/usr/bin/php'], debianPackages: ['php-cli'] },
  phpZmq: {
    name: 'php-zmq',
    files: ['8.2', '8.3', '8.4', '8.5'].map((version) => `/etc/php/${version}/mods-available/zmq.ini`),
    debianPackages: ['php-zmq'],
  },
  pythonZmq: {
    name: 'python3-zmq',
    files: ['/usr/lib/python3/dist-packages/zmq/__init__.py'],
    debianPackages: ['python3-zmq'],
  },
  redisServer: { name: 'Redis', files: ['/usr/bin/redis-server'], debianPackages: ['redis-server'] },
  strace: { name: 'strace', files: ['/usr/bin/strace'], debianPackages: ['strace'] },
};

/** Whether this process may install Debian packages. */
const mayInstall = () => existsSync('/etc/debian_version') && process.getuid?.() === 0;

/**
 * Installs what is missing if that is possible.
 * @param {string[]} names keys of `systemPrograms`
 * @returns {Promise<string[]>} those that are still missing
 */
export async function ensurePrograms(names) {
  const missing = () => names.filter((name) => !programOf(name).files.some((file) => existsSync(file)));
  if (missing().length === 0 || !mayInstall()) return missing();
  const packages = missing().flatMap((name) => programOf(name).debianPackages);
  await step('system programs', async () => {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const update = await runCommand('apt-get', ['update', '-qq'], { env });
    const install = await runCommand('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      env,
    });
    return { ok: install.status === 0, output: update.output + install.output, note: packages.join(', ') };
  });
  return missing();
}

/** @param {string} name @returns {SystemProgram} */
export function programOf(name) {
  const program = systemPrograms[name];
  if (program === undefined) throw new Error(`no system program is called ${name}`);
  return program;
}
