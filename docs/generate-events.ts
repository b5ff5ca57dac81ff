/** Writes `docs/events.md` from the schemas in `events/`; with `--check` it only says whether the page is what it would write. */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { BuildError, BuildPhase } from '#events/build-phase.ts';
import { catalog } from '#events/catalog.ts';
import { Envelope, streamKinds } from '#events/envelope.ts';
import type { StreamKind } from '#events/envelope.ts';
import { TaskError } from '#events/error.ts';
import { AccountId, BuildId, SessionId, TaskId, WorkerId, WorkItemId } from '#events/ids.ts';
import { KeyId } from '#events/account.ts';
import { LockKey, LockToken } from '#events/lock.ts';
import { TaskUpdate } from '#events/task-update.ts';
import { Text } from '#events/text.ts';

/** What is told once and then called by its name. */
const shapes = {
  ...{ TaskId, SessionId, AccountId, WorkerId, BuildId, WorkItemId, KeyId, LockKey, LockToken },
  ...{ Text, TaskUpdate, TaskError, BuildPhase, BuildError },
};
const named = z.registry<{ id: string }>();
for (const [id, shape] of Object.entries(shapes)) named.add(shape, { id });

type Schema = z.core.JSONSchema.BaseSchema;
const schemaOf = (shape: z.ZodType): Schema => z.toJSONSchema(shape, { metadata: named });

const unionText = (members: readonly (Schema | boolean)[]): string => members.map(typeText).join(' | ');

const objectText = (schema: Schema): string => {
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => fieldText(schema, name, field));
  return fields.length > 0 ? `{ ${fields.join(', ')} }` : '{ [name]: json }';
};

const arrayText = ({ items = true }: Schema): string => {
  const item = Array.isArray(items) ? unionText(items) : typeText(items);
  return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
};

/** Zod names a schema that contains itself `__schema0`; the only one there is stands for any JSON. */
const refText = (ref: string): string => (ref.includes('__schema') ? 'json' : ref.replace('#/$defs/', ''));

const typeText = (schema: Schema | boolean): string => {
  if (typeof schema === 'boolean') return 'json';
  const members = schema.oneOf ?? schema.anyOf;
  if (members !== undefined) return unionText(members);
  if (schema.$ref !== undefined) return refText(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.type === 'object') return objectText(schema);
  if (schema.type === 'array') return arrayText(schema);
  return schema.type === 'integer' ? 'int' : (schema.format ?? [schema.type].flat().join(' | '));
};

const fieldText = (of: Schema, name: string, field: Schema | boolean): string =>
  `${name}${of.required?.includes(name) ? '' : '?'}: ${typeText(field)}`;

/** A bar would end the cell, even between backticks. */
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

const fieldsCell = (schema: Schema): string =>
  Object.entries(schema.properties ?? {})
    .filter(([name]) => name !== 'type' && name !== 'v')
    .map(([name, field]) => code(fieldText(schema, name, field)))
    .join('<br>');

/** One line for each member of a union: read as one line, a union of objects is not read at all. */
const shapeCell = (name: string, shape: z.ZodType): string => {
  const schema = schemaOf(shape).$defs?.[name] ?? true;
  if (typeof schema !== 'boolean' && schema.oneOf) return schema.oneOf.map(typeText).map(code).join('<br>');
  const pattern = typeof schema !== 'boolean' && schema.format === undefined ? schema.pattern : undefined;
  return code(pattern === undefined ? typeText(schema) : `/${pattern}/`);
};

const kindSection = (kind: StreamKind): string => {
  const { facts, idField, routed } = catalog[kind];
  const rows = facts.options.map((fact) => {
    const { type, v } = fact.shape;
    return `| \`${type.value}\` | ${v.value} | ${fact.description ?? ''} | ${fieldsCell(schemaOf(fact))} |`;
  });
  return [
    `## ${code(`${kind}/<${idField}>`)}`,
    `The announcement on the bus carries ${routed.map(code).join(', ')}.`,
    ['| fact | v | meaning | fields |', '|---|---|---|---|', ...rows].join('\n'),
  ].join('\n\n');
};

const page = (): string =>
  [
    '# Facts',
    'Everything that can become true, made from the schemas in `events/` by `node docs/generate-events.ts`.',
    `Beside its own fields every fact carries \`type\`, \`v\` and the envelope: ${fieldsCell(schemaOf(Envelope)).replaceAll('<br>', ', ')}.`,
    ...streamKinds.map(kindSection),
    '## Shapes',
    [
      '| name | shape |',
      '|---|---|',
      ...Object.entries(shapes).map(([name, shape]) => `| \`${name}\` | ${shapeCell(name, shape)} |`),
    ].join('\n'),
  ].join('\n\n') + '\n';

const file = new URL('events.md', import.meta.url);

if (!process.argv.includes('--check')) writeFileSync(file, page());
else if (readFileSync(file, 'utf8') !== page()) {
  process.stderr.write('docs/events.md is stale: run `node docs/generate-events.ts`\n');
  process.exitCode = 1;
}
