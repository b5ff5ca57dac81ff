/** What a request may be, before anything looks into it: how large, in which format, asking for which. */
import { isUtf8 } from 'node:buffer';
import { bodyLimit } from 'hono/body-limit';
import type { Context, MiddlewareHandler } from 'hono';
import { problem } from './problem.ts';

export const bodyBytesMax = 1_048_576;

const tooLarge = (c: Context) => problem(c, 'too-large', { detail: `A body may have ${bodyBytesMax} bytes.` });
const countedSize = bodyLimit({ maxSize: bodyBytesMax, onError: tooLarge });

/** A length that was told is believed, since no more than that is read of the request; to count costs a stream for every one. */
export const bodySize: MiddlewareHandler = async (c, next) => {
  const length = c.req.header('content-length');
  const isTold = length !== undefined && c.req.header('transfer-encoding') === undefined;
  const hasNone = c.req.method === 'GET' || c.req.method === 'HEAD';
  if (!isTold && !hasNone) return countedSize(c, next);
  if (Number(length ?? 0) > bodyBytesMax) return tooLarge(c);
  await next();
  return undefined;
};

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

const decoder = new TextDecoder();

/** After the limit of its size, since it is read whole: what is no UTF-8 would be taken for other text than was sent. */
export const bodyText: MiddlewareHandler = async (c, next) => {
  if (c.req.method === 'POST') {
    // Of a client that goes away in the middle nothing can be read either.
    const bytes = await c.req.arrayBuffer().catch(() => undefined);
    if (bytes === undefined || !isUtf8(bytes))
      return problem(c, 'malformed-request', { detail: 'The body is not UTF-8.' });
    // Otherwise it would be made of the bytes by way of a stream. Hono keeps a promise here, and says so in no type.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(decoder.decode(bytes)) });
  }
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
