/** What every answer is held to. The checks have the names that Schemathesis gave them. */
import { z } from 'zod';
import { faultOf } from './document.ts';
import type { Documented, Operation } from './document.ts';
import type { Case } from './requests.ts';
import type { Sent, Target } from './target.ts';

export const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'positive_data_acceptance',
  'negative_data_rejection',
  'missing_required_header',
  'unsupported_method',
  'allow_header',
  'ignored_auth',
  'use_after_free',
  'ensure_resource_availability',
  'max_response_time',
] as const;
export type Check = (typeof checks)[number];

/** Undefined where the check has nothing to say; an empty text where it holds. */
export type Findings = Partial<Record<Check, string>>;

type Judged = { readonly operation: Operation; readonly given: Case; readonly sent: Sent; readonly target: Target };

/** Of every answer, whatever it is about; any other header is for the document to tell. */
const general = new Set([
  ...['content-type', 'content-length', 'cache-control', 'x-content-type-options', 'x-request-id', 'traceparent'],
  ...['ratelimit', 'ratelimit-policy', 'vary', 'x-accel-buffering'],
]);

const must = (holds: boolean, fault: string): string => (holds ? '' : fault);

const typeOf = (headers: Headers): string => (headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';

const Problem = z.strictObject({
  type: z.string().startsWith('https://kiro-dispatch.dev/problems/'),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
});

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A refusal that its status and its description know. */
const problemFault = ({ answer }: Sent, documented: Documented | undefined): string => {
  const problem = Problem.safeParse(parsed(answer.text)).data;
  if (!problem) return `no problem document: ${answer.text.slice(0, 200)}`;
  const name = problem.type.split('/').at(-1) ?? '';
  if (problem.status !== answer.status) return `status ${problem.status} in the body of ${answer.status}`;
  const told = documented === undefined || documented.description.includes(`\`${name}\``);
  return must(told, `${name} is not described under ${answer.status}`);
};

const eventStreamFault = (text: string): string => {
  const messages = text.split('\n\n').flatMap((block) => /^data: (.*)$/m.exec(block)?.[1] ?? []);
  return must(
    text.startsWith('retry: ') && messages.every((message) => parsed(message) !== undefined),
    'no stream of messages in JSON',
  );
};

const schemaFault = (sent: Sent, documented: Documented, isProblem: boolean): string => {
  const { answer } = sent;
  const type = typeOf(answer.headers);
  const schema = documented.content[type]?.schema;
  if (!schema) return '';
  if (type === 'text/event-stream') return eventStreamFault(answer.text);
  const said = parsed(answer.text);
  return (said === undefined ? 'no JSON' : faultOf(schema, said)) ?? (isProblem ? problemFault(sent, documented) : '');
};

const headersFault = ({ answer: { headers } }: Sent, documented: Documented): string => {
  for (const [name, { required, schema }] of Object.entries(documented.headers)) {
    const value = headers.get(name);
    if (value === null && required) return `${name} is missing`;
    const meant = schema.type === 'integer' ? Number(value) : value;
    const fault = value === null ? undefined : faultOf(schema, meant);
    if (fault !== undefined) return `${name} is ${value ?? ''}: ${fault}`;
  }
  const known = new Set([...general, ...Object.keys(documented.headers).map((name) => name.toLowerCase())]);
  return [...headers.keys()].filter((name) => !known.has(name)).map((name) => `${name} is not documented`)[0] ?? '';
};

/** That the answer is one of the document's, whatever was asked. */
const conformance = ({ operation, given, sent }: Judged): Findings => {
  const { status, headers, text } = sent.answer;
  const documented = operation.responses[String(status)];
  if (!documented) return { status_code_conformance: `${status} is not documented: ${text.slice(0, 200)}` };
  const types = Object.keys(documented.content);
  const isEmpty = text === '' && !headers.has('content-type');
  const isBodiless = given.method === 'HEAD' || types.length === 0;
  return {
    status_code_conformance: '',
    content_type_conformance: must(
      given.method === 'HEAD' ? text === '' : isBodiless ? isEmpty || status === 101 : types.includes(typeOf(headers)),
      `${status} in ${headers.get('content-type') ?? 'no type'}: ${text.slice(0, 100)}`,
    ),
    response_headers_conformance: headersFault(sent, documented),
    ...(isBodiless ? {} : { response_schema_conformance: schemaFault(sent, documented, status >= 400) }),
  };
};

const unsupported = ({ operation, given, sent: { answer } }: Judged): Findings => {
  const allow = (answer.headers.get('allow') ?? '').split(', ');
  const missing = operation.siblings.filter((method) => !allow.includes(method));
  const isProblem = given.method === 'HEAD' || Problem.safeParse(parsed(answer.text)).success;
  return {
    unsupported_method: must(answer.status === 405 && isProblem, `${answer.status} for ${given.method}`),
    allow_header: must(missing.length === 0 && !allow.includes(given.method), `Allow is ${allow.join(', ')}`),
  };
};

/** Ids in an address of another's things; a session in a body is refused as one that does not exist. */
const isHidden = ({ given, sent }: Judged): boolean => {
  const names = Object.keys(sent.names);
  if (Object.keys(given.path).length > 0) return sent.answer.status === 404;
  if (names.includes('sessionId')) return sent.answer.status === 422;
  // A cursor of one's own list may be no cursor of another's.
  return sent.answer.status < 300 || (names.includes('cursor') && sent.answer.status === 422);
};

const isTaken = ({ operation, given, sent, target: { stock, usedKeys } }: Judged): boolean => {
  const { status, text } = sent.answer;
  const conflicts = Object.values(sent.names).some((name) => stock.conflicting.has(name));
  if (operation.responses['409'] && conflicts) return status === 409;
  const isReuse = usedKeys.has(given.headers['idempotency-key'] ?? '');
  return status < 400 || (isReuse && text.includes('/problems/idempotency-key-reused'));
};

const timeMsMax = 2_000;

/** Everything there is to say of one answer by itself. */
export const judge = (judged: Judged): Findings => {
  const { operation, given, sent } = judged;
  const { status, headers, text, ms } = sent.answer;
  const told = `${status} ${text.slice(0, 300)}`;
  const always: Findings = {
    not_a_server_error: must(status < 500, told),
    max_response_time: must(ms < timeMsMax, `${Math.round(ms)} ms`),
  };
  if (given.kind === 'unsupported') return { ...always, ...unsupported(judged) };
  const documented = { ...always, ...conformance(judged) };
  switch (given.kind) {
    case 'taken':
      return { ...documented, positive_data_acceptance: must(isTaken(judged), told) };
    case 'refused': {
      // A ticket is a key: one that is none is no valid one.
      const isKey = given.query.some(([name]) => name === 'ticket');
      const isRefused = status >= 400 && status < 500 && status !== 429 && (status !== 401 || isKey);
      const lacksHeader = operation.parameters.some(({ name }) => given.why === `without ${name}`);
      const finding = must(isRefused && (given.status ?? status) === status, told);
      return {
        ...documented,
        negative_data_rejection: finding,
        ...(lacksHeader && { missing_required_header: finding }),
      };
    }
    case 'closed':
      return { ...documented, ignored_auth: must(status === 401 && headers.has('www-authenticate'), told) };
    case 'hidden': {
      const owners = [...text.matchAll(/"owner":"([^"]*)"/g)].map(([, owner]) => owner);
      const isOthers = owners.some((owner) => owner === 'aliceAAAAAAA');
      return { ...documented, ignored_auth: must(isHidden(judged) && !isOthers, told) };
    }
    case 'bodiless':
    case 'either':
      return documented;
  }
};
