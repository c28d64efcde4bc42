/** Owns: the project graph that `@nx/enforce-module-boundaries` reads from disk. Without one it is silent; with an old one, wrong. */
import { execFileSync } from 'node:child_process';
import { childEnvironment } from '../bootstrap/environment.mjs';
import { workspaceRoot } from '../workspace/packages.mjs';

/** Has Nx write the graph, unless Nx itself started this process and just did. Takes about a second. */
export function refreshProjectGraph() {
  if (process.env.NX_TASK_TARGET_PROJECT !== undefined) return;
  execFileSync('nx', ['show', 'projects'], {
    cwd: workspaceRoot,
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
