/** Every refusal an HTTP interface of ours can give: one table from its name to status and title, told as RFC 9457 has it. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

export const problems = {
  'malformed-request': { status: 400, title: 'The request cannot be read.' },
  unauthenticated: { status: 401, title: 'A valid API key is needed.' },
  'origin-refused': { status: 403, title: 'This page may not connect here.' },
  forbidden: { status: 403, title: 'The role of this key does not allow that.' },
  'not-found': { status: 404, title: 'There is no such thing, or it is not yours to see.' },
  'method-not-allowed': { status: 405, title: 'This address does not answer to that method.' },
  'not-acceptable': { status: 406, title: 'This address cannot answer in the format that is asked for.' },
  'already-over': { status: 409, title: 'The task is over.' },
  'session-busy': { status: 409, title: 'The session is working on a task.' },
  'too-large': { status: 413, title: 'The body is too large.' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON in UTF-8.' },
  misdirected: { status: 421, title: 'This server does not answer to that host name.' },
  'invalid-request': { status: 422, title: 'The request is not valid.' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another request.' },
  'upgrade-required': { status: 426, title: 'This address speaks WebSocket.' },
  'rate-limited': { status: 429, title: 'Too many requests with this key.' },
  internal: { status: 500, title: 'Something went wrong on our side.' },
  unavailable: { status: 503, title: 'A part this depends on does not answer.' },
  overloaded: { status: 503, title: 'There is more work than can be taken on now.' },
} as const satisfies Record<string, { status: ContentfulStatusCode; title: string }>;

export type ProblemType = keyof typeof problems;
export type StatusOf<Type extends ProblemType> = (typeof problems)[Type]['status'];

/** Stable for ever: clients compare it. */
export const problemUrl = (type: ProblemType): string => `https://kiro-dispatch.dev/problems/${type}`;

const FieldError = z.object({
  pointer: z.string().openapi({ description: 'JSON pointer into the body, or the name of a parameter.' }),
  detail: z.string(),
});
export type FieldError = z.infer<typeof FieldError>;

export const Problem = z
  .object({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z.array(FieldError).optional(),
  })
  .openapi('Problem');

export const problemContentType = 'application/problem+json';

export type Told = {
  readonly detail?: string;
  readonly errors?: FieldError[];
  readonly headers?: Record<string, string>;
};

const bodyOf = <Type extends ProblemType>(type: Type, { detail, errors }: Told) => {
  const { status, title }: { status: StatusOf<Type>; title: string } = problems[type];
  return {
    type: problemUrl(type),
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors }),
  };
};

export const problemBody = (type: ProblemType, told: Told): z.infer<typeof Problem> => bodyOf(type, told);

/** The answer of a refused request; typed by its status, so that a route can only refuse as its definition says. */
export const problem = <Type extends ProblemType>(c: Context, type: Type, told: Told = {}) => {
  const body = bodyOf(type, told);
  return c.json(body, body.status, { ...told.headers, 'content-type': problemContentType });
};

const retryAfter = {
  'retry-after': {
    required: true,
    schema: { type: 'integer' },
    description: 'Seconds until it is worth trying again.',
  },
} as const;
/** What is told beside the body; every refusal of one status comes with the same. */
const headersOf = {
  401: { 'www-authenticate': { required: true, schema: { type: 'string' } } },
  426: { upgrade: { required: true, schema: { type: 'string' } } },
  429: retryAfter,
  503: retryAfter,
} as const;
const toldWith = (status: number) => Object.entries(headersOf).find(([each]) => each === String(status))?.[1];

/** What a route's definition says about a refusal. */
export const refusal = (...types: readonly [ProblemType, ...ProblemType[]]) => {
  const headers = toldWith(problems[types[0]].status);
  return {
    description: types.map((type) => `${problems[type].title} (\`${type}\`)`).join(' '),
    ...(headers === undefined ? {} : { headers }),
    content: { [problemContentType]: { schema: Problem } },
  };
};

/** JSON pointer (RFC 6901) of a path that a schema complains about. */
const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

export const fieldErrors = (error: z.core.$ZodError): FieldError[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ pointer: pointerOf([...issue.path, key]), detail: 'is not known' }))
      : [{ pointer: pointerOf(issue.path), detail: issue.message }],
  );
