import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { catalog, parseStored, rebuild } from '#events/catalog.ts';
import { Envelope, streamKinds } from '#events/envelope.ts';
import { stored } from '#test/support/given.ts';
import { owner, sessionId, taskId, workerId } from '#test/support/ids.ts';

const schemas = streamKinds.flatMap((kind) => catalog[kind].facts.options.map((fact) => ({ kind, fact })));

describe('the catalog', () => {
  it('knows every kind of stream', () => assert.deepEqual(Object.keys(catalog).toSorted(), streamKinds.toSorted()));

  it('has no two facts of one name, so that a name alone can be routed', () => {
    const names = schemas.map(({ fact }) => fact.shape.type.value);
    assert.deepEqual(names, [...new Set(names)]);
  });
  it('has no fact with a field that is called as one of the envelope', () => {
    const envelope = new Set(Object.keys(Envelope.shape));
    for (const { fact } of schemas) {
      const taken = Object.keys(fact.shape).filter((field) => envelope.has(field));
      assert.deepEqual(taken, [], fact.shape.type.value);
    }
  });
  it('says of every fact what it means, in one sentence', () => {
    for (const { fact } of schemas) assert.match(fact.description ?? '', /^[A-Z][^.]+\.$/, fact.shape.type.value);
  });

  it('reads a stored fact by the kind of its stream, without what it does not know', () => {
    const stream = `account/${owner}` as const;
    const [fact] = stored(stream, [{ type: 'UserInvited', v: 1, name: 'Ada', role: 'admin' }]);
    assert.deepEqual(parseStored(stream, { ...fact, addedLater: true }), fact);
  });
  it('refuses a fact that belongs to another kind of stream, and one of a version it does not know', () => {
    const stream = `account/${owner}` as const;
    const facts = stored(stream, [
      { type: 'TaskCancelRequested', v: 1 },
      { type: 'RoleChanged', v: 2, role: 'admin' },
    ]);
    for (const fact of facts) assert.throws(() => parseStored(stream, fact), z.ZodError);
  });
  it('folds the facts of a stream into its row, and none into nothing', () => {
    const stream = `session/${sessionId(1)}` as const;
    const agent = { name: 'demo', version: '1', dialect: 'acp' };
    const hosting = { owner, workerId: workerId(1), processId: 1, agent, agentSessionId: 'a', workDirectory: '/w' };
    const facts = stored<object>(stream, [
      { type: 'SessionCreated', v: 1, generation: 1, ...hosting },
      { type: 'SessionActivated', v: 1, taskId: taskId(1) },
    ]);
    const row = catalog.session.parseRow(rebuild('session', facts));
    assert.deepEqual([row.status, row.taskId, row.sessionId], ['active', taskId(1), sessionId(1)]);
    assert.deepEqual(rebuild('session', []), { status: 'absent' });
  });
  it('does not fold a history without its beginning', () => {
    const facts = stored(`session/${sessionId(1)}`, [{ type: 'SessionIdled', v: 1 }]);
    assert.throws(() => rebuild('session', facts), /^Error: session\/.* starts with SessionIdled$/);
  });

  it('is what docs/events.md shows', async () => {
    const script = new URL('../../docs/generate-events.ts', import.meta.url).pathname;
    await promisify(execFile)(process.execPath, [script, '--check']);
  });
});
