/** What no schema speaks of: how a request is written down. Paths, headers, formats, encodings and sizes, with what must become of each. */
import { gzipSync } from 'node:zlib';
import type { Case, Kind } from './requests.ts';

export type Raw = {
  readonly why: string;
  readonly kind: Kind;
  /** Which refusal, where there is one that fits. */
  readonly status?: number;
  readonly path?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made when it is chosen: some are megabytes. */
  readonly body?: () => Exclude<Case['body'], undefined>;
};

/** As in the document; a limit that the service reads from elsewhere would prove nothing. */
const bodyBytesMax = 1_048_576;

const uuid4 = '1b4e28ba-2fa1-41d2-883f-0016d3cca427';
const names = [
  ...['%', '%zz', '%E0%A4%A', '%C0%AF', '%00', '%0a', '%ff', '%252e%252e', 'x', '-1', '0', uuid4, `${uuid4}%20`],
  ...['..%2f..%2fhealth', '%5c..%5c', ';a=b', '*', '%F0%9F%98%80', 'ü', 'constructor', '__proto__', 'x'.repeat(9_000)],
  ...['01999999-0000-7000-8000-00000000000', '01999999-0000-7000-8000-0000000000000', '{taskId}', ':taskId', 'null'],
];

/** No id at all where one is wanted. */
export const rawPaths = (parameters: readonly string[]): readonly Raw[] =>
  parameters.flatMap((parameter) =>
    names.map((name) => ({
      ...{
        why: `${parameter} is ${name.slice(0, 40)}`,
        kind: 'refused' as const,
        status: 404,
        path: { [parameter]: name },
      },
    })),
  );

/** `type` is in which the operation answers. */
export const rawAccepts = (type: string): readonly Raw[] => [
  ...[type, '*/*', 'application/*;q=0.5, */*;q=0.1', `text/html, ${type}`, ''].map((accept): Raw => ({
    why: `accepts ${accept}`,
    kind: 'taken',
    headers: { accept },
  })),
  ...['image/png', `${type};q=0`, 'nonsense', 'text/plain;q=1'].map((accept): Raw => ({
    why: `accepts ${accept}`,
    kind: 'refused',
    headers: { accept },
  })),
];

const ignored: readonly Readonly<Record<string, string>>[] = [
  { 'x-request-id': 'x'.repeat(10_000) },
  { 'x-request-id': '{"$ne":1}' },
  { traceparent: 'nonsense' },
  { traceparent: '00-00000000000000000000000000000000-0000000000000000-ff', tracestate: 'a=b' },
  { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'evil.example', forwarded: 'for=1;host=evil.example' },
  { 'x-http-method-override': 'DELETE', 'x-method-override': 'PUT' },
  { 'x-original-url': '/health', 'x-rewrite-url': '/api/tasks' },
  { cookie: 'session='.padEnd(20_000, 'x') },
  { range: 'bytes=0-1' },
  { 'if-match': '"1"', 'if-modified-since': 'nonsense' },
  { 'x-bytes': '\u00ff\u00fe' },
  Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x-many-${n}`, 'x'.repeat(100)])),
];

/** Pages of other origins may ask, and may not read; `isGuarded` refuses them. */
export const rawHeaders = (isGuarded: boolean): readonly Raw[] => [
  { why: 'origin', kind: isGuarded ? 'refused' : 'taken', headers: { origin: 'null' } },
  ...ignored.map((headers): Raw => ({ why: Object.keys(headers)[0] ?? '', kind: 'taken', headers })),
  ...['evil.example', 'localhost.evil.example:8081', '127.0.0.1.evil.example', '[', ''].map((host): Raw => ({
    why: `the host is ${host}`,
    kind: 'refused',
    headers: { host },
  })),
];

const formats: readonly Raw[] = [
  ...['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;charset="UTF-8"'].map((type): Raw => ({
    why: `sent as ${type}`,
    kind: 'taken',
    headers: { 'content-type': type },
  })),
  ...[
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', '*/*'],
    ...['application/json; charset=utf-16', 'application/json; charset=iso-8859-1', 'application/jsonp', 'application'],
    ...['application/json, text/plain', 'application/problem+json', 'application/json; x=y', 'json'],
  ].map((type): Raw => ({ why: `sent as ${type}`, kind: 'refused', status: 415, headers: { 'content-type': type } })),
  ...['gzip', 'br', 'deflate, gzip', 'nonsense'].map((coding): Raw => ({
    why: `encoded as ${coding}`,
    kind: 'refused',
    headers: { 'content-encoding': coding },
  })),
];

const text =
  (body: string): (() => string) =>
  () =>
    body;
const deep = (depth: number, inside: (text: string) => string) => () => inside('['.repeat(depth) + ']'.repeat(depth));
const bytes = (...values: readonly number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);
const around = (before: string, inner: Uint8Array, after: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.concat([Buffer.from(before), inner, Buffer.from(after)]));
const utf16 = (given: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(given, 'utf16le'));

/** `field` is one that takes text, so that what is wrong is the writing alone. */
export const rawBodies = (field: string): readonly Raw[] => {
  const good = JSON.stringify({ [field]: 'x' });
  const bad: readonly (readonly [number, string, () => Exclude<Case['body'], undefined>])[] = [
    ...[
      '{',
      '}',
      `${good}}`,
      `${good},`,
      good.replaceAll('"', "'"),
      `// x\n${good}`,
      `{${field}:"x"}`,
      'undefined',
    ].map((broken) => [400, `is ${broken}`, text(broken)] as const),
    ...['NaN', '-Infinity', '0x10', '1e400', '01', '"\u0001"', '"\\x"', '"\\u12"'].map(
      (value) => [value === '1e400' ? 422 : 400, `has the value ${value}`, text(`{"${field}":${value}}`)] as const,
    ),
    [400, 'is cut off', text(good.slice(0, -2))],
    [400, 'is white space', text(' \n\t ')],
    [422, 'is nested 10,000 deep', deep(10_000, (nest) => nest)],
    [422, 'is nested 500,000 deep', deep(500_000, (nest) => nest)],
    [422, 'has a field nested 10,000 deep', deep(10_000, (nest) => `{"${field}":${nest}}`)],
    [422, 'has an unknown field nested 10,000 deep', deep(10_000, (nest) => `{"${field}":"x","unknown":${nest}}`)],
    [400, 'is nested and never closed', () => '{"a":'.repeat(10_000)],
    [422, 'has 50,000 unknown fields', () => `{${Array.from({ length: 50_000 }, (_, n) => `"f${n}":0`).join()}}`],
    [422, 'has a number of 100,000 digits', () => `{"${field}":${'9'.repeat(100_000)}}`],
    [413, 'is one byte too large', () => good.padEnd(bodyBytesMax + 1, ' ')],
    [413, 'is 5 MB', () => JSON.stringify({ [field]: 'x'.repeat(5_000_000) })],
    [400, 'is no UTF-8', () => around(`{"${field}":"a`, bytes(0xff, 0xfe), 'b"}')],
    [400, 'has half a character', () => around(`{"${field}":"a`, bytes(0xe2, 0x82), '"}')],
    [400, 'has an overlong encoding', () => around(`{"${field}":"a`, bytes(0xc0, 0xaf), '"}')],
    [400, 'has an encoded surrogate', () => around(`{"${field}":"a`, bytes(0xed, 0xa0, 0x80), '"}')],
    [400, 'is UTF-16', () => utf16(good)],
    [400, 'is compressed without saying so', () => Uint8Array.from(gzipSync(good))],
    [422, 'has half a surrogate pair', text(`{"${field}":"a\\ud800"}`)],
  ];
  return [
    ...formats.map((format) => ({ ...format, body: text(good) })),
    ...bad.map(([status, why, body]): Raw => ({ why: `the body ${why}`, kind: 'refused', status, body })),
    // A body without a type, as a client sends whose author forgot it.
    {
      ...{ why: 'the body has no type', kind: 'refused', status: 415 },
      ...{ headers: { 'content-type': '' }, body: () => Uint8Array.from(Buffer.from('{"unknown":1}')) },
    },
    { why: 'the body just fits', kind: 'taken', body: () => good.padEnd(bodyBytesMax, ' ') },
    { why: 'the body names a field twice', kind: 'either', body: text(`{"${field}":"a","${field}":"b"}`) },
    { why: 'the body begins with a mark', kind: 'either', body: () => around('\ufeff', Buffer.from(good), '') },
  ];
};
