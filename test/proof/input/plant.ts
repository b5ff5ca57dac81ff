/** Faults between the client and the API: what comes back is another answer, or what arrives another request. */
import { z } from 'zod';
import type { Fetch } from './target.ts';

export const isSubmission = ({ url, method }: Request): boolean =>
  method === 'POST' && new URL(url).pathname === '/api/chat';

/** Makes another answer of the API's own. */
export const changing =
  (isMeant: (request: Request) => boolean, change: (answer: Response) => Promise<Response>) =>
  (fetch: Fetch): Fetch =>
  async (request, env) => {
    const answer = await fetch(request, env);
    return isMeant(request) ? change(answer) : answer;
  };

/** Makes another request of the client's. */
export const asking =
  (change: (request: Request) => Promise<Request>) =>
  (fetch: Fetch): Fetch =>
  async (request, env) =>
    fetch(await change(request), env);

export const withHeaders = (answer: Response, change: (headers: Headers) => void, status = answer.status): Response => {
  const headers = new Headers(answer.headers);
  change(headers);
  return new Response(answer.body, { status, headers });
};

export const withBody = async (answer: Response, change: (body: object) => object): Promise<Response> => {
  if (answer.status !== 200 || !answer.body) return answer;
  const body = z.record(z.string(), z.unknown()).parse(await answer.json());
  return new Response(JSON.stringify(change(body)), answer);
};

/** The same request with another body. */
export const rewritten = async (request: Request, change: (text: string) => string): Promise<Request> => {
  const text = await request.clone().text();
  return new Request(request.url, { method: request.method, headers: request.headers, body: change(text) });
};
