/** What a request may be, before anything looks into it: how large, in which format, asking for which. */
import { isUtf8 } from 'node:buffer';
import { bodyLimit } from 'hono/body-limit';
import type { MiddlewareHandler } from 'hono';
import { problem } from './problem.ts';

export const bodyBytesMax = 1_048_576;

export const bodySize: MiddlewareHandler = bodyLimit({
  maxSize: bodyBytesMax,
  onError: (c) => problem(c, 'too-large', { detail: `A body may have ${bodyBytesMax} bytes.` }),
});

const json = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

/** A body in another format, character set or encoding would be read as something else than its sender meant. */
export const bodyFormat: MiddlewareHandler = async (c, next) => {
  const type = c.req.header('content-type');
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    return problem(c, 'unsupported-media-type', { detail: `Content-Encoding ${encoding} is not understood.` });
  }
  if (type !== undefined && !json.test(type)) {
    return problem(c, 'unsupported-media-type', { detail: `Content-Type ${type} is not application/json.` });
  }
  await next();
  return undefined;
};

/** After the limit of its size, since it is read whole: what is no UTF-8 would be taken for other text than was sent. */
export const bodyText: MiddlewareHandler = async (c, next) => {
  // Of a client that goes away in the middle nothing can be read either.
  const isText = c.req.method !== 'POST' || (await c.req.arrayBuffer().then(isUtf8, () => false));
  if (!isText) return problem(c, 'malformed-request', { detail: 'The body is not UTF-8.' });
  await next();
  return undefined;
};

/** Whether an `Accept` header allows an answer of this type. */
export const accepts = (accept: string | undefined, type: string): boolean => {
  if (accept === undefined || accept.trim() === '') return true;
  const family = `${type.slice(0, type.indexOf('/'))}/*`;
  return accept.split(',').some((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return !refused && (name === type || name === family || name === '*/*');
  });
};

/** `typeOf` says in which format a path answers. */
export const acceptFormat =
  (typeOf: (path: string) => string): MiddlewareHandler =>
  async (c, next) => {
    const type = typeOf(c.req.path);
    if (!accepts(c.req.header('accept'), type)) {
      return problem(c, 'not-acceptable', { detail: `The answer would be ${type}.` });
    }
    await next();
    return undefined;
  };
