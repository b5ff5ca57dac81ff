import { memoryRuntime } from '#platform/memory/runtime.ts';
import { runtimeConformance } from '#test/conformance/runtime.ts';

runtimeConformance('memory', async (clock) => {
  const runtime = memoryRuntime({ clock });
  return () => runtime;
});
