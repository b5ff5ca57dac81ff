import { memoryStore } from '#platform/memory/store.ts';
import { storeConformance } from '#test/conformance/store.ts';

storeConformance('memory', async ({ shards = 16, clock = Date.now, onCommit } = {}) => {
  const store = memoryStore({ shards, clock, ...(onCommit && { onCommit }) });
  return { store, another: () => store };
});
