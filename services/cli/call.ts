/** What a command is handed when it is called: its options as a schema sees them, and everything that knows the world outside. */
import type { Command } from 'commander';
import { z } from 'zod';
import { createClient } from './client.ts';
import type { Ask } from './client.ts';
import { CommandFault, exitCodes } from './exit.ts';
import type { ExitCode } from './exit.ts';
import type { LiveOptions } from './live.ts';
import type { Screen } from './screen.ts';
import { readSettings } from './settings.ts';
import type { Flags, Settings } from './settings.ts';

export type World = {
  readonly screen: Screen;
  readonly env: NodeJS.ProcessEnv;
  /** All of standard input. */
  readonly readInput: () => Promise<string>;
  readonly clock: () => number;
  readonly live: LiveOptions;
  /** How long a request is tried in vain before the command gives up. */
  readonly patienceMs: number;
  /** Aborts on Ctrl-C. */
  readonly stop: AbortSignal;
};

export type Call<Options> = World & {
  /** The one argument that a command has, a task or a prompt; empty where it has none. */
  readonly subject: string;
  readonly options: Options;
  readonly settings: Settings;
  readonly ask: Ask;
};

export const everyOption = { json: z.boolean().default(false), url: z.string().optional(), key: z.string().optional() };

/** A whole number as people type it. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number);

/** Runs a command that commander has parsed. */
export const call = async <Options extends Flags>(
  command: Command,
  options: z.ZodType<Options>,
  work: (call: Call<Options>) => Promise<ExitCode>,
  world: World,
): Promise<ExitCode> => {
  const parsed = options.safeParse(command.optsWithGlobals());
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path: [option], message }) => `--${String(option)} ${message}`);
    throw new CommandFault(exitCodes.refused, faults.join('; '));
  }
  const tell = (text: string): void => world.screen.note(text, 'yellow');
  const settings = await readSettings(parsed.data, world.env, tell);
  const ask = createClient(settings, world.patienceMs, tell, world.stop);
  const [subject = ''] = command.args;
  return work({ ...world, subject, options: parsed.data, settings, ask });
};
