/** What is not taken on when there is too much: the answer comes at once, and says when to come back. */
import type { Context } from 'hono';
import { atTheDoor } from '#platform/http/door.ts';
import type { Door } from '#platform/http/door.ts';
import { problem } from '#platform/http/problem.ts';
import type { Census } from './census.ts';
import type { ApiConfig } from './config.ts';

export type TooMuch = { readonly detail: string; readonly retryAfterSeconds: number };

export type Admission = {
  /** Why no task is taken on at this moment. */
  readonly refusal: () => TooMuch | undefined;
  /** Counts a submission on its way to the store until it is disposed. */
  readonly enter: () => Disposable;
  /** Says the same to a submission before it reaches the app. */
  readonly door: Door;
};

export type AdmissionLimits = Pick<ApiConfig, 'SUBMITS_MAX' | 'PENDING_MAX' | 'ALLOWED_ORIGINS'>;

const isSubmission = (method: string | undefined, url = ''): boolean =>
  method === 'POST' && (url === '/api/chat' || url.startsWith('/api/chat?'));

export const createAdmission = (limits: AdmissionLimits, census: Pick<Census, 'counts'>): Admission => {
  const { SUBMITS_MAX: submitsMax, PENDING_MAX: pendingMax, ALLOWED_ORIGINS: origins } = limits;
  const atOnce: TooMuch = { detail: 'Too many tasks are being submitted at this moment.', retryAfterSeconds: 1 };
  const waiting: TooMuch = { detail: `${pendingMax} tasks wait for a worker already.`, retryAfterSeconds: 5 };
  const prepared = new Map([atOnce, waiting].map((each) => [each, atTheDoor('overloaded', told(each))]));
  let inside = 0;
  const refusal = (): TooMuch | undefined => {
    if (inside >= submitsMax) return atOnce;
    return (census.counts()?.queue.pending ?? 0) + inside >= pendingMax ? waiting : undefined;
  };
  return {
    refusal,
    enter: () => {
      inside += 1;
      return { [Symbol.dispose]: () => void (inside -= 1) };
    },
    door: ({ method, url, headers: { origin } }) => {
      const tooMuch = isSubmission(method, url) ? refusal() : undefined;
      // A listed page can only read a refusal with the headers that the app adds; it is refused there.
      return tooMuch === undefined || (origin !== undefined && origins.includes(origin))
        ? undefined
        : prepared.get(tooMuch);
    },
  };
};

const told = ({ detail, retryAfterSeconds }: TooMuch) => ({
  detail,
  headers: { 'retry-after': String(retryAfterSeconds) },
});

export const overloaded = (c: Context, tooMuch: TooMuch) => problem(c, 'overloaded', told(tooMuch));
