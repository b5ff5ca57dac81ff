/** What the stand-in answers to requests that no SDK would send. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { silent } from '#platform/log.ts';
import { operation, serveAwsJson } from '../../../../services/local/aws-json/server.ts';
import type { AwsJson } from '../../../../services/local/aws-json/server.ts';

describe('the endpoint', () => {
  let server: AwsJson;
  before(async () => {
    const operations = {
      'Test.Echo': operation(z.strictObject({ say: z.string() }), (input) => input),
      'Test.Break': () => {
        throw new Error('a secret of the inside');
      },
    };
    server = await serveAwsJson(operations, 0, silent);
  });
  after(() => server[Symbol.asyncDispose]());

  const ask = async (target: string | undefined, body: string, headers: Record<string, string> = {}) => {
    const more = target === undefined ? {} : { 'x-amz-target': target };
    const answer = await fetch(server.endpoint, { method: 'POST', body, headers: { ...more, ...headers } });
    return [answer.status, await answer.json()];
  };
  const error = (type: string, message?: string) => ({
    __type: type,
    ...(message === undefined ? {} : { message }),
  });

  it('answers an operation with its result', async () => {
    assert.deepEqual(await ask('Test.Echo', '{"say":"x"}'), [200, { say: 'x' }]);
  });

  for (const target of [undefined, 'Test.Other', 'toString', 'constructor', '__proto__']) {
    it(`does not know the operation ${String(target)}`, async () => {
      const refusal = error('UnknownOperationException', `${String(target)} is not offered here`);
      assert.deepEqual(await ask(target, '{}'), [400, refusal]);
    });
  }

  it('refuses a body that is no JSON, has other fields, or never ends', async () => {
    const types = [];
    for (const body of ['{', '{"say":"x","more":1}', '{}', JSON.stringify({ say: 'x'.repeat(9 * 1_048_576) })]) {
      const [status, answer] = await ask('Test.Echo', body);
      types.push([status, z.object({ __type: z.string() }).parse(answer).__type]);
    }
    assert.deepEqual(types, [
      [400, 'SerializationException'],
      [400, 'ValidationException'],
      [400, 'ValidationException'],
      [400, 'RequestEntityTooLargeException'],
    ]);
  });

  it('tells nothing of its inside when it breaks', async () => {
    assert.deepEqual(await ask('Test.Break', '{}'), [500, error('InternalFailure')]);
  });
});
