import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inlineBytesMax } from '#events/text.ts';
import { keepText } from '#platform/artifacts.ts';
import { rowBytesMax } from '#platform/append-check.ts';
import { memoryArtifacts } from '#platform/memory/artifacts.ts';

test('text stands in its fact as long as it is short there, whatever JSON has to escape', async () => {
  const artifacts = memoryArtifacts();
  const kindOf = async (text: string) => (await keepText(text, artifacts)).kind;
  assert.equal(await kindOf('x'.repeat(inlineBytesMax)), 'inline');
  assert.equal(await kindOf('x'.repeat(inlineBytesMax + 1)), 'stored');
  assert.equal(await kindOf('\u0001'.repeat(inlineBytesMax / 8)), 'inline');
  assert.equal(await kindOf('\u0001'.repeat(inlineBytesMax)), 'stored');
});

test('a prompt and a result of nothing but control characters fit one row', async () => {
  const kept = await keepText('\u001b'.repeat(inlineBytesMax), memoryArtifacts());
  assert.ok(Buffer.byteLength(JSON.stringify([kept, kept])) < rowBytesMax / 2);
});
