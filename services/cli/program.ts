/** The commands and their options, and how a command line ends. */
import { Command, CommanderError, Option } from 'commander';
import type { z } from 'zod';
import { Priority, TaskStatus } from '#events/task.ts';
import manifest from '../../package.json' with { type: 'json' };
import { call } from './call.ts';
import type { Call, World } from './call.ts';
import { CommandFault, exitCodes } from './exit.ts';
import type { ExitCode } from './exit.ts';
import { Screen } from './screen.ts';
import type { Sink } from './screen.ts';
import type { Flags } from './settings.ts';
import { listSessions, sessionsOptions } from './sessions.ts';
import { submit, submitOptions } from './submit.ts';
import {
  cancel,
  cancelOptions,
  eventsOptions,
  listEvents,
  listTasks,
  showStatus,
  statusOptions,
  taskListOptions,
} from './tasks.ts';
import { watch, watchOptions } from './watch.ts';

const usage = `
Exit codes: 0 done, 1 the task failed, 2 wrong usage or refused by the service, 3 the service is not reachable,
4 the task was cancelled, 5 the task ran out of time, 130 Ctrl-C (the task goes on).`;

const collect = (each: string, all: string[] | undefined): string[] => [...(all ?? []), each];

/** Gives a command its work. */
type Bind = <Options extends Flags>(
  command: Command,
  options: z.ZodType<Options>,
  work: (call: Call<Options>) => Promise<ExitCode>,
) => void;

const addSubmit = (program: Command, bind: Bind): void => {
  const command = program
    .command('submit')
    .description('hand in a prompt; prints the id of the task')
    .argument('<prompt>', 'what the agent shall do; - reads it from standard input')
    .addOption(new Option('--priority <priority>').choices(Priority.options))
    .option('--session <id>', 'continue this conversation')
    .option('--repository <repository>', 'work in this repository: owner/name or an https URL')
    .option('--ref <ref>', 'its branch, tag or commit')
    .option('--timeout <seconds>', 'how long the task may run')
    .option('--budget <credits>', 'how many credits the task may use')
    .option('--idempotency-key <key>', 'a repeat with the same key is the same task')
    .option('--metadata <key=value>', 'kept with the task; may be repeated', collect)
    .addOption(new Option('--wait', 'wait for the outcome; prints the result').conflicts('follow'))
    .option('--follow', 'print what the agent says and does as it happens');
  bind(command, submitOptions, submit);
};

const addTasks = (program: Command, bind: Bind): void => {
  const onTask = (name: string, description: string): Command =>
    program.command(name).description(description).argument('<task>', 'the id of the task');
  bind(onTask('watch', 'follow a task until its outcome, however often the connection is lost'), watchOptions, watch);
  bind(onTask('status', 'show a task as it is now'), statusOptions, showStatus);
  bind(onTask('events', 'print the facts of a task, oldest first'), eventsOptions, listEvents);
  const stop = onTask('cancel', 'ask a task to stop').option('--wait', 'wait until it has');
  bind(stop, cancelOptions, cancel);
};

const addLists = (program: Command, bind: Bind): void => {
  const list = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .option('--limit <number>', 'how many, at most', '20')
      .option('--all', 'all there are');
  const status = new Option('--status <status>', 'only those').choices(TaskStatus.options);
  bind(list('list', 'list tasks, newest first').addOption(status), taskListOptions, listTasks);
  bind(list('sessions', 'list sessions, newest first'), sessionsOptions, listSessions);
};

export type Terminal = { readonly stdout: Sink; readonly stderr: Sink };

/** Runs one command line to its end. */
export const run = async (
  argv: readonly string[],
  { stdout, stderr }: Terminal,
  world: Omit<World, 'screen'>,
): Promise<ExitCode> => {
  using screen = new Screen(stdout, stderr, world.env);
  let code: ExitCode = exitCodes.done;
  const bind: Bind = (command, options, work) =>
    void command.action(async () => {
      code = await call(command, options, work, { ...world, screen });
    });
  const program = new Command('kiro-dispatch')
    .description('Hand tasks to the Kiro agent service and follow them.')
    .version(manifest.version)
    .option('--json', 'print JSON: one object, or one per line for what comes piece by piece')
    .option('--url <url>', 'of the service; KIRO_DISPATCH_URL, or http://127.0.0.1:8081')
    .option('--key <key>', 'your API key; better in KIRO_DISPATCH_KEY, where other users do not see it')
    .addHelpText('after', usage)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });
  addSubmit(program, bind);
  addTasks(program, bind);
  addLists(program, bind);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (fault) {
    if (world.stop.aborted) return exitCodes.interrupted;
    if (fault instanceof CommanderError) return fault.exitCode === 0 ? exitCodes.done : exitCodes.refused;
    if (!(fault instanceof CommandFault)) {
      stderr.write(`${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}\n`);
      return exitCodes.internal;
    }
    screen.note(fault.message, 'red');
    return fault.exitCode;
  }
};
