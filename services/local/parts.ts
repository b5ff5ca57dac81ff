/** The parts of the system as supervised processes: the engine, the rest of AWS, the services. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { badConfigurationExit } from '#platform/config.ts';
import { StartFault } from '#platform/lifetime.ts';
import { startDynamoDb } from './dynamodb.ts';
import { startProgram } from './program.ts';
import type { Program, ProgramDirs } from './program.ts';
import { Supervised } from './supervise.ts';
import type { Ended, Running } from './supervise.ts';

export type PartsOptions = {
  readonly dirs: ProgramDirs;
  /** Tells a person that a part ended and is started again. */
  readonly warn: (text: string) => void;
  /** A part cannot work with what it was told; the system has to end. */
  readonly giveUp: (fault: StartFault) => void;
};

const how = ({ code, signal }: Ended): string =>
  signal !== null ? `by ${signal}` : code !== null ? `with exit code ${code}` : 'before it had started';

const quote = (lastWords: string): string => lastWords.replaceAll(/^/gm, '  ');

const supervised = (
  name: string,
  start: () => Promise<Running>,
  { dirs, warn, giveUp }: PartsOptions,
): Promise<Supervised> =>
  Supervised.start(start, {
    onEnded: (ended, againInMs) => {
      const said = ended.lastWords === '' ? '' : `\n${quote(ended.lastWords)}`;
      const log = join(dirs.logs, `${name}.log`);
      warn(`${name} ended ${how(ended)} and is started again in ${againInMs} ms; its log is ${log}${said}`);
    },
    onHopeless: ({ lastWords }) =>
      giveUp(new StartFault(`${name} cannot start:\n${quote(lastWords)}`, { exitCode: badConfigurationExit })),
  });

export const superviseEngine = (file: string, port: number, options: PartsOptions): Promise<Supervised> =>
  supervised(
    'engine',
    async () => {
      const engine = await startDynamoDb({ file, port });
      return {
        exited: engine.exited.then(({ stderr, ...ended }) => ({ ...ended, lastWords: stderr })),
        stop: async () => engine[Symbol.asyncDispose](),
      };
    },
    options,
  );

export const superviseProgram = (program: Program, options: PartsOptions): Promise<Supervised> =>
  supervised(program.name, async () => startProgram(program, options.dirs), options);

export const awsMain = fileURLToPath(new URL('aws-main.ts', import.meta.url));
