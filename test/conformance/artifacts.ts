/** The suite every artifact store is held to. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { keepText, readText } from '#platform/artifacts.ts';
import type { Artifacts } from '#platform/artifacts.ts';

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const artifactsConformance = (name: string, open: () => Promise<Artifacts>): void => {
  describe(name, () => {
    it('what was put is got back byte by byte, however often it was put', async () => {
      const artifacts = await open();
      for (const bytes of [new Uint8Array(), randomBytes(1), randomBytes(3_000_000)]) {
        const sha256 = sha256Of(bytes);
        await Promise.all([1, 2].map(() => artifacts.put(sha256, bytes, 'application/octet-stream')));
        assert.deepEqual(Buffer.from(await artifacts.get(sha256)), Buffer.from(bytes));
      }
    });

    it('an artifact that is not there is a fault that names it', async () => {
      const artifacts = await open();
      const sha256 = sha256Of(Buffer.from('never put'));
      await assert.rejects(artifacts.get(sha256), (fault: Error) => {
        assert.match(fault.message, new RegExp(`artifact ${sha256} could not be read`));
        return fault.cause instanceof Error;
      });
    });

    it('bytes that are not what their name says are not given to anybody', async () => {
      const artifacts = await open();
      const sha256 = sha256Of(Buffer.from('what was promised'));
      await artifacts.put(sha256, Buffer.from('something else'), 'text/plain');
      await assert.rejects(artifacts.get(sha256), (fault: Error) => {
        assert(fault.cause instanceof Error);
        assert.equal(fault.cause.message, 'the bytes have another hash');
        return true;
      });
    });

    it('text is the same again, short or long', async () => {
      const artifacts = await open();
      for (const text of ['', 'short', 'länger '.repeat(20_000)])
        assert.equal(await readText(await keepText(text, artifacts), artifacts), text);
    });
  });
};
