/** From the submission to the first word of a warm agent on the WebSocket, against a prompt to the same agent without anything in between. */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { byEffort } from '#test/proof/effort.ts';
import { startSystem, temporaryDir } from '#test/support/system.ts';
import type { System } from '#test/support/system.ts';
import { startBareAgent } from './bare-agent.ts';
import { excess } from './figure.ts';
import { progress, rounds } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import { message } from './recorded.ts';
import { interleave, median } from './rounds.ts';

const demoAgent = fileURLToPath(new URL('../../services/local/demo-agent/main.ts', import.meta.url));
/** As `make run` starts it: it speaks at its own pace. */
export const agentCommand = [process.execPath, demoAgent];

/** A person reads before they ask on: what the turn before leaves to be done is done by then. */
const betweenMs = 300;
const prompts = byEffort({ ci: 3, full: 12 });

const Heard = z.looseObject({
  stream: z.string().optional(),
  event: z
    .looseObject({ type: z.string(), updates: z.array(z.looseObject({ kind: z.string() })).optional() })
    .optional(),
});

/** Follows all tasks of the caller, and tells of each one's first report and first word. */
const listenTo = async ({ url, key }: System) => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/live`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const reports = new Map<string, PromiseWithResolvers<number>>();
  const words = new Map<string, PromiseWithResolvers<number>>();
  const at = (moments: typeof words, stream: string) => {
    const known = moments.get(stream) ?? Promise.withResolvers<number>();
    moments.set(stream, known);
    return known;
  };
  socket.on('message', (data: Buffer) => {
    const { stream = '', event } = Heard.parse(JSON.parse(data.toString()));
    if (event?.type !== 'TaskProgressed') return;
    at(reports, stream).resolve(performance.now());
    if (event.updates?.some(({ kind }) => kind === 'text')) at(words, stream).resolve(performance.now());
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'subscribe', stream: '$mine' }));
  await once(socket, 'message');
  return {
    firstReport: (taskId: string) => at(reports, `task/${taskId}`).promise,
    firstWord: (taskId: string) => at(words, `task/${taskId}`).promise,
    [Symbol.dispose]: () => socket.terminate(),
  };
};

export const firstWord: Measurement = async () => {
  await using opened = new AsyncDisposableStack();
  const data = opened.use(await temporaryDir());
  const env = { AGENT_COMMAND: agentCommand.join(' '), RATE_PER_SECOND: '1000', SESSION_TASKS_MAX: '100000' };
  const system = opened.use(await startSystem(data.path, env));
  const heard = opened.use(await listenTo(system));
  const work = opened.use(await temporaryDir());
  const agent = opened.use(await startBareAgent(agentCommand, work.path));
  const { sessionId } = await system.outcome(await system.submit(message));

  const throughSystem = async () => {
    const [toReport, toWord]: [number[], number[]] = [[], []];
    for (let nth = 0; nth < prompts; nth += 1) {
      const startedAt = performance.now();
      const taskId = await system.submit(message, { sessionId });
      toReport.push((await heard.firstReport(taskId)) - startedAt);
      toWord.push((await heard.firstWord(taskId)) - startedAt);
      await system.outcome(taskId);
      await pause(betweenMs);
    }
    return { report: median(toReport), word: median(toWord) };
  };
  const bare = async () => {
    const toWord = [];
    for (let nth = 0; nth < prompts; nth += 1) toWord.push((await agent.prompt(message)).firstWordMs);
    return { report: Number.NaN, word: median(toWord) };
  };
  progress('prompting');
  await interleave(1, [throughSystem, bare]);
  const [ours = [], theirs = []] = await interleave(rounds, [throughSystem, bare]);
  const compared = {
    theirs: theirs.map(({ word }) => word),
    with: 'first word of a bare warm prompt',
    unit: 'ms',
  } as const;
  return [
    excess({
      what: 'submit to first word: p50',
      ours: ours.map(({ word }) => word),
      ...compared,
      target: { atMost: 50 },
    }),
    excess({ what: 'submit to first report: p50', ours: ours.map(({ report }) => report), ...compared }),
  ];
};
