/** The table of behaviours is complete and is what the documentation shows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { behaviours, behaviourTable } from '../../../../services/local/demo-agent/behaviours.ts';
import { chooseFault, startSteps } from '../../../../services/local/demo-agent/fault.ts';

/** The cells of every line that is part of a table, without the spaces that a formatter puts between them. */
const cellsOf = (markdown: string) =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^[|\s:-]+$/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));

it('every behaviour of the table can be played, and its name stands there once', async () => {
  assert.equal(new Set(behaviours.map(({ name }) => name)).size, behaviours.length);
  for (const { name } of behaviours) assert.ok(await chooseFault(name), name);
});

it('every fault that can be played stands in the table', async () => {
  const files = ['exit', 'hang', 'processes', 'output', 'encoding', 'protocol', 'disk', 'hostile'];
  for (const file of files) {
    const loaded: unknown = await import(`../../../../services/local/demo-agent/faults/${file}.ts`);
    assert.ok(typeof loaded === 'object' && loaded !== null && 'faults' in loaded && typeof loaded.faults === 'object');
    const named = behaviours.filter(({ family }) => family === file).map(({ name }) => name);
    assert.deepEqual(Object.keys(loaded.faults ?? {}).toSorted(), named.toSorted());
  }
});

it('a behaviour is marked as one of the start exactly when it takes hold before the first prompt', async () => {
  for (const { name, startOnly } of behaviours) {
    const { fault = {} } = (await chooseFault(name)) ?? {};
    assert.equal(
      startOnly ?? false,
      startSteps.some((step) => step in fault),
      name,
    );
  }
});

it('an amount is taken from the name, then from the table', async () => {
  assert.equal((await chooseFault('floods-lines:3'))?.amount, 3);
  assert.equal((await chooseFault('floods-lines'))?.amount, 1024);
  assert.equal(await chooseFault('floods-lines:many'), undefined);
  assert.equal(await chooseFault('constructor'), undefined);
});

it('the documentation shows the table as it is', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/demo-agent.md'), 'utf8');
  assert.deepEqual(cellsOf(page.slice(page.indexOf('## Behaviours'))), cellsOf(behaviourTable()));
});
