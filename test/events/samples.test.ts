/** One stored fact of every version there ever was, as a writer of its time left it. A sample is added, never edited. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { catalog, parseStored } from '#events/catalog.ts';
import { Envelope, kindOf, rootOf, streamKinds } from '#events/envelope.ts';

const folder = new URL('samples/', import.meta.url);
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
const nameOf = (type: string, v: number): string => `${type}.v${v}.json`;

const files = readdirSync(folder);
const current = streamKinds.flatMap((kind) =>
  catalog[kind].facts.options.map((fact, index) => ({
    fact,
    file: nameOf(fact.shape.type.value, fact.shape.v.value),
    begins: index === 0,
    kind,
  })),
);

describe('the samples', () => {
  it('hold one of every fact and version that can be written', () => {
    assert.deepEqual(
      current.map(({ file }) => file).filter((file) => !files.includes(file)),
      [],
    );
  });
  it('are read and folded for ever, whatever their version', () => {
    for (const file of files) {
      const sample = read(file);
      const { stream, version } = Envelope.parse(sample);
      const kind = kindOf(stream);
      const { type } = parseStored(stream, sample);
      assert.equal(type, file.slice(0, file.indexOf('.')));
      const beginnings = current.filter((each) => each.kind === kind && each.begins).map((each) => read(each.file));
      const history = version === 1 ? [sample] : [...beginnings, sample];
      const { parseRow, rebuild, idField } = catalog[kind];
      const row: Record<string, unknown> = { ...parseRow(rebuild(history)) };
      assert.equal(row[idField], rootOf(stream), file);
    }
  });
  it('show every field of the facts written today, and lose none of them by being read', () => {
    for (const { fact, file } of current) {
      const sample = z.record(z.string(), z.unknown()).parse(read(file));
      const fields = [...Object.keys(Envelope.shape), ...Object.keys(fact.shape)];
      assert.deepEqual(Object.keys(sample).toSorted(), fields.toSorted(), file);
      assert.deepEqual(parseStored(Envelope.parse(sample).stream, sample), sample);
    }
  });
});
