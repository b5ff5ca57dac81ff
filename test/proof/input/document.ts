/** The interface as its own document tells it: its operations, everything they refer to in its place, and judges of what they say. */
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';

/** What of JSON Schema this document uses and values are made from; the rest is for the validator. */
export type Schema = {
  readonly type?: string | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly pattern?: string | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly additionalProperties?: unknown;
  readonly items?: Schema | undefined;
  readonly example?: unknown;
};
const Schema: z.ZodType<Schema> = z.lazy(() =>
  z.looseObject({
    type: z.string().optional(),
    enum: z.array(z.string()).optional(),
    format: z.string().optional(),
    pattern: z.string().optional(),
    minLength: z.int().optional(),
    maxLength: z.int().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    properties: z.record(z.string(), Schema).optional(),
    required: z.array(z.string()).optional(),
    items: Schema.optional(),
    example: z.unknown().optional(),
  }),
);

const Parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean().default(false),
  schema: Schema,
});
export type Parameter = z.infer<typeof Parameter>;

const content = z.record(z.string(), z.object({ schema: Schema }));
const Documented = z.object({
  description: z.string(),
  headers: z.record(z.string(), z.object({ required: z.boolean().default(false), schema: Schema })).default({}),
  content: content.default({}),
});
export type Documented = z.infer<typeof Documented>;

const Described = z.object({
  security: z.array(z.unknown()).optional(),
  parameters: z.array(Parameter).default([]),
  requestBody: z
    .object({ required: z.boolean().default(false), content })
    .transform(({ required, content: { 'application/json': json } }) => ({ required, schema: json?.schema ?? {} }))
    .optional(),
  responses: z.record(z.string(), Documented),
});
const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), Described)) });

export type Operation = z.infer<typeof Described> & {
  /** `POST /api/chat` */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly isOpen: boolean;
  /** Every method that the document has for this path. */
  readonly siblings: readonly string[];
};

const nestingMax = 40;
const Pointed = z.object({ $ref: z.string() });

/** Puts what is referred to in the place of the reference. */
const resolve = (value: unknown, root: unknown, depth = 0): unknown => {
  if (depth > nestingMax) throw new Error('the document refers to itself');
  if (typeof value !== 'object' || value === null) return value;
  const pointed = Pointed.safeParse(value).data?.$ref;
  if (pointed !== undefined) {
    const target = pointed
      .slice('#/'.length)
      .split('/')
      .reduce<unknown>((at, key) => z.record(z.string(), z.unknown()).parse(at)[key], root);
    return resolve(target, root, depth + 1);
  }
  if (Array.isArray(value)) return value.map((each) => resolve(each, root, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, root, depth + 1)]));
};

export const readDocument = (json: unknown): readonly Operation[] =>
  Object.entries(Document.parse(resolve(json, json)).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([name, described]) => ({
      ...described,
      ...{ id: `${name.toUpperCase()} ${path}`, method: name.toUpperCase(), path },
      isOpen: described.security?.length === 0,
      siblings: Object.keys(methods).map((each) => each.toUpperCase()),
    })),
  );

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
addFormats.default(ajv);
ajv.addKeyword('example');

/** A field that the document does not name is said by nobody: what may have more says so. */
const closed = (schema: unknown): unknown => {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const inner = Object.entries(schema).map(([key, value]): [string, unknown] => {
    if (key !== 'properties') return [key, closed(value)];
    const fields = Object.entries(z.record(z.string(), z.unknown()).parse(value));
    return [key, Object.fromEntries(fields.map(([name, field]) => [name, closed(field)]))];
  });
  const isClosed = 'properties' in schema && !('additionalProperties' in schema);
  return { ...Object.fromEntries(inner), ...(isClosed ? { additionalProperties: false } : {}) };
};

const remembered = <Value>(make: (schema: Schema) => Value) => {
  const made = new WeakMap<Schema, Value>();
  return (schema: Schema): Value => {
    const value = made.get(schema) ?? make(schema);
    made.set(schema, value);
    return value;
  };
};
const taking = remembered((schema) => ajv.compile(schema));
const saying = remembered((schema) => ajv.compile(z.record(z.string(), z.unknown()).parse(closed(schema))));

/** Whether a client may send it. */
export const isTaken = (schema: Schema, value: unknown): boolean => taking(schema)(value);

/** What is wrong with what the service said, if anything is. */
export const faultOf = (schema: Schema, value: unknown): string | undefined => {
  const judge = saying(schema);
  return judge(value) ? undefined : ajv.errorsText(judge.errors);
};
