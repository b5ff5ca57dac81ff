/** The demo agent as an honest agent. */
import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { until } from '#test/support/processes.ts';
import { RawClient, temporaryFolder } from './raw-client.ts';
import type { Update } from './raw-client.ts';

const kinds = (updates: readonly Update[]) => [...new Set(updates.map((update) => update.sessionUpdate))];

describe('an honest turn', () => {
  it('says what it is, plans, thinks, writes a file with permission, answers and tells what it used', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path });
    const sessionId = await client.open();
    assert.equal(await client.prompt(sessionId, 'Make the tests faster'), 'end_turn');
    assert.match(client.text(), /^Demo agent here: no model, no network/);
    assert.match(client.text(), /You wrote "Make the tests faster" \(4 words, digest [0-9a-f]{8}\)/);
    assert.match(client.text(), /I wrote demo\/make-the-tests-faster\.md\.$/);
    assert.deepEqual(kinds(client.updates), [
      'plan',
      'agent_message_chunk',
      'agent_thought_chunk',
      'tool_call',
      'tool_call_update',
      'usage_update',
    ]);
    assert.match(readFileSync(join(client.cwd, 'demo/make-the-tests-faster.md'), 'utf8'), /^# Make the tests faster\n/);
  });

  it('writes nothing before it is permitted', async () => {
    using home = temporaryFolder();
    const seen: boolean[] = [];
    const permit = () => {
      seen.push(existsSync(join(home.path, 'work/a.txt')));
      return 'allow_once';
    };
    await using client = new RawClient({ home: home.path, permit });
    await client.prompt(await client.open(), 'write a.txt: hello');
    assert.deepEqual(seen, [false]);
    assert.equal(readFileSync(join(client.cwd, 'a.txt'), 'utf8'), 'hello\n');
  });

  for (const refusal of ['reject_once', undefined]) {
    it(`writes nothing and says so when permission is ${refusal ?? 'cancelled'}`, async () => {
      using home = temporaryFolder();
      await using client = new RawClient({ home: home.path, permit: () => refusal });
      assert.equal(await client.prompt(await client.open(), 'write a.txt: hello'), 'end_turn');
      assert.equal(existsSync(join(client.cwd, 'a.txt')), false);
      assert.match(client.text(), /I was not permitted to write a\.txt, so I did not\.$/);
      assert.equal(client.updates.filter(({ status }) => status === 'failed').length, 1);
    });
  }

  it('says so when a file cannot be written', async () => {
    using home = temporaryFolder();
    mkdirSync(join(home.path, 'work/a.txt'), { recursive: true });
    await using client = new RawClient({ home: home.path });
    assert.equal(await client.prompt(await client.open(), 'write a.txt: hello'), 'end_turn');
    assert.match(client.text(), /I could not write a\.txt: EISDIR/);
  });

  it('reports credits in the form of Kiro and says that they are invented', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path });
    await client.prompt(await client.open(), 'reverse abc');
    const metadata = client.messages.find(({ method }) => method === '_kiro.dev/metadata')?.params;
    const { meteringUsage, _meta } = z
      .object({
        contextUsagePercentage: z.number().positive().max(100),
        meteringUsage: z.tuple([z.object({ value: z.number().positive(), unit: z.literal('credit') })]),
        turnDurationMs: z.int().nonnegative(),
        _meta: z.object({ note: z.string() }),
      })
      .parse(metadata);
    const words = `reverse abc ${client.text()}`.split(/\s+/).length;
    assert.equal(meteringUsage[0].value, words / 1000);
    assert.match(_meta.note, /Nothing is billed/);
  });

  it('says the same, byte for byte, to the same prompts in a fresh conversation', async () => {
    using home = temporaryFolder();
    const talk = async () => {
      await using client = new RawClient({ home: home.path });
      const sessionId = await client.open();
      for (const prompt of ['Make the tests faster', 'write b.txt: two', 'what did I ask before?', 'Mache weiter 🦊']) {
        assert.equal(await client.prompt(sessionId, prompt), 'end_turn');
      }
      rmSync(client.cwd, { recursive: true });
      return JSON.stringify(client.updates);
    };
    assert.equal(await talk(), await talk());
  });
});

describe('a conversation', () => {
  it('goes on after a restart: session/load replays it and the next answer knows it', async () => {
    using home = temporaryFolder();
    const first = async () => {
      await using client = new RawClient({ home: home.path });
      const sessionId = await client.open();
      await client.prompt(sessionId, '2 + 3');
      return { sessionId, said: client.text() };
    };
    const { sessionId, said } = await first();
    await using client = new RawClient({ home: home.path });
    await client.request('initialize', {});
    assert.deepEqual((await client.request('session/load', { sessionId, cwd: client.cwd, mcpServers: [] })).result, {});
    assert.equal(client.text('user_message_chunk'), '2 + 3');
    assert.equal(client.text('agent_message_chunk'), said);
    await client.prompt(sessionId, 'what did I ask before?');
    assert.match(client.text(), /1\. "2 \+ 3"/);
  });

  it('that is not known is refused, and no name leads out of the folder where they are kept', async () => {
    using home = temporaryFolder();
    writeFileSync(join(home.path, 'elsewhere.json'), '[]');
    await using client = new RawClient({ home: home.path });
    await client.open();
    for (const sessionId of ['demo-00000000-0000-0000-0000-000000000000', '../elsewhere', '']) {
      const loaded = await client.request('session/load', { sessionId, cwd: client.cwd, mcpServers: [] });
      assert.equal(loaded.error?.code, -32002);
      assert.equal(await client.prompt(sessionId, 'hello'), 'error -32002');
    }
  });

  it('does not remember a turn that was cancelled', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path });
    const sessionId = await client.open();
    const turn = client.prompt(sessionId, 'wait 60 s');
    await until(() => client.text().includes('of 60 s'), 'the waiting is not told');
    client.notify('session/cancel', { sessionId });
    assert.equal(await turn, 'cancelled');
    await client.prompt(sessionId, 'what did I ask before?');
    assert.match(client.text(), /Nothing yet/);
  });
});

describe('a cancel', () => {
  it('is answered within 200 ms', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path });
    const sessionId = await client.open();
    const cancel = async () => {
      const seen = client.updates.length;
      const turn = client.prompt(sessionId, 'wait 60 s');
      await until(() => client.updates.length > seen + 10, 'the waiting is not told');
      const cancelledAt = performance.now();
      client.notify('session/cancel', { sessionId });
      assert.equal(await turn, 'cancelled');
      return performance.now() - cancelledAt;
    };
    // The quickest of three: a busy machine is no fault of the agent.
    const tookMs = Math.min(await cancel(), await cancel(), await cancel());
    assert.ok(tookMs < 200, `it took ${tookMs} ms`);
  });

  it('ends a turn whose permission request is still open, and nothing is written', async () => {
    using home = temporaryFolder();
    const asked = Promise.withResolvers<undefined>();
    const permit = () => {
      asked.resolve(undefined);
      return new Promise<undefined>(() => undefined);
    };
    await using client = new RawClient({ home: home.path, permit });
    const sessionId = await client.open();
    const turn = client.prompt(sessionId, 'write a.txt: hello');
    await asked.promise;
    client.notify('session/cancel', { sessionId });
    assert.equal(await turn, 'cancelled');
    assert.equal(existsSync(join(client.cwd, 'a.txt')), false);
  });
});

describe('the protocol', () => {
  it('refuses every other method with -32601 and outlives lines without a meaning', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path });
    client.write('\n{"jsonrpc":"2.0"\nnull\n[]\n7\n{"id":{}}\n');
    const sessionId = await client.open();
    for (const method of ['session/set_mode', 'session/set_model', 'session/list', 'authenticate', '__proto__']) {
      assert.equal((await client.request(method, { sessionId })).error?.code, -32601);
    }
    assert.equal(await client.prompt(sessionId, '1 + 1'), 'end_turn');
  });

  it('refuses a second prompt while the session is busy', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path });
    const sessionId = await client.open();
    const turn = client.prompt(sessionId, 'wait 60 s');
    assert.equal(await client.prompt(sessionId, 'and this'), 'error -32600');
    client.notify('session/cancel', { sessionId });
    assert.equal(await turn, 'cancelled');
  });

  it('serves two sessions side by side', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path });
    const slow = await client.open();
    const quick = await client.open();
    const turn = client.prompt(slow, 'wait 60 s');
    assert.equal(await client.prompt(quick, '1 + 1'), 'end_turn');
    client.notify('session/cancel', { sessionId: quick });
    client.notify('session/cancel', { sessionId: slow });
    assert.equal(await turn, 'cancelled');
  });

  it('ends with its input, also in the middle of a turn', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path });
    const sessionId = await client.open();
    const turn = client.prompt(sessionId, 'wait 60 s');
    await until(() => client.text().includes('of 60 s'), 'the waiting is not told');
    client.endInput();
    await assert.rejects(turn, /the agent is gone/);
    assert.equal(await client.exit, 0);
  });
});

describe('the program', () => {
  it('refuses a behaviour that does not exist, with exit code 64', async () => {
    using home = temporaryFolder();
    await using client = new RawClient({ home: home.path, args: ['--behave=is-kind'] });
    assert.equal(await client.exit, 64);
  });

  it('starts fast because its honest part loads nothing but Node itself', () => {
    const folder = join(import.meta.dirname, '../../../../services/local/demo-agent');
    const imports = globSync('**/*.ts', { cwd: folder }).flatMap((path) =>
      [...readFileSync(join(folder, path), 'utf8').matchAll(/ from '([^']+)'/g)].map(([, from]) => from ?? ''),
    );
    assert.ok(imports.length > 20);
    assert.deepEqual(
      imports.filter((from) => !from.startsWith('node:') && !from.startsWith('.')),
      [],
    );
  });
});
