/** What a subscriber heard, held against what is stored: the check that every suite of this programme stands on. */
import { createHash } from 'node:crypto';
import type { StreamId } from '#events/envelope.ts';
import type { StoredFact } from '#platform/store.ts';

/** One message as it came; `digest` stands for the fact in it. */
export type Heard = { readonly stream: string; readonly version: number; readonly digest: string };

export type Breach = {
  readonly kind: 'gap' | 'duplicate' | 'out-of-order' | 'altered' | 'never-stored' | 'missing' | 'not-theirs';
  readonly stream: string;
  readonly version: number;
};

export const digestOf = (fact: unknown): string => createHash('sha1').update(JSON.stringify(fact)).digest('base64');

export type Expected = Pick<StoredFact, 'stream' | 'version'> & { readonly digest: string };

export const expectedOf = (facts: readonly StoredFact[]): Expected[] =>
  facts.map((fact) => ({ stream: fact.stream, version: fact.version, digest: digestOf(fact) }));

const nameOf = ({ stream, version }: Pick<Heard, 'stream' | 'version'>): string => `${stream} ${version}`;

/** Walks both sequences: what was heard must be what is stored, each once, in that order, to the end. */
export const breachesOf = (heard: readonly Heard[], expected: readonly Expected[]): Breach[] => {
  const places = new Map(expected.map((each, index) => [nameOf(each), index]));
  const breaches: Breach[] = [];
  const had = new Set<number>();
  let next = 0;
  for (const { stream, version, digest } of heard) {
    const place = places.get(nameOf({ stream, version }));
    const tell = (kind: Breach['kind']): void => void breaches.push({ kind, stream, version });
    if (place === undefined) tell('never-stored');
    else {
      if (had.has(place)) tell('duplicate');
      else if (place < next) tell('out-of-order');
      else if (place > next) tell('gap');
      if (expected[place]?.digest !== digest) tell('altered');
      had.add(place);
      next = Math.max(next, place + 1);
    }
  }
  const missing = expected.filter((_, place) => !had.has(place));
  return [...breaches, ...missing.map(({ stream, version }) => ({ kind: 'missing', stream, version }) as const)];
};

/** Facts of others that somebody was shown. */
export const leaksOf = (heard: readonly Heard[], theirs: ReadonlySet<string>): Breach[] =>
  heard
    .filter(({ stream }) => !theirs.has(stream))
    .map(({ stream, version }) => ({ kind: 'not-theirs', stream, version }));

const toldMax = 10;

/** For an assertion: to compare thousands of breaches with none would take minutes. */
export const inBrief = (breaches: readonly Breach[]): readonly string[] => [
  ...breaches.slice(0, toldMax).map((breach) => `${breach.kind}: ${nameOf(breach)}`),
  ...(breaches.length > toldMax ? [`and ${breaches.length - toldMax} more`] : []),
];

/** All facts of a stream, page by page. */
export const readWhole = async (
  readStream: (stream: StreamId, after: number) => Promise<readonly StoredFact[]>,
  stream: StreamId,
): Promise<StoredFact[]> => {
  const facts: StoredFact[] = [];
  for (;;) {
    const page = await readStream(stream, facts.at(-1)?.version ?? 0);
    if (page.length === 0) return facts;
    facts.push(...page);
  }
};
