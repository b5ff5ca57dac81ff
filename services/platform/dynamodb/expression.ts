/** Placeholders for names and values: most short field names are reserved words of DynamoDB. */
import type { Condition } from '../store.ts';
import { attributeOf } from './item.ts';
import type { Item } from './item.ts';

export type Expression = {
  /** The placeholder of a field. */
  readonly name: (field: string) => string;
  /** The placeholder of a value, which must be JSON. */
  readonly value: (value: unknown) => string;
  /** What all placeholders handed out so far stand for. */
  readonly placeholders: () => {
    readonly ExpressionAttributeNames?: Record<string, string>;
    readonly ExpressionAttributeValues?: Item;
  };
};

export const expression = (): Expression => {
  const names = new Map<string, string>();
  const values: Item = {};
  return {
    name: (field) => {
      const placeholder = names.get(field) ?? `#${names.size}`;
      names.set(field, placeholder);
      return placeholder;
    },
    value: (value) => {
      const attribute = attributeOf(value);
      if (attribute === undefined) throw new Error(`${typeof value} is no value an item can hold`);
      const placeholder = `:${Object.keys(values).length}`;
      values[placeholder] = attribute;
      return placeholder;
    },
    placeholders: () => ({
      ...(names.size === 0
        ? {}
        : { ExpressionAttributeNames: Object.fromEntries([...names].map(([field, key]) => [key, field])) }),
      ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
    }),
  };
};

const termOf = ({ name, value }: Expression, condition: Condition): string => {
  const field = name(condition.field);
  switch (condition.is) {
    case 'equal':
      return `${field} = ${value(condition.to)}`;
    case 'below':
      return `(attribute_not_exists(${field}) OR ${field} < ${value(condition.to)})`;
    case 'absent':
      return `attribute_not_exists(${field})`;
  }
};

export const termsOf = (within: Expression, where: readonly Condition[]): string[] =>
  where.map((condition) => termOf(within, condition));
