/** Requests to one operation: as its document wants them, changed in one place, with another method, and by whoever may not ask. */
import fc from 'fast-check';
import { isTaken } from './document.ts';
import type { Operation, Parameter, Schema } from './document.ts';
import { rawAccepts, rawBodies, rawHeaders, rawPaths } from './raw.ts';
import type { Raw } from './raw.ts';
import { boundaries, brief, hostile, link, mutations, positive, trapNames, unlinked } from './values.ts';

/**
 * What must become of it: `taken` and `refused` as documented; `closed` for want of a key; `hidden` since it is another's;
 * `unsupported` for its method; `bodiless` as GET but for the body; `either` leaves open which documented answer it gets.
 */
export const kinds = ['taken', 'refused', 'closed', 'hidden', 'unsupported', 'bodiless', 'either'] as const;
export type Kind = (typeof kinds)[number];

export type Case = {
  readonly kind: Kind;
  readonly why: string;
  readonly method: string;
  /** The path as the document has it; `path` says what stands in its braces. */
  readonly template: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** Which refusal it must be, where only one fits. */
  readonly status?: number;
  /** It is no handshake, where one could be. */
  readonly isPlain?: boolean;
  /** Whose key it carries, or the whole header, or nothing. */
  readonly as: 'owner' | 'stranger' | 'revoked' | 'forged' | 'nobody' | { readonly authorization: string };
};

/** What the document says in words of a body that its schema takes. */
export type InWords = (body: unknown) => boolean;

const json = { 'content-type': 'application/json' };

/** Parameters that name something which exists, or does not. */
const named = new Set(['taskId', 'id', 'cursor', 'at', 'ticket']);

/** `fetch` takes nothing else for a header, and trims it. */
const canBeHeader = (text: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(text) && text === text.trim();

const textOf = ({ name, in: where, schema }: Parameter): fc.Arbitrary<string> =>
  named.has(name)
    ? fc.nat(20).map((pick) => link(name, pick))
    : positive(schema)
        .map(String)
        .filter((text) => where !== 'header' || canBeHeader(text));

const some = (parameters: readonly Parameter[]): fc.Arbitrary<Record<string, string>> =>
  fc.record(Object.fromEntries(parameters.map((each) => [each.name, textOf(each)])), {
    requiredKeys: parameters.filter(({ required }) => required).map(({ name }) => name),
  });

const within = ({ parameters }: Operation, where: Parameter['in']): readonly Parameter[] =>
  parameters.filter((each) => each.in === where);

export const takenCases = (operation: Operation): fc.Arbitrary<Case> => {
  const { requestBody, method, path: template } = operation;
  const none = fc.constant(undefined);
  const bodies = requestBody ? positive(requestBody.schema).map((value) => JSON.stringify(value)) : none;
  return fc
    .record({
      path: some(within(operation, 'path')),
      query: some(within(operation, 'query')).map((query) => Object.entries(query)),
      headers: some(within(operation, 'header')),
      body: requestBody?.required === true ? bodies : fc.oneof(none, bodies),
    })
    .map(({ body, headers, ...rest }) => ({
      ...{ kind: 'taken', why: 'as documented', method, template, as: 'owner', ...rest },
      headers: body === undefined ? headers : { ...headers, ...json },
      ...(body === undefined ? {} : { body }),
    }));
};

/** `why` is told only of the change that is chosen. */
type Change = { readonly why: () => string; readonly to: (given: Case) => Omit<Case, 'why'> };

/** The value that a text in an address or a header is meant to be. */
const meantBy = ({ type }: Schema, text: string): unknown =>
  type === 'integer' && /^(?:\d+|-[1-9]\d*)$/.test(text) ? Number(text) : text;

const put = (given: Case, { name, in: where }: Parameter, text: string): Case =>
  where === 'header'
    ? { ...given, headers: { ...given.headers, [name]: text } }
    : { ...given, query: [...given.query.filter(([each]) => each !== name), [name, text]] };

const parameterChanges = (parameter: Parameter): readonly Change[] => {
  const { name, in: where, schema, required } = parameter;
  const texts = [...boundaries(schema), ...hostile].map((value) =>
    typeof value === 'string' ? value : JSON.stringify(value).slice(0, 5_000),
  );
  const kindOf = (text: string): Kind => {
    if (!isTaken(schema, meantBy(schema, text))) return 'refused';
    return named.has(name) ? 'either' : 'taken';
  };
  // Half a surrogate pair has no form in an address.
  const possible = [...new Set(texts)].filter((text) => (where === 'header' ? canBeHeader(text) : text.isWellFormed()));
  const gone: Change = {
    why: () => `without ${name}`,
    to: ({ headers: { [name]: _, ...headers }, ...given }) => ({
      ...{ ...given, headers, kind: 'refused' },
      query: given.query.filter(([each]) => each !== name),
    }),
  };
  const others = possible.map((text): Change => ({
    why: () => `${name} is ${brief(text)}`,
    to: (given) => ({ ...put(given, parameter, text), kind: kindOf(text) }),
  }));
  return [...others, ...(required ? [gone] : [])];
};

const queryChanges = (operation: Operation): readonly Change[] => [
  ...within(operation, 'query').map(({ name }): Change => ({
    why: () => `${name} is given twice`,
    to: (given) => ({ ...given, kind: 'refused', query: [...given.query, [name, '1'], [name, '1']] }),
  })),
  // A parameter without a name is lost on the way to every route.
  ...(operation.isOpen ? [] : trapNames.filter((name) => name !== '')).map((name): Change => ({
    why: () => `with a parameter '${name}'`,
    to: (given) => ({ ...given, kind: 'refused', query: [...given.query, [name, '1']] }),
  })),
];

const bodyChanges = (schema: Schema, given: Case, inWords: InWords): readonly Change[] => {
  const body: unknown = JSON.parse(typeof given.body === 'string' ? given.body : '{}');
  return mutations(schema, body).map(({ why, value }) => ({
    why: () => `the body ${why()}`,
    to: () => {
      const meant = unlinked(value);
      const kind = isTaken(schema, meant) && inWords(meant) ? 'taken' : 'refused';
      return { ...given, kind, headers: { ...given.headers, ...json }, body: JSON.stringify(value) };
    },
  }));
};

const rawChange = ({ why, kind, status, path = {}, headers = {}, body }: Raw): Change => ({
  why: () => why,
  to: (given) => ({
    ...{ ...given, kind, path: { ...given.path, ...path } },
    ...(status === undefined ? {} : { status }),
    headers: { ...given.headers, ...(body ? json : {}), ...headers },
    ...(body ? { body: body() } : {}),
  }),
});

const noHandshake: Change = {
  why: () => 'no handshake',
  to: (given) => ({ ...given, kind: 'refused', isPlain: true }),
};

/** The type in which an operation answers when all is well. */
const answersIn = ({ responses }: Operation): string =>
  Object.entries(responses).flatMap(([status, { content }]) => (status < '300' ? Object.keys(content) : []))[0] ??
  'application/json';

const textField = ({ properties = {} }: Schema): string =>
  Object.entries(properties).find(([, { type, enum: names }]) => type === 'string' && !names)?.[0] ?? 'unknown';

/** Everything that can be changed in one place of a request that is taken. */
export const changesTo = (operation: Operation, given: Case, inWords: InWords): readonly Change[] => {
  const { requestBody, responses } = operation;
  // A handshake is answered in no format.
  const isChannel = responses['101'] !== undefined;
  return [
    ...operation.parameters.filter((each) => each.in !== 'path').flatMap(parameterChanges),
    ...queryChanges(operation),
    ...rawPaths(within(operation, 'path').map(({ name }) => name)).map(rawChange),
    ...(operation.isOpen || isChannel ? [] : rawAccepts(answersIn(operation))).map(rawChange),
    ...rawHeaders(isChannel).map(rawChange),
    ...(isChannel ? [noHandshake] : []),
    ...(requestBody ? rawBodies(textField(requestBody.schema)).map(rawChange) : []),
    ...(requestBody ? bodyChanges(requestBody.schema, given, inWords) : []),
  ];
};

export const changed = (change: Change, given: Case): Case => ({ ...change.to(given), why: change.why() });

const badTokens = (): fc.Arbitrary<Case['as']> =>
  fc.oneof(
    fc.constantFrom<Case['as']>('nobody', 'revoked', 'forged'),
    fc
      .constantFrom('', 'Bearer', 'Bearer ', 'Basic YTpi', 'bearer null', 'Bearer undefined', 'Bearer ⟦key 0⟧x')
      .map((authorization) => ({ authorization })),
    fc
      .constantFrom('⟦key 0⟧', 'Token ⟦key 0⟧', 'Bearer:⟦key 0⟧', 'Bearer ⟦key 0⟧, Bearer ⟦key 0⟧', 'Bearer "⟦key 0⟧"')
      .map((authorization) => ({ authorization })),
    fc.stringMatching(/^kd_[0-9A-Za-z]{16}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/).map((key) => ({
      authorization: `Bearer ${key}`,
    })),
  );

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND', 'QUERY', 'get', 'X'];

const unsupported = (operation: Operation): readonly string[] => {
  const { siblings } = operation;
  const known = [...siblings, 'OPTIONS', ...(siblings.includes('GET') ? ['HEAD'] : [])];
  // `fetch` writes the usual methods in capitals, whatever it is given.
  return methods.filter((method) => !known.includes(method.toUpperCase()));
};

/** A ticket stands for a key. */
const withoutTicket = ({ query }: Case): Case['query'] => query.filter(([name]) => name !== 'ticket');

/** Requests of every kind that the operation can get. */
export const cases = (operation: Operation, inWords: InWords): fc.Arbitrary<Case> => {
  const taken = takenCases(operation);
  const one = fc.tuple(taken, fc.nat()).map(([given, pick]) => {
    const all = changesTo(operation, given, inWords);
    const change = all[pick % all.length];
    return change ? changed(change, given) : given;
  });
  const as = (kind: Kind, why: string, change: (given: Case) => Partial<Case>): fc.Arbitrary<Case> =>
    taken.map((given) => ({ ...given, kind, why, ...change(given) }));
  const closed = fc.tuple(taken, badTokens()).map(([given, who]): Case => ({
    ...given,
    kind: 'closed',
    why: 'without a valid key',
    as: who,
    query: withoutTicket(given),
  }));
  const hidden = as('hidden', 'of another member', (given) => ({ as: 'stranger', query: withoutTicket(given) }));
  const wrong = fc
    .tuple(taken, fc.constantFrom(...unsupported(operation)))
    .map(([{ body, ...given }, method]): Case => ({
      ...{ ...given, kind: 'unsupported', why: method, method },
      // `fetch` sends no body with these.
      ...(body === undefined || /^(?:get|head)$/i.test(method) ? {} : { body }),
    }));
  return fc.oneof(
    { arbitrary: taken, weight: 4 },
    { arbitrary: one, weight: 9 },
    { arbitrary: closed, weight: operation.isOpen ? 0 : 2 },
    { arbitrary: hidden, weight: operation.isOpen ? 0 : 1 },
    { arbitrary: wrong, weight: 1 },
    { arbitrary: as('bodiless', 'HEAD', () => ({ method: 'HEAD' })), weight: operation.method === 'GET' ? 1 : 0 },
  );
};
