/** `node test/bench/main.ts [name …]` measures all, or what is named, and prints one table; all of it in full is written to `results.md`. */
import { writeFile } from 'node:fs/promises';
import { format } from 'prettier';
import { effort } from '#test/proof/effort.ts';
import { append } from './append.ts';
import { fanOut } from './fan-out.ts';
import { tableOf } from './figure.ts';
import type { Figure } from './figure.ts';
import { firstWord } from './first-word.ts';
import { http } from './http.ts';
import { latency } from './latency.ts';
import { live } from './live.ts';
import { describeMachine } from './machine.ts';
import { rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { memory } from './memory.ts';
import { rebuild } from './rebuild.ts';
import { replay } from './replay.ts';
import { startUp } from './start-up.ts';
import { storedTasks } from './stored-tasks.ts';
import { submit } from './submit.ts';
import { withoutService } from './without-service.ts';

const measurements: ReadonlyMap<string, Measurement> = new Map([
  ['submit', submit],
  ['append', append],
  ['first-word', firstWord],
  ['live', live],
  ['fan-out', fanOut],
  ['replay', replay],
  ['rebuild', rebuild],
  ['latency', latency],
  ['http', http],
  ['memory', memory],
  ['start-up', startUp],
  ['stored-tasks', storedTasks],
  ['without-service', withoutService],
]);

const introduction = [
  '# Benchmark',
  `Written by \`make bench\` on: ${describeMachine()}.`,
  [
    `Medians of ${rounds} rounds. What is compared was measured in turn, in the same minutes on the same machine; a ratio is the median of`,
    'the ratios within each round, with the least and the most of them. Absolute figures are of this machine; ratios travel.',
  ].join(' '),
];

const [, , ...asked] = process.argv;
const unknown = asked.filter((name) => !measurements.has(name));
if (unknown.length > 0) {
  process.stderr.write(`there is no ${unknown.join(', ')}; there are ${[...measurements.keys()].join(', ')}\n`);
  process.exit(64);
}

const figures: Figure[] = [];
for (const [name, measure] of measurements) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const startedAt = performance.now();
  process.stderr.write(`${name}\n`);
  figures.push(...(await measure()));
  process.stderr.write(`  took ${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`);
}
const text = await format([...introduction, tableOf(figures)].join('\n\n'), { parser: 'markdown', printWidth: 120 });
process.stdout.write(text);
if (asked.length === 0 && effort === 'full') await writeFile(new URL('results.md', import.meta.url), text);
process.exit(0);
