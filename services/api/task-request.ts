/** What a client may ask for when it submits a task, and what is refused before anything is stored. */
import { z } from '@hono/zod-openapi';
import { SessionId } from '#events/ids.ts';
import { Limits, Priority } from '#events/task.ts';

const messageBytesMax = 1_048_576;
const metadataBytesMax = 16_384;
const metadataDepthMax = 16;
const nameCharactersMax = 200;

/** A lone surrogate is no Unicode text; stored as UTF-8 it would come back as another string. */
const wellFormed = (text: string): boolean => text.isWellFormed();
const text = z.string().refine(wellFormed, 'must be well-formed Unicode');

/** JSON Schema counts characters, JavaScript the halves that some are made of. */
const isWithin = (value: string, charactersMax: number): boolean =>
  value.length <= charactersMax || Array.from(value).length <= charactersMax;
const shortText = (charactersMax: number) =>
  text
    .refine((value) => isWithin(value, charactersMax), `may have ${charactersMax} characters`)
    .openapi({ maxLength: charactersMax });

/** Names by which a careless merge would reach an object's prototype. */
const prototypeKeys = new Set(['__proto__', 'constructor', 'prototype']);

type Found = { readonly path: PropertyKey[]; readonly detail: string };

/** Looked at before any recursive schema: what is nested deeper than this is never walked further. */
const faultIn = (value: unknown, path: PropertyKey[] = []): Found | undefined => {
  if (path.length > metadataDepthMax) return { path: [], detail: `may be nested ${metadataDepthMax} deep` };
  if (typeof value === 'string' && !wellFormed(value)) return { path, detail: 'must be well-formed Unicode' };
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (prototypeKeys.has(key) || !wellFormed(key) || !isWithin(key, nameCharactersMax))
      return { path: [...path, key], detail: 'is no name for a field' };
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
  .pipe(z.record(z.string(), z.json()))
  .openapi({
    type: 'object',
    description:
      'Yours to choose; given back as it is. At most 16 KiB of JSON, nested at most 16 deep, in names of at most 200 characters ' +
      'that are none of `__proto__`, `constructor` and `prototype`.',
  });

/** `owner/name`, or an https URL without user, password, query and fragment: a secret in it would be stored and shown. */
const owner = String.raw`[A-Za-z0-9][A-Za-z0-9-]{0,38}`;
const name = String.raw`(?:[\w-][\w.-]{0,99}|\.[\w-][\w.-]{0,98}|\.\.[\w.-]{1,98})`;
const host = String.raw`(?:(?:[A-Za-z0-9-]+\.)*[A-Za-z][A-Za-z0-9-]*|(?:[0-9]{1,3}\.){3}[0-9]{1,3})`;
const path = String.raw`\/[\w.~!$&'()*+,;=:@%\/-]+`;
const repositoryForm = new RegExp(`^(?:${owner}\\/${name}|https:\\/\\/${host}(?::[0-9]{1,5})?${path})$`);

/** What `git check-ref-format` accepts (its rules 1 to 10), and what no command line takes for an option. */
const refForm =
  /^(?![-/.]|@$)(?!.*(?:\/[/.]|\.\.|@\{|\.lock(?:\/|$)))[^\u0000-\u0020\u007f~^:?*[\\]*[^\u0000-\u0020\u007f~^:?*[\\/.]$/;

/** Only a session of ours can be named, and ours are all of version 7. */
const sessionIdForm = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$';

const refNeedsRepository = {
  description: 'Text is Unicode: half of a surrogate pair is refused.',
  dependentRequired: { ref: ['repository'] },
};

export const taskRequest = (timeoutMsMax: number) =>
  z
    .strictObject({
      message: text
        .min(1)
        .max(messageBytesMax)
        .regex(/\S/, 'must not be blank')
        .openapi({ example: 'Add a README with a usage section.' }),
      priority: Priority.default('normal'),
      sessionId: SessionId.optional().openapi({
        pattern: sessionIdForm,
        description: 'The conversation to continue.',
      }),
      repository: z
        .string()
        .max(2_000)
        .regex(repositoryForm, 'must be owner/name or an https URL without credentials')
        .optional()
        .openapi({ example: 'octocat/hello-world' }),
      ref: shortText(250).regex(refForm, 'must be the name of a branch, tag or commit').optional(),
      timeoutMs: z.int().min(1_000).max(timeoutMsMax).default(timeoutMsMax),
      limits: z.strictObject(Limits.shape).optional(),
      metadata: Metadata.optional(),
    })
    .refine(({ repository, ref }) => ref === undefined || repository !== undefined, {
      path: ['ref'],
      message: 'needs a repository',
    })
    .openapi('TaskRequest', { ...refNeedsRepository });

export const CancelRequest = z.strictObject({ reason: shortText(1_000).optional() }).openapi('CancelRequest');
