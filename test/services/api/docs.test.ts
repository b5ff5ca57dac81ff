import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { createWorld, startApi } from './world.ts';

const Schema = z.looseObject({ $ref: z.string().optional() });
const Response = z.object({
  description: z.string().min(1),
  headers: z.record(z.string(), z.object({ schema: Schema, description: z.string().optional() })).optional(),
  content: z.record(z.string(), z.object({ schema: Schema })).optional(),
});
const Operation = z.strictObject({
  summary: z.string().min(1),
  description: z.string().optional(),
  tags: z.array(z.string()).min(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z
    .array(
      z.looseObject({
        name: z.string(),
        in: z.enum(['path', 'query', 'header']),
        required: z.boolean().optional(),
        schema: Schema,
      }),
    )
    .optional(),
  requestBody: z
    .strictObject({ required: z.boolean().optional(), content: z.record(z.string(), z.object({ schema: Schema })) })
    .optional(),
  responses: z.record(z.string().regex(/^[1-5]\d\d$/), Response),
});
const Document = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), version: z.string() }),
  security: z.tuple([z.strictObject({ key: z.tuple([]) })]),
  components: z.looseObject({
    securitySchemes: z.object({ key: z.object({ type: z.literal('http'), scheme: z.literal('bearer') }) }),
    schemas: z.record(z.string(), z.unknown()),
  }),
  paths: z.record(z.string().startsWith('/'), z.partialRecord(z.enum(['get', 'post']), Operation)),
});

const readDocument = async () => {
  await using api = await startApi(await createWorld());
  const answer = await api.ask('GET', '/openapi.json');
  assert.equal(answer.status, 200);
  const json: unknown = await answer.json();
  return { json, document: Document.parse(json) };
};

/** Every value of a `$ref`, however deep. */
const refsIn = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) =>
        key === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner),
      );

/** JSON Schema 2020-12 knows no `nullable`, and its exclusive limits are numbers. */
const wordsOf30 = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) => [
        ...(key === 'nullable' || (key.startsWith('exclusive') && typeof inner === 'boolean') ? [key] : []),
        ...wordsOf30(inner),
      ]);

describe('the document', () => {
  it('has the shape of OpenAPI 3.1, and all that it refers to is in it', async () => {
    const { json, document } = await readDocument();
    const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    assert.deepEqual(
      refsIn(json).filter((ref) => !known.includes(ref)),
      [],
    );
    assert.deepEqual(wordsOf30(json), []);
  });

  it('declares exactly the parameters that its paths name', async () => {
    const { document } = await readDocument();
    for (const [path, operations] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters = [] } of Object.values(operations)) {
        const declared = parameters.filter((each) => each.in === 'path' && each.required === true);
        assert.deepEqual(
          declared.map(({ name }) => name),
          named,
          path,
        );
      }
    }
  });

  it('says of every closed route that it needs a key and what it refuses, as problem+json', async () => {
    const { document } = await readDocument();
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const { security, responses } of Object.values(operations)) {
        if (security?.length === 0) continue;
        for (const status of ['401', '429', '500', '503']) assert.ok(responses[status], `${path} ${status}`);
        for (const [status, { content }] of Object.entries(responses)) {
          if (Number(status) < 400) continue;
          assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], `${path} ${status}`);
        }
      }
    }
  });
});

describe('/docs', () => {
  it('shows the document with files of its own, and a policy that forbids all others', async () => {
    await using api = await startApi(await createWorld());
    const page = await api.ask('GET', '/docs');
    assert.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'self';/);
    assert.doesNotMatch(policy, /https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/);
    const html = await page.text();
    assert.doesNotMatch(html, /<script>|<style>|\son\w+=/);
    const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
    assert.ok(addresses.length >= 3);
    for (const address of addresses.filter((each) => each !== 'data:,')) {
      assert.match(address, /^\/docs\//);
      const file = await api.ask('GET', address);
      assert.equal(file.status, 200, address);
      assert.match(file.headers.get('content-type') ?? '', /^text\/(css|javascript); charset=utf-8$/);
      assert.ok((await file.text()).length > 50);
    }
  });

  it('starts without the validator that would ask a server elsewhere', async () => {
    await using api = await startApi(await createWorld());
    const start = await (await api.ask('GET', '/docs/start.js')).text();
    assert.match(start, /url: '\/openapi\.json'/);
    assert.match(start, /validatorUrl: null/);
    assert.doesNotMatch(start, /https?:\/\//);
  });
});
