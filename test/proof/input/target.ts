/** An API on memory adapters, and a client that sends it whatever it is given. */
import { TaskId } from '#events/ids.ts';
import { makeKey } from '#platform/http/api-key.ts';
import { z } from 'zod';
import type { ApiApp } from '../../../services/api/env.ts';
import { createWorld, people, startApi } from '../../services/api/world.ts';
import type { World } from '../../services/api/world.ts';
import type { Case } from './requests.ts';
import { fillStock } from './stock.ts';
import type { Stock } from './stock.ts';
import { linkForm } from './values.ts';

/** Of the app; what stands in between may be broken on purpose. */
export type Fetch = (request: Request, env: Parameters<ApiApp['fetch']>[1]) => Promise<Response>;

export type Answer = {
  /** 101 when the answer was a handshake. */
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly ms: number;
};

/** `names` is what the links of the request stood for. */
export type Sent = { readonly path: string; readonly names: Readonly<Record<string, string>>; readonly answer: Answer };

export type Target = AsyncDisposable & {
  readonly world: World;
  readonly stock: Stock;
  readonly ask: Ask;
  readonly send: (given: Case) => Promise<Sent>;
  /** The Idempotency-Keys that were sent. */
  readonly usedKeys: Set<string>;
};

/** What an event stream has to say until it is live, or over; the rest is not waited for. */
const readEvents = async (body: ReadableStream<Uint8Array>): Promise<string> => {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes('{"type":"live"')) break;
  }
  return text;
};

const read = async (answer: Response): Promise<string> => {
  if (!answer.body) return '';
  const isStream = answer.headers.get('content-type') === 'text/event-stream';
  return isStream ? await readEvents(answer.body) : await answer.text();
};

/** `isPlain` is no handshake, whatever its headers. */
export type Ask = (path: string, init: RequestInit, isPlain?: boolean) => Promise<Answer>;

export const asking =
  (fetch: Fetch): Ask =>
  async (path, init, isPlain = false) => {
    const accepted: unknown[] = [];
    const env = isPlain ? {} : { accept: (onOpen: unknown) => void accepted.push(onOpen) };
    const request = new Request(`http://localhost${path}`, init);
    const startedAt = performance.now();
    const response = await fetch(request, env);
    const text = await read(response);
    const ms = performance.now() - startedAt;
    return { status: accepted.length > 0 ? 101 : response.status, headers: response.headers, text, ms };
  };

const addressOf = (path: string, query: Case['query']): string => {
  const asked = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value])).toString();
  return asked === '' ? path : `${path}?${asked}`;
};

const Page = z.object({ next: z.string().optional() });
const Ticket = z.object({ ticket: z.string() });

/** Finds out what one link stands for, knowing those before it. */
const nameOf = async (
  [name, pick]: readonly [string, number],
  given: Case,
  { world, stock, ask }: Pick<Target, 'world' | 'stock' | 'ask'>,
  known: Readonly<Record<string, string>>,
): Promise<string> => {
  const owner = { headers: { authorization: `Bearer ${world.keyOf('alice')}` } };
  if (name === 'key') return world.keyOf('alice');
  if (name === 'taskId') return stock.tasks[pick % stock.tasks.length] ?? '';
  if (name === 'id' || name === 'sessionId') return stock.sessions[pick % stock.sessions.length] ?? '';
  if (name === 'at') {
    const task = TaskId.safeParse(known['taskId']).data;
    const row = task && (await world.store.readRow(`task/${task}`));
    return String((pick % (row?.version ?? 1)) + 1);
  }
  if (name === 'ticket') {
    return Ticket.parse(JSON.parse((await ask('/api/live/ticket', { ...owner, method: 'POST' })).text)).ticket;
  }
  if (name !== 'cursor') throw new Error(`a link to ${name} leads nowhere`);
  const question = given.query.filter(([each]) => each === 'status');
  const page = await ask(addressOf(given.template, [...question, ['limit', '1']]), owner);
  return (page.status === 200 ? Page.parse(JSON.parse(page.text)).next : undefined) ?? '';
};

const namesOf = async (given: Case, parts: Pick<Target, 'world' | 'stock' | 'ask'>) => {
  const written = [JSON.stringify([given.path, given.query, given.headers, given.as]), given.body].join();
  const names: Record<string, string> = {};
  for (const [, name = '', pick] of written.matchAll(linkForm)) {
    names[name] ??= await nameOf([name, Number(pick)], given, parts, names);
  }
  return names;
};

const authorizationOf = (as: Case['as'], world: World): Record<string, string> => {
  if (typeof as === 'object') return as;
  switch (as) {
    case 'nobody':
      return {};
    case 'owner':
      return { authorization: `Bearer ${world.keyOf('alice')}` };
    case 'stranger':
      return { authorization: `Bearer ${world.keyOf('bob')}` };
    case 'revoked':
      return { authorization: `Bearer ${world.keyOf('ada')}` };
    case 'forged':
      return { authorization: `Bearer ${makeKey(people.alice.accountId).key}` };
  }
};

/** The request as it goes out, and what its links stood for. */
const written = async (given: Case, parts: Pick<Target, 'world' | 'stock' | 'ask'>) => {
  const names = await namesOf(given, parts);
  const filled = (text: string): string => text.replaceAll(linkForm, (_, name: string) => names[name] ?? '');
  const path = given.template.replaceAll(/\{(\w+)\}/g, (_, name: string) => filled(given.path[name] ?? ''));
  // A list of one page has no cursor to go on from.
  const query = given.query.filter(([name, value]) => name !== 'cursor' || filled(value) !== '' || value === '');
  const told = { ...given.headers, ...authorizationOf(given.as, parts.world) };
  // A body without a type, as a client sends it whose author forgot the type.
  const headers = Object.entries(told).filter(([name, value]) => name !== 'content-type' || value !== '');
  const stop = new AbortController();
  // Nobody moves the task meanwhile: the wait could only last.
  if (query.some(([name]) => name === 'wait')) setImmediate(() => stop.abort());
  const { body, method } = given;
  const init: RequestInit = {
    method,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, filled(value)])),
    signal: stop.signal,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? filled(body) : body }),
  };
  return {
    names,
    path: addressOf(
      path,
      query.map(([name, value]) => [name, filled(value)] as const),
    ),
    init,
  };
};

/** `between` stands between the client and the API. */
export const openTarget = async (between: (fetch: Fetch) => Fetch = (fetch) => fetch): Promise<Target> => {
  const world = await createWorld();
  const api = await startApi(world, { env: { RATE_PER_SECOND: '1000000' } });
  const fetch: Fetch = async (request, env) => api.app.fetch(request, env);
  const stock = await fillStock(world, asking(fetch));
  const ask = asking(between(fetch));
  return {
    ...{ world, stock, ask, usedKeys: new Set() },
    send: async (given) => {
      const { names, path, init } = await written(given, { world, stock, ask });
      return { names, path, answer: await ask(path, init, given.isPlain) };
    },
    [Symbol.asyncDispose]: async () => {
      api.stop.abort();
      await api[Symbol.asyncDispose]();
    },
  };
};
