/** What a client may ask for when it submits a task, and what is refused before anything is stored. */
import { z } from '@hono/zod-openapi';
import { SessionId } from '#events/ids.ts';
import { Limits, Priority } from '#events/task.ts';

const messageBytesMax = 1_048_576;
const metadataBytesMax = 16_384;
const metadataDepthMax = 16;

/** A lone surrogate is no Unicode text; stored as UTF-8 it would come back as another string. */
const wellFormed = (text: string): boolean => text.isWellFormed();
const text = z.string().refine(wellFormed, 'must be well-formed Unicode');

/** Names by which a careless merge would reach an object's prototype. */
const prototypeKeys = new Set(['__proto__', 'constructor', 'prototype']);

type Found = { readonly path: PropertyKey[]; readonly detail: string };

/** Looked at before any recursive schema: what is nested deeper than this is never walked further. */
const faultIn = (value: unknown, path: PropertyKey[] = []): Found | undefined => {
  if (path.length > metadataDepthMax) return { path: [], detail: `may be nested ${metadataDepthMax} deep` };
  if (typeof value === 'string' && !wellFormed(value)) return { path, detail: 'must be well-formed Unicode' };
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (prototypeKeys.has(key) || !wellFormed(key)) return { path: [...path, key], detail: 'is no name for a field' };
    const found = faultIn(inner, [...path, key]);
    if (found) return found;
  }
  return undefined;
};

const Metadata = z
  .unknown()
  .superRefine((value, context) => {
    const found = faultIn(value);
    if (found) context.addIssue({ code: 'custom', path: found.path, message: found.detail });
    else if (Buffer.byteLength(JSON.stringify(value)) > metadataBytesMax) {
      context.addIssue({ code: 'custom', message: `may have ${metadataBytesMax} bytes of JSON` });
    }
  })
  .pipe(z.record(z.string().max(200), z.json()))
  .openapi({ type: 'object', description: 'Yours to choose; given back as it is. At most 16 KiB of JSON.' });

const shorthand = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\/[A-Za-z0-9._-]{1,100}$/;

/** `owner/name`, or an https URL without user, password, query and fragment: a secret in it would be stored and shown. */
const isRepository = (repository: string): boolean => {
  if (shorthand.test(repository)) return !/\/\.{1,2}$/.test(repository);
  if (!URL.canParse(repository)) return false;
  const { protocol, username, password, search, hash, pathname } = new URL(repository);
  return protocol === 'https:' && `${username}${password}${search}${hash}` === '' && pathname.length > 1;
};

/** What `git check-ref-format` accepts (its rules 1 to 10), and what no command line takes for an option. */
const isRef = (ref: string): boolean =>
  !/^[-/]|\/$|\/\/|\.$|\.\.|@\{|[\u0000-\u0020\u007f~^:?*[\\]/.test(ref) &&
  ref !== '@' &&
  ref.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));

export const taskRequest = (timeoutMsMax: number) =>
  z
    .strictObject({
      message: text
        .min(1)
        .max(messageBytesMax)
        .refine((message) => message.trim() !== '', 'must not be blank')
        .openapi({ example: 'Add a README with a usage section.' }),
      priority: Priority.default('normal'),
      sessionId: SessionId.optional().openapi({ description: 'The conversation to continue.' }),
      repository: z
        .string()
        .max(2_000)
        .refine(isRepository, 'must be owner/name or an https URL without credentials')
        .optional()
        .openapi({ example: 'octocat/hello-world' }),
      ref: z.string().min(1).max(250).refine(isRef, 'must be the name of a branch, tag or commit').optional(),
      timeoutMs: z.int().min(1_000).max(timeoutMsMax).default(timeoutMsMax),
      limits: z.strictObject(Limits.shape).optional(),
      metadata: Metadata.optional(),
    })
    .refine(({ repository, ref }) => ref === undefined || repository !== undefined, {
      path: ['ref'],
      message: 'needs a repository',
    })
    .openapi('TaskRequest');

export const CancelRequest = z.strictObject({ reason: text.max(1_000).optional() }).openapi('CancelRequest');
