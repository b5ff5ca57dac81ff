/** Runs one task to its outcome: claim, session, turn, settlement. */
import type { TaskUpdate } from '#events/task-update.ts';
import type { TaskError } from '#events/error.ts';
import type { SessionId, TaskId, WorkerId } from '#events/ids.ts';
import type { Task, TaskCommand, TaskRefusal } from '#events/task.ts';
import { keepText, readText } from '#platform/artifacts.ts';
import type { Artifacts } from '#platform/artifacts.ts';
import { AgentUnavailable } from '#platform/agent/agent.ts';
import type { TurnEnd } from '#platform/agent/agent.ts';
import { pause } from '#platform/backoff.ts';
import type { Handle } from '#platform/handle.ts';
import type { Log } from '#platform/log.ts';
import type { MarkRow, Origin } from '#platform/store.ts';
import { shortageIn } from '#platform/shortage.ts';
import { currentTraceparent, traced } from '#platform/telemetry.ts';
import { Attempt, heartbeat } from './attempt.ts';
import { budgetExceeded, errorOf, interruptedBy, timedOut } from './errors.ts';
import { withHistory } from './history.ts';
import { progressReporter } from './progress.ts';
import type { ObtainSession, Obtained } from './sessions.ts';
import type { SessionFacts } from './session-facts.ts';
import type { SessionPool } from './pool.ts';

export type RunDeps = {
  readonly workerId: WorkerId;
  readonly handleTask: Handle<Task, TaskCommand, TaskRefusal>;
  readonly markRow: MarkRow;
  readonly artifacts: Artifacts;
  readonly pool: SessionPool;
  readonly facts: SessionFacts;
  readonly obtainSession: ObtainSession;
  /** Before an attempt that found no agent is given up; doubles with every one. */
  readonly agentPauseMs: number;
  readonly clock: () => number;
  readonly log: Log;
};

/** A pending task that this worker wants, and the session it shall run in. */
export type Candidate = {
  readonly task: Task;
  readonly version: number;
  readonly sessionId: SessionId;
  /** What the run is a part of. */
  readonly traceparent: string | undefined;
  /** Called with every heartbeat. */
  readonly extend: () => Promise<void>;
};

export type TaskRuns = {
  /** Resolves when the task is settled, handed back, or was not ours to run. Rejects only when the store cannot be reached. */
  readonly run: (candidate: Candidate) => Promise<void>;
  readonly cancel: (taskId: TaskId) => void;
  /** Hands back what runs, and runs nothing more. */
  readonly interruptAll: () => void;
  readonly isRunning: (taskId: TaskId) => boolean;
};

export const taskRuns = (deps: RunDeps): TaskRuns => {
  const running = new Map<TaskId, Attempt>();
  let stopped = false;
  return {
    run: async (candidate) => {
      const { task } = candidate;
      if (stopped || running.has(task.taskId)) return;
      const attributes = { taskId: task.taskId, sessionId: candidate.sessionId, attempt: task.attempt + 1 };
      await traced('run task', { kind: 'consumer', parent: candidate.traceparent, attributes }, async () => {
        const traceparent = currentTraceparent();
        const origin: Origin = {
          actor: `worker:${deps.workerId}`,
          correlationId: task.correlationId,
          causationId: task.pendingBy,
          ...(traceparent === undefined ? {} : { traceparent }),
        };
        const attempt = new Attempt(deps.handleTask, origin, task, candidate.version);
        running.set(task.taskId, attempt);
        try {
          await runAttempt(deps, attempt, candidate);
        } finally {
          running.delete(task.taskId);
        }
      });
    },
    cancel: (taskId) => running.get(taskId)?.stop('cancelled'),
    interruptAll: () => {
      stopped = true;
      running.forEach((attempt) => attempt.stop('shutdown'));
    },
    isRunning: (taskId) => running.has(taskId),
  };
};

const runAttempt = async (deps: RunDeps, attempt: Attempt, candidate: Candidate): Promise<void> => {
  const { clock, log, workerId } = deps;
  const { sessionId, extend } = candidate;
  const startedAt = clock();
  const claimed = await attempt.write({ type: 'start', workerId, sessionId }, { heartbeatAt: startedAt });
  if (!claimed) return;
  // As it was claimed: another worker may have tried and handed it back since the candidate was read.
  const { task } = attempt;
  const { taskId, attempt: number } = task;
  log('task.started', { taskId, sessionId, attempt: number });
  using _beat = heartbeat(attempt, number, { ...deps, alongside: extend });
  const limit = setTimeout(() => attempt.stop('timed-out'), task.timeoutMs);
  const { end, obtained } = await work(deps, attempt, task, sessionId);
  clearTimeout(limit);
  try {
    if (obtained) await deps.facts.settled(sessionId);
    const outcome = await settle(deps, attempt, task, end);
    log('task.ended', { taskId, attempt: number, outcome, durationMs: clock() - startedAt });
  } finally {
    if (obtained) await giveBack(deps, obtained, attempt, end);
  }
};

type Worked = { readonly end: TurnEnd; readonly obtained?: Obtained };

const work = async (deps: RunDeps, attempt: Attempt, task: Task, sessionId: SessionId): Promise<Worked> => {
  let obtained: Obtained | undefined;
  try {
    const spent = task.usage.credits;
    const limit = task.limits?.credits;
    if (limit !== undefined && spent >= limit) attempt.stop('budget-exceeded');
    if (attempt.signal.aborted) return { end: { outcome: 'cancelled' } };
    obtained = await deps.obtainSession(task, sessionId, attempt.signal);
    deps.facts.activated(obtained.session, task.taskId);
    const prompt = withHistory(await readText(task.prompt, deps.artifacts), obtained.history);
    return { end: await runTurn(deps, attempt, obtained, { task, prompt }), obtained };
  } catch (fault) {
    if (attempt.signal.aborted) return { end: { outcome: 'cancelled' }, ...(obtained ? { obtained } : {}) };
    deps.log.problem('task.faulted', { taskId: task.taskId, reason: String(fault) });
    // A worker without an agent, or without room, is the quickest to take work: it must not use up every task's attempts in a moment.
    if (fault instanceof AgentUnavailable || shortageIn(fault) !== undefined)
      await pause(deps.agentPauseMs * 2 ** task.failures, attempt.signal);
    const end = { outcome: 'failed', error: errorOf(fault), reusable: false } as const;
    return { end, ...(obtained ? { obtained } : {}) };
  }
};

type TurnOf = { readonly task: Task; readonly prompt: string };

const runTurn = async (deps: RunDeps, attempt: Attempt, obtained: Obtained, turn: TurnOf): Promise<TurnEnd> => {
  const { task, prompt } = turn;
  const { agent, conversation } = obtained.session;
  let seq = 0;
  let credits = task.usage.credits;
  const report = async (updates: TaskUpdate[]): Promise<void> => {
    seq += 1;
    const command = { type: 'progress', attempt: task.attempt, seq, updates } as const;
    // Progress that cannot be stored is lost; whether the attempt may go on is the heartbeat's question.
    await attempt.write(command, { heartbeatAt: deps.clock() }).catch((fault: unknown) => {
      deps.log.problem('progress.lost', { taskId: task.taskId, reason: String(fault) });
    });
  };
  const reporter = progressReporter(report);
  const onUpdate = (update: TaskUpdate): void => {
    reporter.add(update);
    if (update.kind !== 'usage') return;
    credits += update.credits ?? 0;
    if (update.contextPercent !== undefined) obtained.usage.contextPercent = update.contextPercent;
    if (task.limits?.credits !== undefined && credits > task.limits.credits) attempt.stop('budget-exceeded');
  };
  const attributes = { taskId: task.taskId, agent: agent.info.name, dialect: agent.info.dialect };
  const end = await traced('agent turn', { attributes }, () =>
    agent.runTurn({ conversationId: conversation.id, prompt, onUpdate }, attempt.signal),
  );
  await reporter.finish();
  return end;
};

/** What is to be written, or nothing when the attempt is another worker's by now. */
const settlementOf = async (
  { artifacts }: RunDeps,
  { cause }: Attempt,
  task: Task,
  end: TurnEnd,
): Promise<TaskCommand | undefined> => {
  const { attempt } = task;
  const fail = (error: TaskError): TaskCommand => ({ type: 'fail', attempt, error });
  if (cause === 'lost') return undefined;
  if (cause === 'cancelled') return { type: 'confirm-cancel', attempt };
  if (cause === 'budget-exceeded') return fail(budgetExceeded(task.limits?.credits ?? 0));
  if (end.outcome === 'completed') {
    return { type: 'complete', attempt, result: await keepText(end.text, artifacts), stopReason: end.stopReason };
  }
  if (cause === 'timed-out') return fail(timedOut(task.timeoutMs));
  if (cause === 'shutdown') return { type: 'interrupt', attempt, cause, error: interruptedBy };
  const error = end.outcome === 'failed' ? end.error : errorOf('the turn was cancelled by nobody');
  return error.retryable ? { type: 'interrupt', attempt, cause: 'agent-failed', error } : fail(error);
};

/** Between two tries to store an outcome; the heartbeat ends the tries when the task is another's. */
const settlePauseMs = 1_000;

/** Tries until the outcome is stored, its text included, or the attempt is another's; tells what was written. */
const settle = async (deps: RunDeps, attempt: Attempt, task: Task, end: TurnEnd): Promise<string> => {
  while (attempt.cause !== 'lost') {
    try {
      const settlement = await settlementOf(deps, attempt, task, end);
      if (settlement && (await attempt.write(settlement, { heartbeatAt: deps.clock() }))) return settlement.type;
    } catch (fault) {
      deps.log.problem('task.not-settled', { taskId: attempt.taskId, reason: String(fault) });
      await pause(settlePauseMs);
    }
  }
  return 'lost';
};

const giveBack = async ({ pool, facts }: RunDeps, { session, usage }: Obtained, attempt: Attempt, end: TurnEnd) => {
  const reusable = end.outcome === 'completed' || (end.outcome === 'failed' ? end.reusable : attempt.cause !== 'lost');
  const context = usage.contextPercent === undefined ? {} : { contextPercent: usage.contextPercent };
  if (reusable && pool.holds(session.sessionId)) facts.idled(session, usage.contextPercent);
  await pool.release(session.sessionId, { reusable, ...context });
};
