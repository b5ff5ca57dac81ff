/** Artifacts in memory, for tests that need no server. */
import { createHash } from 'node:crypto';
import type { Artifacts } from '../artifacts.ts';

export const memoryArtifacts = (): Artifacts => {
  const kept = new Map<string, Uint8Array>();
  return {
    put: async (sha256, bytes) => void kept.set(sha256, bytes.slice()),
    get: async (sha256) => {
      const bytes = kept.get(sha256);
      if (bytes && createHash('sha256').update(bytes).digest('hex') === sha256) return bytes.slice();
      throw new Error(`artifact ${sha256} could not be read`, {
        cause: new Error(bytes ? 'the bytes have another hash' : 'there is no such artifact'),
      });
    },
  };
};
