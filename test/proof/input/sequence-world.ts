/** What a sequence of requests is sent to, and how a command of it is made. */
import assert from 'node:assert/strict';
import type fc from 'fast-check';
import { startApi } from '../../services/api/world.ts';
import type { Person, World } from '../../services/api/world.ts';
import type { Model, ModelTask } from './sequence-model.ts';
import { asking } from './target.ts';
import type { Answer, Fetch } from './target.ts';

export type Real = AsyncDisposable & {
  readonly world: World;
  readonly ask: (
    method: string,
    path: string,
    more?: { readonly as?: Person | 'nobody'; readonly headers?: Record<string, string>; readonly body?: object },
  ) => Promise<Answer>;
  /** Another instance answers from now on. */
  readonly restart: () => Promise<void>;
  requests: number;
};

export const openReal = async (world: World, between: (fetch: Fetch) => Fetch): Promise<Real> => {
  const start = () => startApi(world, { env: { RATE_PER_SECOND: '1000000' } });
  let api = await start();
  const end = async (): Promise<void> => {
    api.stop.abort();
    await api[Symbol.asyncDispose]();
  };
  const send = asking(between(async (request, env) => api.app.fetch(request, env)));
  const real: Real = {
    ...{ world, requests: 0 },
    ask: (method, path, { as = 'alice', headers = {}, body } = {}) => {
      real.requests += 1;
      const authorization = as === 'nobody' ? {} : { authorization: `Bearer ${world.keyOf(as)}` };
      const json = body === undefined ? {} : { 'content-type': 'application/json' };
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      return send(path, { method, headers: { ...authorization, ...json, ...headers }, ...sent });
    },
    restart: async () => {
      await end();
      api = await start();
    },
    [Symbol.asyncDispose]: end,
  };
  return real;
};

export type Command = fc.AsyncCommand<Model, Real>;

export const command = (
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Command => ({ check, run, toString: () => name });

/** A command about one of the tasks; passed over while there is none. */
export const ofTask = (
  name: string,
  pick: number,
  run: (task: ModelTask, real: Real, model: Model) => Promise<void>,
  check: (task: ModelTask) => boolean = () => true,
): Command => {
  const chosen = ({ tasks }: Readonly<Model>): ModelTask | undefined => tasks[pick % Math.max(1, tasks.length)];
  return command(
    `${name}(${pick})`,
    async (model, real) => {
      const task = chosen(model);
      if (task) await run(task, real, model);
    },
    (model) => {
      const task = chosen(model);
      return task !== undefined && check(task);
    },
  );
};

export const ok = (answer: Answer, status: number): Answer => {
  assert.equal(answer.status, status, `${answer.status}: ${answer.text.slice(0, 300)}`);
  return answer;
};
