/** Installs the independent agents into a folder of their own: they are too large for everybody's `npm ci`. Does nothing when they are there. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { opencodeFolder, opencodeProgram, opencodeVersion } from './opencode.ts';

const manifest = join(opencodeFolder, 'package.json');
const wanted = JSON.stringify({ private: true, dependencies: { 'opencode-ai': opencodeVersion } });

const isThere = existsSync(opencodeProgram) && existsSync(manifest) && readFileSync(manifest, 'utf8') === wanted;
if (!isThere) {
  mkdirSync(opencodeFolder, { recursive: true });
  writeFileSync(manifest, wanted);
  // The program lies in an optional package for this platform; no install script is needed to find it there.
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  execFileSync('npm', args, { cwd: opencodeFolder, stdio: 'inherit' });
}
if (!existsSync(opencodeProgram)) throw new Error(`opencode ${opencodeVersion} has no program for this platform`);
