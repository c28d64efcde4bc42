/**
 * `node tools/protocol-coverage/main.mjs [--require-all] [report.json …]`: which numbered sentences of docs/protocol.md
 * (`PR-n`) and docs/rpc.md (`RP-n`) no test proves. With reports of vitest's JSON reporter only tests that passed count; without, what the sources name.
 * With --require-all anything short of 100 %, or a tag that no sentence has, is a failure.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { workspaceRoot } from '../workspace/packages.mjs';
import { compare, describe } from './coverage.mjs';
import { readSentences } from './sentences.mjs';
import { tagsOfReports, tagsOfSources } from './tags.mjs';

const args = process.argv.slice(2);
const reports = args.filter((arg) => arg !== '--require-all');
const tags =
  reports.length > 0
    ? tagsOfReports(reports.map((file) => JSON.parse(readFileSync(file, 'utf8'))))
    : tagsOfSources(workspaceRoot, ['packages', 'apps', 'tests']);
const sentences = ['docs/protocol.md', 'docs/rpc.md'].flatMap((file) =>
  readSentences(readFileSync(path.join(workspaceRoot, file), 'utf8')),
);

const coverage = compare(sentences, tags);
process.stdout.write(describe(coverage));
const complete = coverage.covered === coverage.total && coverage.unknown.length === 0;
if (args.includes('--require-all') && !complete) process.exitCode = 1;
