/** Which agent the workers start: the one that was named, else Kiro, else the demo agent, which needs nothing. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { splitCommand } from '#platform/agent/command-line.ts';
import { StartFault } from '#platform/lifetime.ts';

/** `title` is for people. */
export type ChosenAgent = { readonly command: string; readonly title: string };

const demoAgent = fileURLToPath(new URL('demo-agent/main.ts', import.meta.url));
const demoTitle = 'the demo agent, which only plays';

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

const isInstalled = (program: string, path: string): boolean =>
  program.includes('/')
    ? isProgram(program)
    : path.split(delimiter).some((directory) => isProgram(join(directory, program)));

/** As `splitCommand` reads it back. */
const quoted = (word: string): string => JSON.stringify(word);

/** `asked` is AGENT_COMMAND, `path` the PATH to look in. */
export const chooseAgent = (asked: string | undefined, path: string): ChosenAgent => {
  if (asked === undefined) {
    return isInstalled('kiro-cli', path)
      ? { command: 'kiro-cli acp', title: 'Kiro (kiro-cli acp)' }
      : {
          command: [process.execPath, demoAgent].map(quoted).join(' '),
          title: `${demoTitle}; install kiro-cli and start again for real work`,
        };
  }
  const [program = '', ...args] = splitCommand(asked) ?? [];
  if (!isInstalled(program, path)) {
    const remedy = program === 'kiro-cli' ? 'install Kiro, or leave it out to try the demo agent' : 'check its name';
    throw new StartFault(`AGENT_COMMAND names ${program}, which is not installed: ${remedy}.`);
  }
  return { command: asked, title: args.includes(demoAgent) ? demoTitle : asked };
};
