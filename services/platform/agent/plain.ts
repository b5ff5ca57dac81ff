/** The dialect of an agent that adds next to nothing to ACP. */
import type { Dialect } from './dialect.ts';
import { readMetadata } from './kiro.ts';

export const plain: Dialect = {
  name: 'acp',
  readUpdate: () => undefined,
  // ACP has no credits: an agent that counts them may report them as Kiro does, and the demo agent does.
  readNotification: (method, params) => (method === '_kiro.dev/metadata' ? readMetadata(params) : []),
  pathsAsked: () => [],
};
