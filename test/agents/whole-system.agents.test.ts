/** The whole system with an agent that nobody here wrote: a prompt goes in over REST, and a file and a result come out. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import { opencodeCommand, opencodeProgram } from './opencode.ts';
import { startStubLlm } from './stub-llm.ts';

const skip = existsSync(opencodeProgram) ? false : 'opencode is not installed here: make test-agents';

const Update = z.looseObject({ kind: z.string(), decision: z.string().optional() });
const Page = z.object({ events: z.array(z.looseObject({ type: z.string(), updates: z.array(Update).optional() })) });

describe('the whole system with opencode', { skip }, () => {
  it('completes a task with a file written, after its request for permission was answered', async () => {
    await using llm = await startStubLlm();
    await using dir = await temporaryDir();
    const { command, args, env } = opencodeCommand(join(dir.path, 'home'), llm.baseUrl);
    await using system = await startSystem(dir.path, {
      ...env,
      AGENT_COMMAND: [command, ...args].join(' '),
      AGENT_ENV: 'XDG_*,OPENCODE_*',
    });
    const task = await system.outcome(await system.submit('WRITE hello.txt written by a stranger'), 120_000);
    assert.equal(task.status, 'completed', JSON.stringify(task.error));
    const file = join(dir.path, 'sessions', task.sessionId ?? '', 'hello.txt');
    assert.equal(readFileSync(file, 'utf8'), 'written by a stranger');
    const { events } = Page.parse(await (await system.get(`/api/task/${task.taskId}/events?limit=1000`)).json());
    const updates = events.flatMap((event) => event.updates ?? []);
    assert.deepEqual(
      updates.flatMap(({ kind, decision }) => (kind === 'permission' ? [decision] : [])),
      ['allowed'],
    );
    const followUp = await system.submit('and again', { sessionId: task.sessionId });
    assert.equal((await system.outcome(followUp, 60_000)).status, 'completed');
  });
});
