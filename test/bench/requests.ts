/** Requests to an API, sent by a process of its own. */
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { Loaded } from './load.ts';
import type { Load } from './load.ts';
import { message } from './recorded.ts';

export type Target = { readonly url: string; readonly key: string };

export type Requests = AsyncDisposable & {
  readonly submit: (load: Load) => Promise<Loaded>;
  readonly get: (load: Load, paths: readonly string[]) => Promise<Loaded>;
};

export const startClient = (): Child => startChild('http-client');

export const requestsTo = ({ url, key }: Target): Requests => {
  const client = startClient();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return {
    submit: (load) => {
      const body = JSON.stringify({ message });
      const length = { 'content-length': String(Buffer.byteLength(body)) };
      const post = { method: 'POST', paths: ['/api/chat'], status: 202, headers: { ...headers, ...length }, body };
      return client.ask('load', { ...load, url, ...post }, Loaded);
    },
    get: (load, paths) => client.ask('load', { ...load, url, method: 'GET', paths, status: 200, headers }, Loaded),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
};
