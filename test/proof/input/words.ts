/** What the document says of bodies in words, since JSON Schema cannot: the fields of its descriptions, told once more for the judge. */
const wellFormed = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.isWellFormed()
    : typeof value !== 'object' ||
      value === null ||
      Object.entries(value).every(([name, inner]) => name.isWellFormed() && wellFormed(inner));

const trapNames = new Set(['__proto__', 'constructor', 'prototype']);

/** How many steps lead to the innermost value. */
const depthOf = (value: unknown): number => {
  const inner = typeof value === 'object' && value !== null ? Object.values(value) : [];
  return inner.length === 0 ? 0 : 1 + Math.max(...inner.map(depthOf));
};

const namesIn = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, inner]) => [...(Array.isArray(value) ? [] : [name]), ...namesIn(inner)]);

/** Text is Unicode; metadata has at most 16 KiB, is nested at most 16 deep, and uses no name that the language gave a meaning. */
export const inWords = (body: unknown): boolean => {
  if (Buffer.byteLength(JSON.stringify(body)) > 1_048_576 || !wellFormed(body)) return false;
  if (typeof body !== 'object' || body === null || !('metadata' in body)) return true;
  const { metadata } = body;
  return (
    Buffer.byteLength(JSON.stringify(metadata)) <= 16_384 &&
    depthOf(metadata) <= 16 &&
    !namesIn(metadata).some((name) => trapNames.has(name) || Array.from(name).length > 200)
  );
};
