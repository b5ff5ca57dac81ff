/** On what the figures were taken: enough to compare two runs, and nothing that names a person's machine. */
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { createRequire } from 'node:module';
import { z } from 'zod';

const Package = z.object({ name: z.string(), version: z.string() });

const engine = (): string => {
  const path = createRequire(import.meta.url).resolve('@dynoxide/linux-x64/package.json');
  const { name, version } = Package.parse(JSON.parse(readFileSync(path, 'utf8')));
  return `${name} ${version}`;
};

export const describeMachine = (): string => {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    `${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${memory} of memory`,
    `Node ${process.version}`,
    `store: ${engine()}`,
    new Date().toISOString().slice(0, 10),
  ].join(' · ');
};
