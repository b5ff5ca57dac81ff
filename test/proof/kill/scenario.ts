/** What a client does to a simulated system, again and again until it is told, and the history that comes of it. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { eventually } from '#test/support/eventually.ts';
import { recorder } from '#test/support/history.ts';
import type { History, Recorder } from '#test/support/history.ts';
import type { Script } from '#test/support/scripted-agent.ts';
import { says, untilCancelled } from '#test/support/scripted-agent.ts';
import { pointsWith } from './mortal.ts';
import type { Fate } from './mortal.ts';
import { Simulation } from './simulation.ts';
import type { Plant } from './simulation.ts';

const Accepted = z.looseObject({ taskId: z.string() });
const Shown = z.looseObject({
  ...{ taskId: z.string(), status: z.string(), version: z.int(), attempt: z.int() },
  sessionId: z.string().optional(),
});
type Shown = z.infer<typeof Shown>;

/** Its words decide how a turn goes. */
const script: Script = async (turn, signal) => {
  if (turn.prompt.includes('wait')) return untilCancelled(turn, signal);
  if (!turn.prompt.includes('fail')) return says(turn.prompt)(turn, signal);
  const error = { class: 'agent-failed', message: 'no', remedy: 'none', retryable: true } as const;
  return { outcome: 'failed', error, reusable: true };
};

const isOver = ({ status }: Shown): boolean => ['completed', 'failed', 'cancelled'].includes(status);

/** How the client behaves that nobody has answered: the same key again is what an honest one sends. */
export type Manners = { readonly repeatsItsKey: boolean };

const clientOf = (simulation: Simulation, { invoke }: Recorder, { repeatsItsKey }: Manners) => {
  /** An answer counts only if whoever gave it lived to send it. */
  const ask = async (method: string, path: string, body?: object, headers = {}) => {
    const { api } = simulation;
    if (!api) return undefined;
    const answer = await api.ask(method, path, { as: 'alice', headers, ...(body && { body }) });
    const said: unknown = await answer.json();
    return simulation.api === api && answer.status < 500 ? { status: answer.status, said } : undefined;
  };
  const submit = async (mark: string, message: string, more: object = {}): Promise<string> => {
    for (let nth = 1; nth < 2_000; nth += 1) {
      const invoked = invoke('submit', mark);
      const headers = { 'idempotency-key': repeatsItsKey ? mark : `${mark}-${nth}` };
      const answer = await ask('POST', '/api/chat', { message, metadata: { mark }, ...more }, headers);
      if (answer?.status === 202) {
        const { taskId } = Accepted.parse(answer.said);
        invoked.ok({ taskId, version: 1, status: 'pending' });
        return taskId;
      }
      await pause(5);
    }
    throw new Error(`${mark} was never answered`);
  };
  const read = async (taskId: string): Promise<Shown | 'absent' | undefined> => {
    const invoked = invoke('read', taskId);
    const answer = await ask('GET', `/api/task/${taskId}`);
    if (answer?.status === 404) invoked.ok({ taskId, version: 0, status: 'absent' });
    if (answer?.status !== 200) return answer && 'absent';
    const shown = Shown.parse(answer.said);
    invoked.ok(shown);
    return shown;
  };
  const cancel = async (taskId: string): Promise<true | undefined> => {
    const invoked = invoke('cancel', taskId);
    const answer = await ask('POST', `/api/task/${taskId}/cancel`, {});
    if (answer?.status === 202) invoked.ok({ taskId, version: 0, status: 'cancelling' });
    return answer ? true : undefined;
  };
  return { submit, read, cancel };
};
type Client = ReturnType<typeof clientOf>;

/** A fresh worker looks at everything at once; three of them are enough for whatever three attempts may need. */
const restartsMax = 3;

const untilOver = async (simulation: Simulation, { read }: Client, taskId: string): Promise<Shown | undefined> => {
  const look = async () => {
    const shown = await read(taskId);
    return shown === 'absent' || (shown && isOver(shown)) ? shown : undefined;
  };
  for (let restarts = 0; ; restarts += 1) {
    const shown = await eventually(look, taskId, 500).catch(() => undefined);
    if (shown === 'absent' || restarts === restartsMax) return undefined;
    if (shown) return shown;
    await simulation.restart('worker');
  }
};

const play = async (simulation: Simulation, client: Client): Promise<void> => {
  const first = await client.submit('plain', 'hello');
  const long = await client.submit('long', 'a long text '.repeat(4_000));
  const failing = await client.submit('failing', 'fail, please');
  const waiting = await client.submit('waiting', 'wait');
  const begun = async () => {
    const shown = await client.read(waiting);
    return shown === 'absent' || (shown && shown.status !== 'pending') ? true : undefined;
  };
  await eventually(begun, 'not begun', 300).catch(() => undefined);
  await eventually(() => client.cancel(waiting), 'the cancel was not answered');
  const ended = await untilOver(simulation, client, first);
  const session = ended?.sessionId === undefined ? {} : { sessionId: ended.sessionId };
  const second = await client.submit('second', 'and again', session);
  for (const taskId of [long, failing, waiting, second]) await untilOver(simulation, client, taskId);
};

/** Everybody has stopped but the relay, and that has come to the end of a log that grows no more. */
const untilTold = async (simulation: Simulation): Promise<void> => {
  const isTold = async () => {
    const { log } = await simulation.stored();
    return log.every((commits, shard) => commits.length === simulation.remembered[shard]) ? true : undefined;
  };
  await simulation.awake();
  await simulation.stop('worker');
  await simulation.stop('api');
  await simulation.restart('projector');
  await eventually(isTold, 'not told', 1_000).catch(() => undefined);
  await simulation.stop('projector');
};

export type Simulated = { readonly history: History; readonly points: ReadonlySet<string> };
export type Happening = { readonly at: string; readonly fate: Fate };

/** Plays the whole of it, with what shall happen, and gives back what there is to judge. */
export const simulate = async (
  happening?: Happening,
  plant?: Plant,
  manners: Manners = { repeatsItsKey: true },
): Promise<Simulated> => {
  const points = pointsWith(happening?.at, happening?.fate);
  const history = recorder();
  await using simulation = await Simulation.start({ script, points, ...(plant && { plant }) });
  await play(simulation, clientOf(simulation, history, manners));
  await untilTold(simulation);
  return {
    points: points.passed,
    history: {
      operations: history.operations(),
      stored: await simulation.stored(),
      announced: simulation.announced,
      remembered: simulation.remembered,
    },
  };
};
