/** Direction is a test: events <- platform <- services <- local, and services meet only in events. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const importOf =
  /(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)\s*import\s+'([^']+)'/g;

type Import = { readonly file: string; readonly target: string };

/** What the files of a folder import: paths from the root of the repository, or names of packages. */
const importsOf = (pattern: string): Import[] =>
  globSync(pattern, { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(importOf)].map(([, named, dynamic, bare]) => {
      const target = named ?? dynamic ?? bare ?? '';
      const resolved = target.startsWith('.')
        ? normalize(join(dirname(file), target))
        : target.replace(/^#events\//, 'events/').replace(/^#platform\//, 'services/platform/');
      return { file, target: resolved };
    }),
  );

const only = (pattern: string, allowed: RegExp): void => {
  const imports = importsOf(pattern);
  assert.ok(imports.length > 0, `${pattern} imports nothing: is it still there?`);
  const strays = imports.filter(({ target }) => !allowed.test(target));
  assert.deepEqual(strays, []);
};

const ours = /^(?:events|services|test|docs)\//;
const packages = String.raw`(?!events/|services/|test/|docs/)`;
const services = globSync('services/*', { cwd: root })
  .map((path) => path.slice('services/'.length))
  .filter((name) => name !== 'platform' && name !== 'local');

describe('the direction of imports', () => {
  it('facts and decisions import nothing but the schema library', () => only('events/*.ts', /^(?:zod$|events\/)/));

  it('the platform knows facts and itself, and no service', () =>
    only('services/platform/**/*.ts', new RegExp(`^(?:events/|services/platform/|package.json$|${packages}[^.])`)));

  for (const service of services) {
    it(`the ${service} service meets other services only in events`, () =>
      only(
        `services/${service}/**/*.ts`,
        new RegExp(`^(?:events/|services/platform/|services/${service}/|package.json$|${packages}[^.])`),
      ));
  }

  it('the local system starts services as processes and knows only their configuration', () =>
    only(
      'services/local/**/*.ts',
      new RegExp(
        `^(?:events/|services/platform/|services/local/|services/[a-z]+/config.ts$|package.json$|${packages}[^.])`,
      ),
    ));

  it('nothing that runs imports a test', () => {
    const strays = importsOf('{events,services}/**/*.ts').filter(({ target }) => /^(?:#test|test)\//.test(target));
    assert.deepEqual(strays, []);
  });

  it('only one file of a service reads the environment or the clock of the process', () => {
    const shells =
      /(?:\/main\.ts|\/issue-key\.ts|worker\/redrive\.ts|services\/local\/|services\/cli\/|services\/platform\/lifetime\.ts)/;
    const readers = globSync('services/**/*.ts', { cwd: root }).filter(
      (file) => !shells.test(file) && /\bprocess\.env\b/.test(readFileSync(join(root, file), 'utf8')),
    );
    assert.deepEqual(readers, []);
  });

  it('sees the imports that it judges', () => {
    assert.ok(importsOf('services/worker/*.ts').some(({ target }) => ours.test(target)));
    assert.ok(importsOf('services/worker/*.ts').some(({ target }) => target === 'node:timers/promises'));
  });
});
