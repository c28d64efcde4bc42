/** Owns: running a child process to its end. */
import { spawn } from 'node:child_process';
import { childEnvironment } from './environment.mjs';
import { root } from './folders.mjs';

/**
 * @typedef {object} CommandResult
 * @property {number} status exit code; 1 when a signal or a failed start ended it
 * @property {string} output standard output and error, interleaved
 */

/**
 * Runs a command in the workspace root and keeps what it says.
 * @param {string} file
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, inherit?: boolean, cwd?: string }} [options] `inherit` lets it talk to the terminal instead
 * @returns {Promise<CommandResult>}
 */
export function runCommand(file, args, { env = {}, inherit = false, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...childEnvironment(), ...env },
      stdio: inherit ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ status: 1, output: `${output}${file}: ${error.message}\n` }));
    child.on('close', (code) => resolve({ status: code ?? 1, output }));
  });
}
