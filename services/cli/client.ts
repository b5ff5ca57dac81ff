/** Requests to the service. What may be asked twice is asked until there is an answer; a refusal is told in one sentence. */
import type { z } from 'zod';
import { fullJitter, pause } from '#platform/backoff.ts';
import { sentenceOf } from './answers.ts';
import { CommandFault, exitCodes } from './exit.ts';
import type { Settings } from './settings.ts';

export type Asked = {
  readonly body?: object;
  readonly idempotencyKey?: string;
  /** How long to try in vain, where it is not as long as for other requests. */
  readonly patienceMs?: number;
};

/**
 * Resolves with the answer as `schema` sees it. No request of ours does more when it is sent twice: reading and cancelling by
 * their nature, submitting by its Idempotency-Key. So an answer that is lost, 429 and 5xx lead to the same request again.
 */
export type Ask = <T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, asked?: Asked) => Promise<T>;

const attemptMs = 15_000;

const mayPass = (status: number): boolean => status === 408 || status === 429 || status >= 500;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The fault that an answer other than the one hoped for stands for. */
export const refusalOf = (status: number, body: string, retryAfter: string | null | undefined): CommandFault => {
  const told = sentenceOf(parseJson(body)) ?? `the service answers ${status} and does not say why`;
  const exitCode = mayPass(status) ? exitCodes.unreachable : exitCodes.refused;
  return new CommandFault(exitCode, told, { retryAfterMs: (Number(retryAfter) || 0) * 1_000 });
};

const reasonOf = (fault: unknown): string => {
  if (!(fault instanceof Error)) return String(fault);
  if (fault.name === 'TimeoutError') return 'no answer in time';
  if (fault.cause !== undefined) return reasonOf(fault.cause);
  return 'code' in fault ? String(fault.code) : fault.message;
};

export const unreachable = ({ origin }: URL, cause: unknown): CommandFault =>
  new CommandFault(exitCodes.unreachable, `${origin} is not reachable: ${reasonOf(cause)}`, { cause });

/** `tell` hears once per request that it does not work at the first try. */
export const createClient = (
  { url, key }: Settings,
  patienceMs: number,
  tell: (text: string) => void,
  stop: AbortSignal,
): Ask => {
  const attempt = async (method: string, path: string, { body, idempotencyKey }: Asked): Promise<unknown> => {
    const answer = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body && { 'content-type': 'application/json' }),
        ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
      },
      ...(body && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.any([stop, AbortSignal.timeout(attemptMs)]),
    });
    const text = await answer.text();
    if (!answer.ok) throw refusalOf(answer.status, text, answer.headers.get('retry-after'));
    return parseJson(text);
  };

  return async (method, path, schema, asked = {}) => {
    const givesUpAt = performance.now() + (asked.patienceMs ?? patienceMs);
    for (let tries = 0; ; tries += 1) {
      try {
        const parsed = schema.safeParse(await attempt(method, path, asked));
        if (parsed.success) return parsed.data;
        throw new CommandFault(exitCodes.unreachable, `${url.origin} does not answer as kiro-dispatch does`);
      } catch (cause) {
        stop.throwIfAborted();
        const fault = cause instanceof CommandFault ? cause : unreachable(url, cause);
        const waitMs = Math.max(fault.retryAfterMs, fullJitter(tries, 250, 5_000));
        if (fault.exitCode !== exitCodes.unreachable || performance.now() + waitMs > givesUpAt) throw fault;
        if (tries === 0) tell(`${fault.message.replace(/\.$/, '')}; trying again`);
        await pause(waitMs, stop);
        stop.throwIfAborted();
      }
    }
  };
};
