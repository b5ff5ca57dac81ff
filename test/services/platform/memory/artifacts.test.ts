import { memoryArtifacts } from '#platform/memory/artifacts.ts';
import { artifactsConformance } from '#test/conformance/artifacts.ts';

artifactsConformance('artifacts in memory', async () => memoryArtifacts());
