/** Output of agents: whatever it is, the adapter ends the turn, and everything that it passes on can be stored and shown. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { z } from 'zod';
import { TaskUpdate } from '#events/task-update.ts';
import { connectWire } from '#platform/agent/acp-wire.ts';
import { acpTurn } from '#platform/agent/acp-turn.ts';
import { kiroV2, kiroV3 } from '#platform/agent/kiro.ts';
import { readLines } from '#platform/agent/line-reader.ts';
import { plain } from '#platform/agent/plain.ts';
import { readRecord } from '#platform/agent/stream-json.ts';
import { recordTurn } from '#platform/agent/turn-record.ts';
import { keepText } from '#platform/artifacts.ts';
import { sessionId, taskId, workerId } from '#test/support/ids.ts';
import { carriersOf } from '#test/support/processes.ts';
import { byEffort, printCounts, seed } from '../effort.ts';
import { startApi, createWorld, people } from '../../services/api/world.ts';
import { root, startProgram, turn } from '../../services/platform/agent/scripted-agent.ts';
import { updateBuffer } from '../../../services/worker/progress.ts';
import { conversation, inPieces, lines } from './agent-lines.ts';

const dialect = fc.constantFrom(plain, kiroV2, kiroV3);
const bytesMax = 1_048_576;

type Heard = { readonly updates: TaskUpdate[]; readonly text: string };

/** What a turn over ACP makes of it. */
const hearAcp = async (pieces: readonly Buffer[], spoken: typeof plain): Promise<Heard> => {
  const updates: TaskUpdate[] = [];
  const isCancelled = () => false;
  const spec = {
    conversationId: conversation,
    prompt: 'x',
    cwd: root,
    dialect: spoken,
    policy: 'deny-all',
    isCancelled,
  } as const;
  const heard = acpTurn({ ...spec, onUpdate: (update) => updates.push(update) });
  const stdout = readLines(Readable.from(pieces), { bytesMax, opening: '{' });
  const stream = connectWire(
    { stdin: new PassThrough().resume(), stdout },
    {
      notification: heard.hear,
      answered: () => undefined,
      signOfLife: () => undefined,
      noise: () => heard.record.noticeOnce('noise'),
      lost: (count) => heard.record.noticeOnce(`${count} lost`),
    },
  );
  // Requests would be answered by the library; here they are only taken.
  for await (const _ of stream.readable) if (updates.length > 100_000) break;
  return { updates, text: heard.record.text() };
};

/** What a run without ACP makes of it. */
const hearRecords = async (pieces: readonly Buffer[]): Promise<Heard> => {
  const updates: TaskUpdate[] = [];
  const record = recordTurn((update) => updates.push(update));
  for await (const { lines: said } of readLines(Readable.from(pieces), { bytesMax })) {
    for (const line of said) {
      const read = readRecord(line);
      if (read?.kind === 'events') read.events.forEach(record.add);
    }
  }
  return { updates, text: record.text() };
};

const isWellFormed = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.isWellFormed()
    : typeof value !== 'object' || value === null || Object.values(value).every(isWellFormed);

/** Stores it as a worker does, and reads it as a client does. */
const storeAll = async ({ updates, text }: Heard): Promise<number> => {
  const world = await createWorld();
  await using api = await startApi(world);
  const id = taskId(1);
  const submitted = {
    owner: people.alice.accountId,
    prompt: { kind: 'inline', text: 'x' },
    priority: 'normal',
  } as const;
  await world.moveTask(id, { type: 'submit', ...submitted, timeoutMs: 1_000, attemptsMax: 1 });
  await world.moveTask(id, { type: 'start', workerId: workerId(1), sessionId: sessionId(1) });
  const buffer = updateBuffer();
  let seq = 0;
  const report = async (): Promise<void> => {
    const taken = buffer.take();
    if (taken.length === 0) return;
    const stored = await world.moveTask(id, { type: 'progress', attempt: 1, seq: (seq += 1), updates: taken });
    assert.equal(stored.outcome, 'appended');
  };
  for (const [n, update] of updates.entries()) {
    buffer.add(update);
    if (n % 20 === 19) await report();
  }
  await report();
  const result = await keepText(text, world.artifacts);
  const ended = await world.moveTask(id, { type: 'complete', attempt: 1, result, stopReason: 'end_turn' });
  assert.equal(ended.outcome, 'appended');
  const shown = await api.ask('GET', `/api/task/${id}`, { as: 'alice' });
  assert.equal(shown.status, 200);
  assert.equal((await api.ask('GET', `/api/task/${id}/events`, { as: 'alice' })).status, 200);
  api.stop.abort();
  return seq;
};

const timeMsMax = 5_000;
/** Of this process: how long it waits for its turn is the machine's business. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const growthMax = 64 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = z.custom<() => void>((value) => typeof value === 'function').parse(runInNewContext('gc'));
/** What nothing has let go of. */
const keptBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

describe('whatever an agent writes', () => {
  it('every update of it can be stored, and so can the answer', async (t) => {
    const counts = { turns: 0, lines: 0, updates: 0, facts: 0 };
    const atFirst = keptBytes();
    let longestMs = 0;
    await fc.assert(
      fc.asyncProperty(
        lines,
        dialect,
        fc.constantFrom(1, 7, 4_096, 65_536),
        fc.boolean(),
        async (said, spoken, size, isAcp) => {
          const startedMs = cpuMs();
          const bytes = said.reduce((sum, { length }) => sum + length, 0);
          const pieces = inPieces(said, bytes > 50_000 ? 65_536 : size);
          const heard = isAcp ? await hearAcp(pieces, spoken) : await hearRecords(pieces);
          for (const update of heard.updates) {
            assert.deepEqual(TaskUpdate.parse(update), update);
            assert.ok(isWellFormed(update));
          }
          counts.facts += await storeAll(heard);
          counts.turns += 1;
          counts.lines += said.length;
          counts.updates += heard.updates.length;
          longestMs = Math.max(longestMs, cpuMs() - startedMs);
        },
      ),
      { seed, numRuns: byEffort({ ci: 300, full: 20_000 }) },
    );
    const grown = keptBytes() - atFirst;
    printCounts(t, { ...counts, 'longest CPU ms': longestMs.toFixed(0), 'kept MiB': (grown / 2 ** 20).toFixed(0) });
    assert.ok(longestMs < timeMsMax, `a turn took ${longestMs} ms of CPU`);
    assert.ok(grown < growthMax, `memory grew by ${grown} bytes`);
    assert.equal('polluted' in {}, false);
  });

  it('a turn with it ends, and leaves no process', async (t) => {
    const tag = `input-${seed}`;
    const outcomes = new Map<string, number>();
    // Answers the three requests of a turn, and says everything else in between.
    const script = `read -r a; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1}}'
      read -r b; echo '{"jsonrpc":"2.0","id":1,"result":{"sessionId":"${conversation}"}}'
      read -r c; cat "$1"; echo; echo '{"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn"}}'; read -r d`;
    const file = join(root, 'said');
    await fc.assert(
      fc.asyncProperty(lines, async (said) => {
        writeFileSync(file, Buffer.concat(said.flatMap((line) => [line, Buffer.from('\n')])));
        const agent = await startProgram('sh', ['-c', script, 'sh', file], { tag, policy: 'deny-all' });
        const { end, updates } = await turn(agent);
        await agent.stop();
        for (const update of updates) assert.deepEqual(TaskUpdate.parse(update), update);
        outcomes.set(end.outcome, (outcomes.get(end.outcome) ?? 0) + 1);
        if (end.outcome === 'completed') assert.ok(isWellFormed(end.text));
      }),
      { seed, numRuns: byEffort({ ci: 40, full: 1_000 }) },
    );
    assert.deepEqual(carriersOf(tag), []);
    printCounts(t, Object.fromEntries(outcomes));
  });
});
