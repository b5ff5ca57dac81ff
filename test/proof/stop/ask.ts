/** One request on a connection of its own, and how exactly it ended: an answer, a refused connection, or one that broke. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export type Asked =
  | { readonly ended: 'answered'; readonly status: number; readonly body: string }
  /** Nobody listened: nothing was taken in. */
  | { readonly ended: 'refused' }
  | { readonly ended: 'broken'; readonly code: string };

export type Question = { readonly key: string; readonly method?: 'GET' | 'POST'; readonly body?: unknown };

const codeOf = (fault: unknown): string =>
  fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault);

export const ask = async (url: string, { key, method = 'GET', body }: Question): Promise<Asked> => {
  const { promise, resolve } = Promise.withResolvers<Asked>();
  const headers = {
    authorization: `Bearer ${key}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const asked = request(url, { method, headers, agent: false });
  asked.on('response', (response) => {
    const status = response.statusCode ?? 0;
    text(response).then(
      (told) => resolve({ ended: 'answered', status, body: told }),
      (fault: unknown) => resolve({ ended: 'broken', code: codeOf(fault) }),
    );
  });
  asked.on('error', (fault) => {
    const code = codeOf(fault);
    resolve(code === 'ECONNREFUSED' ? { ended: 'refused' } : { ended: 'broken', code });
  });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
};
