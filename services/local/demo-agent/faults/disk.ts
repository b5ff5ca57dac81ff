/** What an agent can do to its work directory. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Fault, Faults, Stage } from '../fault.ts';

/** Anywhere but below the temporary directory or a `.data` folder, the work directory may be somebody's project. */
const mayBeSpoiled = (cwd: string): boolean => {
  const real = realpathSync(cwd);
  return real.startsWith(realpathSync(tmpdir()) + sep) || real.split(sep).includes('.data');
};

const spoils = (spoil: (stage: Stage) => void | Promise<void>): Fault => ({
  'mid-result': async (stage) => {
    if (mayBeSpoiled(stage.cwd)) await spoil(stage);
    else stage.say('I spoil only work directories below the temporary directory or a .data folder, so I left it. ');
  },
});

/** Calls `make` until it is refused or was called often enough; says which. */
const makeMany = async (stage: Stage, what: string, times: number, make: (number: number) => void): Promise<void> => {
  try {
    for (let number = 0; number < times; number += 1) {
      make(number);
      if (number % 64 === 0) await setImmediate();
    }
    stage.say(`I made ${times} ${what}. `);
  } catch (fault) {
    stage.say(`I was refused: ${String(fault)}. `);
  }
};

const blockMiB = 4;

const fillDisk = async (stage: Stage): Promise<void> => {
  const path = join(stage.cwd, 'filler');
  const block = Buffer.alloc(blockMiB * 1024 * 1024, 'filler ');
  await makeMany(stage, `blocks of ${blockMiB} MiB`, Math.ceil(stage.amount / blockMiB), () =>
    appendFileSync(path, block),
  );
};

const fillInodes = async (stage: Stage): Promise<void> => {
  const folder = join(stage.cwd, 'inodes');
  mkdirSync(folder, { recursive: true });
  await makeMany(stage, 'files', stage.amount, (number) => writeFileSync(join(folder, String(number)), ''));
};

const linkInLoops = ({ cwd }: Stage): void => {
  const folder = join(cwd, 'links');
  mkdirSync(folder, { recursive: true });
  const links = {
    self: 'self',
    ping: 'pong',
    pong: 'ping',
    here: '.',
    up: '..',
    root: '/',
    secrets: '/proc/self/environ',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(folder, name));
};

/** Everything that makes git run a program when somebody looks at the repository; each leaves `git-was-fooled`. */
const plantInGit = ({ cwd }: Stage): void => {
  spawnSync('git', ['init', '-q', cwd], { stdio: 'ignore' });
  const trap = join(cwd, '.git', 'trap.sh');
  const run = `"sh '${trap}'"`;
  mkdirSync(join(cwd, '.git', 'hooks'), { recursive: true });
  writeFileSync(trap, `#!/bin/sh\necho "$0 $*" >> '${join(cwd, 'git-was-fooled')}'\ncat\n`, { mode: 0o755 });
  const hooks = ['pre-commit', 'post-checkout', 'pre-push', 'post-index-change', 'reference-transaction'];
  for (const hook of hooks) symlinkSync(trap, join(cwd, '.git', 'hooks', hook));
  const settings = [
    `[core]\n\tfsmonitor = ${run}\n\tsshCommand = ${run}\n\tpager = ${run}\n\teditor = ${run}`,
    `[filter "trap"]\n\tclean = ${run}\n\tsmudge = ${run}\n[diff "trap"]\n\ttextconv = ${run}`,
    `[credential]\n\thelper = ${run}\n[alias]\n\tst = ${run}`,
  ];
  appendFileSync(join(cwd, '.git', 'config'), `${settings.join('\n')}\n`);
  writeFileSync(join(cwd, '.gitattributes'), '* filter=trap diff=trap\n');
  writeFileSync(join(cwd, '.git', 'HEAD'), 'ref: refs/heads/somewhere-else\n');
};

export const faults: Faults = {
  'fills-disk': spoils(fillDisk),
  'fills-inodes': spoils(fillInodes),
  'symlink-loops': spoils(linkInLoops),
  'deletes-work-tree': spoils(({ cwd }) => rmSync(cwd, { recursive: true })),
  'changes-git': spoils(plantInGit),
};
