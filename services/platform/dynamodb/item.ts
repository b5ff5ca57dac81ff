/** Fields as DynamoDB attributes, and back: what was given is what is read, whatever JSON it is. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Item = Record<string, AttributeValue>;
export type Fields = { readonly [field: string]: unknown };

/** The magnitudes DynamoDB can hold. */
const isNativeNumber = (value: number): boolean =>
  value === 0 || (Math.abs(value) >= 1e-130 && Math.abs(value) < 1e126);

/**
 * Text, numbers and flags are native, so that keys, indexes and conditions can name them. Everything else is JSON text:
 * native maps allow 32 levels, no empty names, and numbers that JSON has and DynamoDB has not would be refused.
 */
export const attributeOf = (value: unknown): AttributeValue | undefined => {
  if (value === null) return { NULL: true };
  if (typeof value === 'boolean') return { BOOL: value };
  if (typeof value === 'number' && isNativeNumber(value)) return { N: String(value) };
  // Half of a surrogate pair has no UTF-8; JSON escapes it.
  if (typeof value === 'string' && value.isWellFormed()) return { S: value };
  const json: unknown = JSON.stringify(value);
  return typeof json === 'string' ? { M: { json: { S: json } } } : undefined;
};

/** A field that is `undefined` is not stored. */
export const itemOf = (fields: Fields): Item => {
  const item: Item = {};
  for (const [field, value] of Object.entries(fields)) {
    const attribute = attributeOf(value);
    if (attribute) item[field] = attribute;
  }
  return item;
};

const valueOf = (field: string, { S, N, BOOL, NULL, M }: AttributeValue): unknown => {
  if (S !== undefined) return S;
  if (N !== undefined) return Number(N);
  if (BOOL !== undefined) return BOOL;
  if (NULL !== undefined) return null;
  const json = M?.['json']?.S;
  if (json === undefined) throw new Error(`the attribute ${field} was not written by this store`);
  return JSON.parse(json);
};

export const fieldsOf = (item: Item): Fields =>
  Object.fromEntries(Object.entries(item).map(([field, attribute]) => [field, valueOf(field, attribute)]));
