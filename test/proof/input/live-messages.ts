/** What clients say on the live channel, right and wrong, and how each is answered. */
import fc from 'fast-check';
import { z } from 'zod';
import { sessionId, taskId } from '#test/support/ids.ts';
import type { ServedApi } from '../../services/api/live/client.ts';
import { openSession } from '../../services/api/world.ts';
import type { World } from '../../services/api/world.ts';
import { isTaken } from './document.ts';
import type { Schema } from './document.ts';
import { hostile, mutations } from './values.ts';

export type Said = { readonly data: string | Uint8Array<ArrayBuffer>; readonly isPing: boolean };

const stream = {
  type: 'string',
  pattern: '^(?:\\$mine|(?:task|session|lock|build|account)/[A-Za-z0-9][A-Za-z0-9._:#/-]{0,199})$',
};
const after: Schema & { readonly anyOf: readonly Schema[] } = {
  anyOf: [{ type: 'integer', minimum: 0, maximum: 2 ** 53 - 1 }, { type: 'string' }],
};
const kinds: Readonly<Record<string, Schema>> = Object.fromEntries(
  [
    { name: 'subscribe', properties: { stream, after }, required: ['type', 'stream'] },
    { name: 'unsubscribe', properties: { stream }, required: ['type', 'stream'] },
    { name: 'ping', properties: {}, required: ['type'] },
  ].map(({ name, properties, required }): [string, Schema] => [
    name,
    {
      ...{ type: 'object', required, additionalProperties: false },
      properties: { type: { type: 'string', enum: [name] }, ...properties },
    },
  ]),
);

const Meant = z.looseObject({ type: z.string() });
const Known = z.object({
  type: z.enum(['subscribe', 'unsubscribe', 'ping']),
  stream: z.string().default(''),
  after: z.union([z.number(), z.string()]).optional(),
});
type Known = z.infer<typeof Known>;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The message, if it is one. */
const meantBy = (data: Said['data']): Known | undefined => {
  const value = typeof data === 'string' ? parsed(data) : undefined;
  const type = Meant.safeParse(value).data?.type ?? '';
  const schema = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (!schema || !isTaken(schema, value)) return undefined;
  const known = Known.parse(value);
  return typeof known.after === 'string' && known.after.length > 2_000 ? undefined : known;
};

const said = (data: Said['data']): Said => ({ data, isPing: meantBy(data)?.type === 'ping' });

const shards = 4;
const isCursor = (text: string): boolean =>
  new RegExp(`^(?:[0-9a-z]{1,9}(?:\\+[0-9a-z]{1,2})?(?:\\.|$)){${shards}}$`).test(text) && !text.endsWith('.');

/** What is subscribed to now, and how often it was. */
export type Followed = { readonly open: Set<string>; readonly begun: Map<string, number> };

/** What is answered at once, knowing what is subscribed to; nothing where the stream itself is the answer. */
export const expectReply = ({ data }: Said, { open, begun }: Followed, own: readonly string[]): string | undefined => {
  const message = meantBy(data);
  if (!message) return 'invalid-message';
  if (message.type === 'ping') return 'pong';
  if (message.type === 'unsubscribe') return open.delete(message.stream) ? undefined : 'not-subscribed';
  if (open.has(message.stream)) return 'already-subscribed';
  const isMine = message.stream === '$mine';
  const isPlace =
    message.after === undefined ||
    (isMine ? typeof message.after === 'string' && isCursor(message.after) : typeof message.after === 'number');
  if (!isPlace) return 'invalid-cursor';
  if (!isMine && !own.includes(message.stream)) return 'not-found';
  open.add(message.stream);
  begun.set(message.stream, (begun.get(message.stream) ?? 0) + 1);
  return undefined;
};

const Submitted = z.object({ taskId: z.string() });

/** Streams of alice, and streams that are not hers. */
export const speakers = async (world: World, api: ServedApi) => {
  await openSession(world, sessionId(1), 'alice');
  await openSession(world, sessionId(2), 'bob', 2);
  const submit = async (as: 'alice' | 'bob'): Promise<string> => {
    const answer = await api.ask('POST', '/api/chat', { as, body: { message: 'x' } });
    return `task/${Submitted.parse(await answer.json()).taskId}`;
  };
  const own = [await submit('alice'), await submit('alice'), `session/${sessionId(1)}`];
  const others = [await submit('bob'), `session/${sessionId(2)}`, `task/${taskId(99)}`, 'account/aliceAAAAAAA'];
  await api.settled();
  return { own, others: [...others, 'lock/x', 'build/x', 'task/x', 'session/constructor'] };
};

const deep = (depth: number): string => `{"type":"subscribe","stream":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const raw: readonly Said['data'][] = [
  ...['', 'x', '{', 'null', '[]', '"ping"', '{"type":"ping"', '{"type":"ping"}}', '{"type":"ping","type":"shout"}'],
  ...['{"type":"shout","type":"ping"}', '\ufeff{"type":"ping"}', deep(10_000), '['.repeat(60_000), 'x'.repeat(65_536)],
  ...[Uint8Array.from([0xff, 0xfe, 0x00]), Uint8Array.from(Buffer.from('{"type":"ping"}')), new Uint8Array(65_536)],
];

export const messages = (own: readonly string[], others: readonly string[]): fc.Arbitrary<Said> => {
  const someStream = fc.oneof(fc.constantFrom('$mine', ...own), fc.constantFrom(...others));
  const someAfter = fc.oneof(
    fc.constantFrom<number | string>(0, 0, 1, 5, 2 ** 53 - 1),
    fc.constantFrom('0.0.0.0', '', '0.0.0', 'zzz', '0+1.0.0.0'),
  );
  const right = fc.oneof(
    fc.record(
      { type: fc.constant('subscribe'), stream: someStream, after: someAfter },
      { requiredKeys: ['type', 'stream'] },
    ),
    fc.record({ type: fc.constant('unsubscribe'), stream: someStream }),
    fc.record({ type: fc.constant('ping') }),
  );
  const wrong = fc.tuple(right, fc.nat()).map(([message, pick]) => {
    const all = mutations(kinds[message.type] ?? {}, message);
    return JSON.stringify(all[pick % all.length]?.value);
  });
  const text = fc.oneof(
    { arbitrary: right.map((message) => JSON.stringify(message)), weight: 5 },
    { arbitrary: wrong.filter((message) => Buffer.byteLength(message) <= 65_536), weight: 4 },
    { arbitrary: fc.string({ unit: 'binary' }).map((each) => each.toWellFormed()), weight: 1 },
    { arbitrary: fc.constantFrom(...hostile).map((value) => JSON.stringify({ type: value })), weight: 1 },
  );
  return fc.oneof({ arbitrary: text, weight: 9 }, { arbitrary: fc.constantFrom(...raw), weight: 1 }).map(said);
};
