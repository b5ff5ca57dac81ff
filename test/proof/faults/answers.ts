/** Faults that are answers: less was done than was asked, or an index tells of a moment ago. */
import { z } from 'zod';
import { jsonText } from '#platform/json.ts';
import type { Call, Fault } from '#test/support/faulty-aws.ts';
import type { Column } from './columns.ts';

type Output = Record<string, unknown>;
const hasOutput = (answer: unknown): answer is { readonly output: Output } =>
  typeof answer === 'object' && answer !== null && 'output' in answer && typeof answer.output === 'object';

/** What comes back is changed on its way. */
export const rewritten =
  (rewrite: (output: Output) => unknown): Fault =>
  async (send) => {
    const answer = await send();
    if (hasOutput(answer)) await rewrite(answer.output);
    return answer;
  };

type Http = { body: string | Uint8Array; readonly headers: Record<string, string> };
const hasBody = (http: unknown): http is Http =>
  typeof http === 'object' &&
  http !== null &&
  'body' in http &&
  (typeof http.body === 'string' || http.body instanceof Uint8Array);
const httpOf = ({ command, http }: Call): Http => {
  if (hasBody(http)) return http;
  throw new Error(`${command} has no body`);
};
const bodyOf = ({ body }: Http): unknown =>
  JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body));

/** What goes out is changed on its way; a stand-in for AWS checks no signature. */
const shortened = (call: Call, shorten: (body: unknown) => unknown): void => {
  const http = httpOf(call);
  http.body = JSON.stringify(shorten(bodyOf(http)));
  http.headers['content-length'] = String(Buffer.byteLength(http.body));
};

const Entries = z.looseObject({ Entries: z.array(z.unknown()).min(1) });
const Results = z.array(z.unknown());

const Announced = z.looseObject({ Detail: z.string() });
const Named = jsonText(z.looseObject({ stream: z.string().optional(), version: z.int().optional() }));

/** What the bus was really asked to announce: an entry that was taken out on its way is not among it. */
export const announcedIn = (call: Call): { stream: string; version: number }[] =>
  Entries.parse(bodyOf(httpOf(call))).Entries.flatMap((entry) => {
    const { stream, version } = Named.parse(Announced.parse(entry).Detail);
    return stream === undefined || version === undefined ? [] : { stream, version };
  });

/** The bus takes all but the last entry, and says so; of a single one it takes nothing. */
export const putInPart = (call: Call): Fault => {
  const { length } = Entries.parse(call.input).Entries;
  if (length > 1) {
    shortened(call, (body) => {
      const { Entries: all, ...rest } = Entries.parse(body);
      return { ...rest, Entries: all.slice(0, -1) };
    });
  } else shortened(call, (body) => replaced(body));
  return rewritten((output) => {
    const failure = { ErrorCode: 'ThrottlingException', ErrorMessage: 'injected' };
    output['Entries'] = [...Results.parse(output['Entries']).slice(0, length - 1), failure];
    output['FailedEntryCount'] = 1;
  });
};

/** A request must have an entry: one that no rule is for. */
const replaced = (body: unknown): unknown => {
  const [entry] = z.object({ Entries: z.tuple([z.looseObject({})]) }).parse(body).Entries;
  return { Entries: [{ ...entry, Source: 'nobody', DetailType: 'Nothing', Detail: '{}' }] };
};

const Batch = z.object({ RequestItems: z.record(z.string(), z.looseObject({ Keys: z.array(z.unknown()).min(1) })) });
const withKeys = (batch: unknown, keep: (keys: readonly unknown[]) => readonly unknown[]): unknown => {
  const { RequestItems } = Batch.parse(batch);
  const kept = Object.entries(RequestItems).map(([table, of]) => [table, { ...of, Keys: keep(of.Keys) }] as const);
  return { RequestItems: Object.fromEntries(kept) };
};
const UnprocessedOf = z.object({ RequestItems: z.unknown() });

/** The first key is looked up, the others are left for another time. */
const readInPart = (call: Call): Fault => {
  shortened(call, (body) => withKeys(body, (keys) => keys.slice(0, 1)));
  return rewritten((output) => {
    const left = withKeys(call.input, (keys) => keys.slice(1));
    output['UnprocessedKeys'] = UnprocessedOf.parse(left).RequestItems;
  });
};

const keysIn = (call: Call): number =>
  Object.values(Batch.parse(call.input).RequestItems).reduce((sum, { Keys }) => sum + Keys.length, 0);

const isIndex = ({ command, input }: Call): boolean => command === 'QueryCommand' && 'IndexName' in input;

/** What the index answered to the same question the first time. */
const earlier = new Map<string, unknown[]>();
const questionOf = ({ input }: Call): string => JSON.stringify(input);

export const rememberIndex = (call: Call): Fault | undefined => {
  const question = isIndex(call) ? questionOf(call) : '';
  if (question === '' || earlier.has(question)) return undefined;
  return rewritten((output) => earlier.set(question, Results.parse(output['Items'] ?? [])));
};

const outdated = (name: string, old: (entries: unknown[], call: Call) => unknown[]): Column => ({
  name,
  matches: isIndex,
  strike: (call) =>
    rewritten((output) => {
      output['Items'] = old(Results.parse(output['Items'] ?? []), call);
      output['Count'] = Results.parse(output['Items']).length;
    }),
});

export const answerColumns: readonly Column[] = [
  {
    name: 'keys left unprocessed',
    matches: (call) => call.command === 'BatchGetItemCommand' && keysIn(call) > 1,
    strike: readInPart,
  },
  { name: 'bus took it in part', matches: ({ command }) => command === 'PutEventsCommand', strike: putInPart },
  outdated('index shows nothing yet', () => []),
  outdated('index lacks the first', (entries) => entries.slice(1)),
  outdated('index shows the past', (entries, call) => earlier.get(questionOf(call)) ?? entries),
];
