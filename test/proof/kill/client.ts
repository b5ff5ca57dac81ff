/** What the client can ask, with what it was told kept as history: a refusal changed nothing, silence leaves it unknown. */
import { z } from 'zod';
import { recorder } from '#test/support/history.ts';
import type { Operation } from '#test/support/history.ts';

export type Address = { readonly url: string; readonly key: string };

const Accepted = z.looseObject({ taskId: z.string() });
export const Shown = z.looseObject({
  taskId: z.string(),
  status: z.string(),
  version: z.int(),
  sessionId: z.string().optional(),
});
export type Shown = z.infer<typeof Shown>;

const answerWithinMs = 10_000;

/** What nobody answered, or what was answered with a fault of the server: it may have happened. */
export type Told<Answer> = Answer | 'refused' | 'unknown';

export type Client = {
  readonly operations: () => readonly Operation[];
  /** The id of the task. */
  readonly submit: (mark: string, prompt: object) => Promise<Told<string>>;
  readonly read: (taskId: string, more?: string) => Promise<Told<Shown>>;
  readonly cancel: (taskId: string) => Promise<void>;
  /** Asks for something whose answer proves nothing. */
  readonly look: (path: string, body?: object) => Promise<void>;
};

export const connectClient = (address: Address): Client => {
  const { invoke, operations } = recorder();

  const ask = async (path: string, body?: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(address.url + path, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${address.key}`, 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const said: unknown = await answer.json();
    return { status: answer.status, said };
  };
  const silence = () => ({ status: 599, said: undefined });

  return {
    operations,
    submit: async (mark, prompt) => {
      const invoked = invoke('submit', mark);
      const body = { ...prompt, metadata: { mark } };
      const { status, said } = await ask('/api/chat', body, { 'idempotency-key': mark }).catch(silence);
      if (status >= 500) return 'unknown';
      if (status !== 202) {
        invoked.fail();
        return 'refused';
      }
      const { taskId } = Accepted.parse(said);
      invoked.ok({ taskId, version: 1, status: 'pending' });
      return taskId;
    },
    read: async (taskId, more = '') => {
      const invoked = invoke('read', taskId);
      const { status, said } = await ask(`/api/task/${taskId}${more}`).catch(silence);
      if (status >= 500) return 'unknown';
      if (status !== 200) {
        invoked.ok({ taskId, version: 0, status: 'absent' });
        return 'refused';
      }
      const shown = Shown.parse(said);
      invoked.ok(shown);
      return shown;
    },
    cancel: async (taskId) => {
      const invoked = invoke('cancel', taskId);
      const { status } = await ask(`/api/task/${taskId}/cancel`, {}).catch(silence);
      if (status === 202) invoked.ok({ taskId, version: 0, status: 'cancelling' });
      else if (status < 500) invoked.fail();
    },
    look: async (path, body) => {
      await ask(path, body).catch(silence);
    },
  };
};
